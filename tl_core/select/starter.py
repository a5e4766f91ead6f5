"""Which starter suits a dataset: by what its items are and, for texts, by their language."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from tl_core.backbones.inputs.input_kind import input_kind_of
from tl_core.backbones.sources.reference import parse_reference
from tl_core.backbones.sources.starters import problem
from tl_core.data.versions.store import DatasetVersion
from tl_core.settings import Settings


def suggested(folder: Path, settings: Settings) -> str:
    """The best starter for the dataset version in `folder` that can be used here."""
    *better, always = _ranked(folder)
    for reference in better:
        if not problem(parse_reference(reference).target, settings):
            return reference
    return always


@lru_cache(maxsize=256)  # a version never changes
def _ranked(folder: Path) -> tuple[str, ...]:
    """The starters that suit the training items, the best first."""
    version = DatasetVersion(folder)
    return input_kind_of(version.info.modality).starters(version, version.rows_of("train"))
