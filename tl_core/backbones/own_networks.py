"""Networks that transformers does not bring, by the `model_type` of their folders; each module
makes its classes known to the Auto classes when it is imported, and travels with bundles.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

_TABLES = "mel."  # how the names of such tables begin
_MODULES = {
    "static_vectors": "tl_core.backbones.static_vectors",
    "sound_picture": "tl_core.backbones.sound_networks",
    "speech_embedding": "tl_core.backbones.speech_network",
}


def is_own(family: str) -> bool:
    """Whether this architecture is one of ours, which plain transformers cannot open."""
    return family in _MODULES


def own_module(family: str) -> str:
    """The file, without its ending, that makes this architecture known beside a bundle; empty where
    transformers brings it.
    """
    return _MODULES.get(family, "").rpartition(".")[2]


def keep_tables(model: nn.Module, folder: Path) -> None:
    """Give a network with random weights the tables of its spectrogram, which are no weights, from
    the folder of the pretrained one, in place.
    """
    from safetensors import safe_open

    tables = {name: value for name, value in model.named_buffers() if name.startswith(_TABLES)}
    for path in folder.glob("*.safetensors"):
        with safe_open(path, framework="pt") as file:
            for name in set(file.keys()) & tables.keys():
                tables[name].copy_(file.get_tensor(name))


def make_known(family: str) -> ModuleType | None:
    """Let transformers open this architecture; its module, or None where it needs nothing."""
    return import_module(_MODULES[family]) if family in _MODULES else None
