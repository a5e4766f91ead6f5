"""Which starter suits a dataset: by what its items are and, for texts, by their language."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from tl_core.backbones.language import language_of, sample
from tl_core.backbones.sources.starters import problem
from tl_core.data.versions.store import DatasetVersion
from tl_core.settings import Settings


def suggested(folder: Path, settings: Settings) -> str:
    """The starter for the dataset version in `folder`; the multilingual one where it can be used
    and most of the training texts are not English.
    """
    modality, language = _about(folder)
    if modality == "text" and language != "en" and not problem("multilingual", settings):
        return "starter:multilingual"
    return f"starter:{modality}"


@lru_cache(maxsize=256)  # a version never changes
def _about(folder: Path) -> tuple[str, str]:
    """What the items are, and the language of the training texts."""
    version = DatasetVersion(folder)
    rows = version.rows_of("train")
    is_text = version.info.modality == "text" and len(rows)
    return version.info.modality, language_of(sample(version, rows)) if is_text else "en"
