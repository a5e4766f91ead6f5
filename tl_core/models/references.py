"""From a backbone reference to a local folder that is safe to load."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from tl_core.errors import BackboneError, nearest
from tl_core.settings import Settings

_STARTERS = ("starter:text", "starter:multilingual", "starter:image", "starter:image-small")
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.h5", "*.msgpack")


@dataclass(frozen=True)
class Reference:
    """A parsed reference: `kind` is starter, local, hub, run or static; `revision` only for hub."""

    kind: str
    target: str
    revision: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.target}" + (f"@{self.revision}" if self.revision else "")


def parse_reference(text: str) -> Reference:
    """Parse `starter:text`, `local:<folder>`, `hub:<owner>/<name>[@revision]`, `run:<id>`, or
    `static:` before a file of word vectors or one of the others.

    Raises:
        BackboneError: for anything else, with the nearest right form.
    """
    kind, _, target = text.strip().partition(":")
    if kind == "starter" and text.strip() in _STARTERS:
        return Reference(kind, target)
    if kind in ("local", "static") and target:
        return Reference(kind, target)
    if kind == "run" and target.isalnum():
        return Reference(kind, target)
    if kind == "hub" and target:
        name, _, revision = target.partition("@")
        return Reference(kind, name, revision)
    hint = (
        nearest(text, _STARTERS)
        if kind == "starter" or not target
        else (
            "Write starter:text, starter:multilingual, starter:image, local:<folder>,"
            " hub:<owner>/<name>, run:<id> or static:<file>."
        )
    )
    raise BackboneError(f"{text!r} names no backbone.", "", hint)


def resolve_folder(reference: Reference, settings: Settings) -> Path:
    """The local folder of a backbone; a Hub model is downloaded first.

    Raises:
        BackboneError: when it is missing, differs from its published hash, or holds no safetensors.
    """
    if reference.kind == "starter":
        from tl_core.models.starters import starter_folder

        return starter_folder(reference.target, settings)
    if reference.kind == "hub":
        from tl_core.models.hub import download

        return download(reference.target, reference.revision)
    if reference.kind == "static":
        from tl_core.models.word_vectors import static_folder

        return static_folder(reference.target, settings)
    folder = (
        _run_folder(reference.target, settings)
        if reference.kind == "run"
        else _local_folder(reference.target, settings)
    )
    check_weights(folder, str(reference))
    return folder


def _run_folder(run_id: str, settings: Settings) -> Path:
    """The model of an earlier run; whose run it may be is the registry's business."""
    folder = settings.home_path / "runs" / run_id / "model"
    if not (folder / "config.json").is_file():
        raise BackboneError(
            f"Run {run_id} has no model to start from.",
            "It has not finished, was deleted, or used no backbone.",
            "Choose a finished run that has one.",
        )
    told = read_json(folder / "graft.json")  # a bundle has one too, which names no pooling
    if told.get("pooling") or told.get("mlp"):
        raise BackboneError(
            f"The model of run {run_id} cannot be a start.",
            "Its classifier or pooling is none of its family's own.",
            "Choose a run with a linear classifier and the usual pooling.",
        )
    return folder


def _local_folder(target: str, settings: Settings) -> Path:
    """A path as it stands, else a folder name below one of TL_MODELS_DIR."""
    candidates = [Path(target).expanduser(), *(root / target for root in settings.model_folders)]
    for folder in candidates:
        if (folder / "config.json").is_file():
            return folder.resolve()
    known = [folder.name for folder in local_folders(settings)]
    raise BackboneError(
        f"There is no model folder {target!r}.",
        "A model folder holds a config.json.",
        nearest(target, known) if known else "Check the path, or set TL_MODELS_DIR.",
    )


def local_folders(settings: Settings) -> list[Path]:
    """Model folders found directly below TL_MODELS_DIR."""
    return [
        config.parent
        for root in settings.model_folders
        if root.is_dir()
        for config in sorted(root.glob("*/config.json"))
    ]


def has_classifier(folder: Path) -> bool:
    """Whether a model folder brings a classifier of its own, with its weights: a matrix with a row
    for each class.
    """
    from safetensors import safe_open

    config = read_json(folder / "config.json")
    kinds: object = config.get("architectures") or [""]
    named: object = config.get("id2label") or {}
    classes = int(str(config.get("num_classes") or (len(named) if isinstance(named, dict) else 0)))
    native = isinstance(kinds, list) and str(kinds[0]).endswith(
        ("ForImageClassification", "ForSequenceClassification")
    )
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
    names = config.get("label_names") or config.get("id2label")
    found = (
        list(names.values())
        if isinstance(names, dict)
        else names
        if isinstance(names, list)
        else []
    )
    return (
        []
        if all(str(name).startswith("LABEL_") for name in found)
        else [str(name) for name in found]
    )


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


def state_hash(model: Any) -> str:  # noqa: ANN401
    """sha256 of all weights and buffers of a model in memory, in the order of their names."""
    found = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        found.update(name.encode())
        found.update(value.detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()


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


def read_json(path: Path) -> dict[str, object]:
    """A JSON object, or an empty one where there is no such file.

    Raises:
        BackboneError: when the file is not valid JSON.
    """
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise BackboneError(
            f"{path.name} of the backbone cannot be read.", f"{error}.", "Download the model again."
        ) from error
    return content if isinstance(content, dict) else {}
