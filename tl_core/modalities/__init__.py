"""The modalities, in one table; another one is an entry here and a class for each layer."""

from __future__ import annotations

from tl_core.errors import ConfigError, nearest
from tl_core.modalities.audio import AUDIO
from tl_core.modalities.base import Modality
from tl_core.modalities.image import IMAGE
from tl_core.modalities.text import TEXT

__all__ = ["MODALITIES", "Modality", "items_of", "modality_of"]

MODALITIES: dict[str, Modality] = {one.name: one for one in (IMAGE, AUDIO, TEXT)}


def modality_of(name: str) -> Modality:
    """The modality of that name.

    Raises:
        ConfigError: when there is none.
    """
    if name not in MODALITIES:
        raise ConfigError(f"There is no modality {name!r}.", "", nearest(name, MODALITIES))
    return MODALITIES[name]


def items_of(name: str) -> str:
    """What people call items of a modality; plain items where it is not known."""
    return MODALITIES[name].items if name in MODALITIES else "items"
