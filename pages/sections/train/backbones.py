"""Backbone references that come from a page, which anybody may type."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import streamlit as st

from pages.sections.evaluate import test_score
from pages.shell import services
from pages.widgets import trained
from tl_core.backbones.sources.reference import parse_reference
from tl_core.backbones.sources.resolve import resolve_folder
from tl_core.backbones.sources.word_vectors import INSIDE, vector_file
from tl_core.errors import BackboneError
from tl_core.registry.datasets import DatasetRecord
from tl_core.select import starter

_OWN = 12


def allowed(text: str) -> str:
    """The reference, if pages may use it; a folder or file by its name in TL_MODELS_DIR, else
    absolute.

    Raises:
        BackboneError: for a malformed reference, or a folder outside TL_MODELS_DIR.
    """
    settings = services.settings()
    if text.startswith("run:"):
        services.runs().get(text.removeprefix("run:"))
    services.models().check(text)
    reference = parse_reference(text)
    if reference.kind == "static":
        if reference.target.startswith(INSIDE):
            return f"static:{allowed(reference.target)}"
        folder = vector_file(reference.target, settings)
    elif reference.kind == "local":
        folder = resolve_folder(reference, settings)
    else:
        return str(reference)
    roots = [root.resolve() for root in settings.model_folders]
    if settings.is_local and not settings.named_model_folders:
        roots.append(Path.home())
    if not any(folder.is_relative_to(root) for root in roots):
        raise BackboneError(
            "The pages may not read this folder.",
            "",
            "Ask whoever runs this server to add it to TL_MODELS_DIR.",
        )
    if folder.parent in [root.resolve() for root in settings.model_folders]:
        return f"{reference.kind}:{folder.name}"  # a name that also holds on another machine
    return f"{reference.kind}:{folder}"


def own_runs(record: DatasetRecord) -> list[dict[str, str]]:
    """The newest trained models of the acting user that read the same kind of items, as cards."""
    usable = (
        run
        for run in trained.finished()
        if run.backbone
        and (run.folder / "model" / "config.json").is_file()
        and not (run.folder / "model" / "graft.json").is_file()
        and test_score.report_of(run)["modality"] == record.modality
    )
    return [
        {
            "reference": f"run:{run.id}",
            "modality": record.modality,
            "name": f"Your run {run.id}",
            "problem": "",
            "size": f"{trained.name(run)} on {run.dataset}",
            "licence": f"that of {run.backbone}",
            "text": "Starts from the weights of that run: " + run.headline,
        }
        for run in islice(usable, _OWN)
    ]


def for_dataset(record: DatasetRecord) -> str:
    """The backbone in hand, else that of the newest training on the dataset, else the starter for
    it.
    """
    used = [
        run.backbone
        for run in services.runs().of_dataset(record.called)
        if run.kind == "train" and run.backbone
    ]
    return str(st.session_state["backbone"] or next(iter(used), suggested(record)))


def suggested(record: DatasetRecord) -> str:
    """The starter for what the dataset holds, by the language of its texts."""
    return starter.suggested(record.folder, services.settings())
