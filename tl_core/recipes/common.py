"""What every recipe does around its training: label spaces, the yardstick, prediction files, the report's frame."""

from __future__ import annotations

import csv
import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tl_core.config import RunConfig
from tl_core.data.store import DatasetVersion, write_json
from tl_core.evaluate import report
from tl_core.models.references import read_json
from tl_core.progress import Progress
from tl_core.train import yardstick

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class LabelSpace:
    """All class names of the version, and which of them the model can learn: those with training rows."""

    names: list[str]
    kept: list[int]

    @property
    def model_names(self) -> list[str]:
        return [self.names[i] for i in self.kept]

    @property
    def lost(self) -> list[str]:
        return [name for i, name in enumerate(self.names) if i not in self.kept]

    def to_model(self, labels: Ints) -> Ints:
        """Version class numbers as model class numbers, -1 for classes outside the model."""
        table = np.full(len(self.names) + 1, -1, dtype=np.int64)
        table[self.kept] = np.arange(len(self.kept))
        return table[labels]

    def to_all(self, probabilities: Floats) -> Floats:
        """Model probabilities (rows, kept) spread over all classes, zero for those outside the model."""
        out = np.zeros((len(probabilities), len(self.names)))
        out[:, self.kept] = probabilities
        return out


def label_space(version: DatasetVersion) -> LabelSpace:
    """Classes that occur among the training rows are learnt; others are named and count as wrong."""
    present = np.unique(version.labels[version.rows_of("train")])
    return LabelSpace(version.info.labels, [int(i) for i in present if i >= 0])


def run_yardstick(version: DatasetVersion, cache: Path, progress: Progress, *, balanced: bool,
                  seed: int) -> tuple[dict[str, Any], NDArray[np.bool_]]:
    """The report's `baselines` and which test rows the trained one has right; kept for later runs on this version."""
    memory = cache / "baselines.json"
    key = f"{version.info.fingerprint}/{balanced}/{seed}"
    known = read_json(memory).get(key)
    if isinstance(known, dict):
        return known["scores"], np.array(known["correct"], dtype=bool)
    test = version.rows_of("test")
    space, labels = label_space(version), version.labels
    fitted = yardstick.fit_yardstick(version, labels, {"train": version.rows_of("train"), "test": test},
                                     classes=len(space.names), c=1.0, balanced=balanced, seed=seed, progress=progress)
    predicted = fitted.probabilities["test"].argmax(axis=1)
    scores = {**majority_baseline(version), fitted.name: report.baseline_score(labels[test], predicted)}
    correct = predicted == labels[test]
    memory.parent.mkdir(parents=True, exist_ok=True)
    write_json(memory, {**read_json(memory), key: {"scores": scores, "correct": correct.astype(int).tolist()}})
    return scores, correct


def majority_baseline(version: DatasetVersion) -> dict[str, Any]:
    """The score of always naming the commonest class."""
    test, train = version.labels[version.rows_of("test")], version.labels[version.rows_of("train")]
    guess = yardstick.majority(train, len(version.info.labels))
    return {"majority": report.baseline_score(test, np.full(len(test), guess))}


def write_predictions(path: Path, version: DatasetVersion, rows: Ints, probabilities: Floats,
                      labels: list[str]) -> None:
    """One line for each held-out row: what it is, what was said, how sure; 9 significant digits."""
    temporary = path.with_suffix(".tmp")
    with temporary.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle)
        writer.writerow(["index", "row", "true", "label", "confidence", *(f"p:{name}" for name in labels)])
        best = probabilities.argmax(axis=1)
        for row, name, values, place in zip(rows.tolist(), version.names(rows), probabilities, best, strict=True):
            true = labels[version.labels[row]]
            writer.writerow([row, name, true, labels[place], f"{values[place]:.9g}", *(f"{v:.9g}" for v in values)])
        handle.flush()
        os.fsync(handle.fileno())
    temporary.replace(path)


def build_report(config: RunConfig, version: DatasetVersion, space: LabelSpace, sections: dict[str, Any],
                 baselines: dict[str, Any], **facts: Any) -> dict[str, Any]:  # noqa: ANN401
    """The report object of the contract; `facts` brings settings, timing, model and what the recipe found."""
    return {
        "schema_version": report.SCHEMA_VERSION, "dataset": config.dataset, "backbone": config.backbone,
        "recipe": config.recipe, "modality": version.info.modality, "labels": space.names,
        "classes_without_training_rows": space.lost, **sections, "baselines": baselines,
        "headline": report.headline(sections["test"], version.info.modality, baselines,
                                    is_baseline=config.recipe == "baseline"),
        "data": {"fingerprint": version.info.fingerprint, "splits": version.info.splits,
                 "findings": version.info.findings},
        "environment": environment(), "predictions": "predictions.csv", **facts,
    }


def environment() -> dict[str, Any]:
    """Versions and machine, for whoever repeats the run."""
    from importlib.metadata import version as installed

    names = ("torch", "transformers", "scikit-learn", "datasets", "numpy", "tokenizers", "pillow")
    return {"python": platform.python_version(), "platform": platform.platform(),
            "packages": {name: installed(name) for name in names}}
