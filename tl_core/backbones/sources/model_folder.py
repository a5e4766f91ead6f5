"""What a model folder holds: safe weights, their checksums, the classes that it tells apart."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from tl_core.errors import BackboneError
from tl_core.modalities import MODALITIES
from tl_core.surgery.model_json import read_json

if TYPE_CHECKING:
    from torch import nn

_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.h5", "*.msgpack")


def has_classifier(folder: Path) -> bool:
    """Whether a model folder brings a classifier of its own, with its weights: a matrix with a row
    for each class.
    """
    from safetensors import safe_open

    config = read_json(folder / "config.json")
    kinds: object = config.get("architectures") or [""]
    named: object = config.get("id2label") or {}
    classes = int(str(config.get("num_classes") or (len(named) if isinstance(named, dict) else 0)))
    endings = tuple(one.auto_class.removeprefix("AutoModel") for one in MODALITIES.values())
    native = isinstance(kinds, list) and str(kinds[0]).endswith(endings)
    if classes < 2 or not (native or "num_classes" in config):
        return False
    for path in folder.glob("*.safetensors"):
        with safe_open(path, framework="numpy") as file:
            shapes = [file.get_slice(name).get_shape() for name in file.keys()]
        if any(len(shape) in (2, 4) and shape[0] == classes for shape in shapes):
            return True
    return False


def known_classes(folder: Path) -> list[str]:
    """Names of the classes that a model folder already tells apart; none where it has only numbers
    for them.
    """
    config = read_json(folder / "config.json")
    named = config.get("label_names") or config.get("id2label")
    values = list(named.values()) if isinstance(named, dict) else named
    names = [str(value) for value in values] if isinstance(values, list) else []
    return [] if all(name.startswith("LABEL_") for name in names) else names


def check_weights(folder: Path, shown: str) -> None:
    """Refuse a folder without safetensors: pickled weights can run code when they are opened."""
    if any(folder.glob("*.safetensors")):
        return
    pickled = [path.name for pattern in _PICKLES for path in folder.glob(pattern)]
    raise BackboneError(
        f"{shown} has no safetensors weights.",
        (
            f"It holds only {pickled[0]}, a pickle, which can run code when it is opened."
            if pickled
            else "The folder holds no weights."
        ),
        "Choose a model or revision with a model.safetensors file.",
    )


def weights_hash(folder: Path) -> str:
    """sha256 of the safetensors file, or of the hashes of all parts in name order."""
    parts = sorted(folder.glob("*.safetensors"))
    digests = [file_hash(path) for path in parts]
    return (
        digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()
    )


def state_hash(model: nn.Module) -> str:
    """sha256 of all weights and buffers of a model in memory, in the order of their names."""
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def file_hash(path: Path) -> str:
    """sha256 of a file, remembered while its size and time of change stay."""
    return _file_hash(path, path.stat().st_size, path.stat().st_mtime_ns)


@lru_cache(maxsize=64)
def _file_hash(path: Path, _size: int, _changed: int) -> str:
    """sha256 of a file; size and time of change are arguments so that a changed file is read
    anew.
    """
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
