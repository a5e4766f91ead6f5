"""The code that a bundle carries, so that it runs without this program."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

from tl_core.backbones.own_networks import make_known
from tl_core.data import preparation
from tl_core.export.exported_items import exported_items_of
from tl_core.export.standalone import inputs, opened_files, predict

_OURS = re.compile(r"^( *)from tl_core(?:\.\w+)*\.(\w+) import", re.MULTILINE)


def copy_code(target: Path, modality: str, family: str) -> None:
    """Write `predict.py` and what it needs into the folder `target`: how its arguments are read,
    what training did to a row, how files are decoded, and classes of networks that transformers
    does not know.
    """
    for module in (
        predict,
        inputs,
        opened_files,
        preparation,
        *exported_items_of(modality).modules(),
    ):
        _copy(module, target)
    if network := make_known(family):
        _copy(network, target)


def _copy(module: ModuleType, target: Path) -> None:
    """Copy a module; what it imports from this program lies beside it in a bundle."""
    path = Path(str(module.__file__))
    code = _OURS.sub(r"\1from \2 import", path.read_text(encoding="utf-8"))
    (target / path.name).write_text(code, encoding="utf-8")
