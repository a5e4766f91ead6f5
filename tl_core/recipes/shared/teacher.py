"""A trained model that teaches another: opened, its classes brought into order, its answers kept,
and what it costs beside the student.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tl_core.backbones.classifier import Classifier, load_classifier
from tl_core.backbones.sources.reference import parse_reference
from tl_core.backbones.sources.resolve import resolve_folder
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import ConfigError, DataError
from tl_core.evaluate.report.schema import ModelCost
from tl_core.modalities import modality_of
from tl_core.progress import Progress
from tl_core.recipes.shared.common import Floats, Ints, predict_rows
from tl_core.settings import read_settings
from tl_core.tasks import SINGLE_LABEL
from tl_core.train.items.item_training import read_inputs

_TIMED, _TIMES = 64, 3  # items that both are timed on, and how often
_FILE = "teacher.npz"


@dataclass(frozen=True)
class Teacher:
    """A trained model; `columns` are the places of the student's classes among its own."""

    reference: str
    folder: Path
    classifier: Classifier
    columns: list[int]

    def says(self, version: DatasetVersion, rows: Ints, progress: Progress) -> Floats:
        """Probabilities (rows, student's classes), adding up to 1; of its other classes nothing."""
        said = predict_rows(self.classifier, version, rows, progress)[:, self.columns]
        sums = said.sum(axis=1, keepdims=True)
        even = np.full_like(said, 1 / len(self.columns))
        whole: Floats = np.divide(said, sums, out=even, where=sums > 0)
        return whole


def open_teacher(reference: str, version: DatasetVersion, names: list[str]) -> Teacher:
    """The model that a reference names, as a teacher of these classes.

    Raises:
        ConfigError: when it cannot tell these classes apart.
        DataError: when it reads items of another kind.
    """
    folder = resolve_folder(parse_reference(reference), read_settings())
    classifier = load_classifier(folder)
    if classifier.modality != version.info.modality:
        raise DataError(
            f"The teacher reads {modality_of(classifier.modality).items}, the dataset holds"
            f" {modality_of(version.info.modality).items}.",
            "",
            "Choose a run on this dataset as the teacher.",
        )
    known = {name.casefold(): place for place, name in enumerate(classifier.labels)}
    known |= {name: place for place, name in enumerate(classifier.labels)}
    places = [known.get(name, known.get(name.casefold())) for name in names]
    missing = [name for name, place in zip(names, places, strict=True) if place is None]
    if missing or classifier.task is not SINGLE_LABEL:
        shown = ", ".join(map(repr, missing[:5]))
        raise ConfigError(
            f"The teacher {reference} cannot tell these classes apart.",
            f"It does not know {shown}." if missing else "It gives several labels to an item.",
            "Choose a run that was trained on this dataset, or a model with the same classes.",
        )
    return Teacher(reference, folder, classifier, [place for place in places if place is not None])


def answers(
    teacher: Teacher,
    version: DatasetVersion,
    rows: dict[str, Ints],
    folder: Path,
    progress: Progress,
) -> dict[str, Floats]:
    """What the teacher says of some rows, by name of the part; kept in the run's folder, so that a
    resumed run learns from the same.
    """
    kept = folder / _FILE
    if not kept.is_file():
        said: dict[str, Any] = {}
        for name, places in rows.items():
            progress.stage(f"Asking the teacher about {name} rows", len(places), share=0.05)
            said[name] = teacher.says(version, places, progress)
        temporary = kept.with_suffix(".tmp.npz")
        with temporary.open("wb") as handle:
            np.savez(handle, **said)
        temporary.replace(kept)
    with np.load(kept) as stored:
        return dict(stored)


def forget(folder: Path) -> None:
    """Remove the kept answers of a run that has ended."""
    (folder / _FILE).unlink(missing_ok=True)


def cost_of(classifier: Classifier, folder: Path, version: DatasetVersion) -> ModelCost:
    """Weights, bytes of their files, and items a second on some test items, the best of several
    times, which other work on the machine spoils least: decoding is not counted, tokens and pixels
    are.
    """
    inputs = read_inputs(version, version.rows_of("test")[:_TIMED])
    classifier.probabilities(inputs)  # warms up
    seconds = []
    for _ in range(_TIMES):
        started = time.perf_counter()
        classifier.probabilities(inputs)
        seconds.append(time.perf_counter() - started)
    return {
        "parameters": sum(one.numel() for one in classifier.model.parameters()),
        "bytes": sum(path.stat().st_size for path in folder.glob("*.safetensors")),
        "items_per_second": len(inputs) / max(min(seconds), 1e-9),
    }
