"""From a backbone reference to a local folder that is safe to load."""

from __future__ import annotations

from pathlib import Path

from tl_core.backbones.sources.model_folder import (
    check_weights,
)
from tl_core.backbones.sources.reference import Reference, parse_reference
from tl_core.errors import BackboneError, nearest
from tl_core.settings import Settings
from tl_core.surgery.model_json import read_json


def resolve_folder(reference: Reference, settings: Settings) -> Path:
    """The local folder of a backbone; a Hub model is downloaded first.

    Raises:
        BackboneError: when it is missing, differs from its published hash, or holds no safetensors.
    """
    if reference.kind == "starter":
        from tl_core.backbones.sources.starters import starter_folder

        return starter_folder(reference.target, settings)
    if reference.kind == "hub":
        from tl_core.backbones.sources.hub_backbones import download

        return download(reference.target, reference.revision)
    if reference.kind == "static":
        return _static_folder(reference.target, settings)
    folder = (
        _run_folder(reference.target, settings)
        if reference.kind == "run"
        else _local_folder(reference.target, settings)
    )
    check_weights(folder, str(reference))
    return folder


def _static_folder(target: str, settings: Settings) -> Path:
    """The folder of the vectors that `target` names, made on first use: a file, or `starter:text`,
    `hub:` and so on for the embedding table of that backbone.
    """
    from tl_core.backbones.sources.word_vectors import INSIDE, file_folder, table_folder

    if target.startswith(INSIDE):
        return table_folder(resolve_folder(parse_reference(target), settings), settings)
    return file_folder(target, settings)


def _run_folder(run_id: str, settings: Settings) -> Path:
    """The model of an earlier run; whose run it may be is the registry's business."""
    folder = settings.home_path / "runs" / run_id / "model"
    if not (folder / "config.json").is_file():
        raise BackboneError(
            f"Run {run_id} has no model to start from.",
            "It has not finished, was deleted, or used no backbone.",
            "Choose a finished run that has one.",
        )
    graft = read_json(folder / "graft.json")  # a bundle has one too, which names no pooling
    if graft.get("pooling") or graft.get("mlp"):
        raise BackboneError(
            f"The model of run {run_id} cannot be a backbone.",
            "Its classifier or pooling is not the standard one of its architecture.",
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
