"""What every recipe needs around its training: label spaces, what it leaves, sealed test labels,
the no-transfer baseline.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tl_core.backbones.backbone import Backbone
from tl_core.backbones.classifier import Classifier
from tl_core.data.domains import TARGET_TEST
from tl_core.data.overlays.overlay import Overlay
from tl_core.data.versions.store import DatasetVersion
from tl_core.evaluate.report.schema import Baselines, ModelFacts, RecipeFacts
from tl_core.evaluate.tasks.task_evaluation import task_evaluation_of
from tl_core.json_files import find_object, write_json
from tl_core.progress import Progress
from tl_core.train import no_transfer
from tl_core.train.items.item_training import read_inputs
from tl_core.train.tasks.task_training import task_training_of

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
_CHUNK = 512


@dataclass(frozen=True)
class LabelSpace:
    """All class names of the version, and which of them the model can learn: those with training
    rows.
    """

    names: list[str]
    kept: list[int]

    @property
    def model_names(self) -> list[str]:
        return [self.names[i] for i in self.kept]

    @property
    def lost(self) -> list[str]:
        return [name for i, name in enumerate(self.names) if i not in self.kept]

    def to_model(self, labels: Ints) -> Ints:
        """Labels of a version (rows,), or (rows, classes) where a row may have several, for the
        model: -1 for a class outside it, whose column is left out.
        """
        if labels.ndim == 2:
            return labels[:, self.kept]
        table = np.full(len(self.names) + 1, -1, dtype=np.int64)
        table[self.kept] = np.arange(len(self.kept))
        return table[labels]

    def to_all(self, probabilities: Floats) -> Floats:
        """Model probabilities (rows, kept) spread over all classes, zero for those outside the
        model.
        """
        out = np.zeros((len(probabilities), len(self.names)))
        out[:, self.kept] = probabilities
        return out


@dataclass(frozen=True)
class Said:
    """What another way says of the test rows and of the validation rows, over all classes of the
    version.
    """

    test: Floats
    held: Floats


@dataclass
class Trained:
    """What a recipe's training leaves behind, made without a look at any test label.

    `test` and `validation` are probabilities over all classes of the version; `kind` says whether
    the validation ones come from a split or from cross-validation. `baselines` and `beside` are
    probabilities of the test items as well, by the names that they have in the report;
    `beside_held` are those of the validation items. `alternatives` are what other
    models, by name, say of the test rows, where a section of the report sets them side by side.
    """

    test: Floats
    validation_rows: Ints
    validation: Floats
    kind: str
    settings: dict[str, object]
    timing: dict[str, float]
    facts: RecipeFacts
    yardstick: bool = False  # whether the no-transfer baseline is fitted; a key of trained.json
    balanced: bool = False
    seed: int = 0
    baselines: dict[str, Floats] = field(default_factory=dict)
    alternatives: dict[str, Floats] = field(default_factory=dict)
    beside: dict[str, Floats] = field(default_factory=dict)  # other ways on the same labels
    beside_held: dict[str, Floats] = field(default_factory=dict)

    def put_beside(self, name: str, other: Said) -> None:
        """Set the model beside another way, which has this name in a sentence."""
        self.beside[name], self.beside_held[name] = other.test, other.held


class Clock:
    """Seconds between marks, by name; the names are those of the report."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(
            ("load", "features", "fit", "verify", "predict", "evaluate", "baseline"), 0.0
        )
        self._last = time.perf_counter()

    def mark(self, name: str) -> None:
        """The part called `name` ends now."""
        now = time.perf_counter()
        self.seconds[name] += now - self._last
        self._last = now


class SealedVersion(Overlay):
    """A dataset version whose test labels cannot be read: they are -1, as for rows without a
    class.
    """

    def __init__(self, version: DatasetVersion) -> None:
        known = version.labels.copy()
        known[version.rows_of("test", TARGET_TEST)] = -1
        super().__init__(version, known.astype(np.int64))


def predict_rows(
    classifier: Classifier,
    version: DatasetVersion,
    rows: Ints,
    progress: Progress,
) -> Floats:
    """Probabilities (rows, model classes) of a loaded classifier, a few hundred items at a time."""
    parts = [np.zeros((0, len(classifier.labels)))]
    for start in range(0, len(rows), _CHUNK):
        some = rows[start : start + _CHUNK]
        parts.append(classifier.probabilities(read_inputs(version, some)))
        progress.batch(start + len(some), len(rows))
    return np.concatenate(parts)


def model_facts(backbone: Backbone, *, trainable: int, total: int, weights: str) -> ModelFacts:
    """The report's `model`: how many weights there are and move, what it is, where it ran, and the
    hash of its weights.
    """
    return {
        "trainable_parameters": trainable,
        "total_parameters": total,
        "family": backbone.family,
        "device": str(next(backbone.model.parameters()).device),
        "weights_sha256": weights,
        "processor": type(backbone.processor).__name__,
        "notes": backbone.notes,
    }


def parameters_of(backbone: Backbone) -> int:
    """How many weights the network has."""
    return sum(parameter.numel() for parameter in backbone.model.parameters())


def label_space(version: DatasetVersion) -> LabelSpace:
    """Classes that occur among the training rows are learnt; others are named and count as
    wrong.
    """
    present = version.sets.counts(version.labels[version.rows_of("train")])
    return LabelSpace(version.info.labels, np.flatnonzero(present).tolist())


@dataclass(frozen=True)
class Rival:
    """The report's `baselines`, which test rows the trained one has right (rows,), and how right
    they are where an answer can be partly right.
    """

    scores: Baselines
    correct: NDArray[np.bool_]
    partly: Floats | None = None


def run_baseline(
    version: DatasetVersion,
    cache: Path,
    progress: Progress,
    *,
    balanced: bool,
    seed: int,
) -> Rival:
    """The baseline without transfer, decided as the model that it is compared with; kept for later
    runs on this version.
    """
    memory = cache / "baselines.json"
    key = f"{version.info.fingerprint}/{balanced}/{seed}/validation too"
    known = _recalled(memory, key)
    if known is not None:
        return known
    rows = {split: version.rows_of(split) for split in ("train", "validation", "test")}
    space, labels = label_space(version), version.targets
    fitted = no_transfer.fit_baseline(
        version,
        labels,
        rows,
        classes=len(space.names),
        c=1.0,
        balanced=balanced,
        seed=seed,
        progress=progress,
    )
    evaluation = task_evaluation_of(version.info.task)
    held = labels[rows["validation"]], fitted.probabilities["validation"]
    ways = {
        "test": evaluation.decide(*held),
        "validation": evaluation.decide_apart(*held, seed),
    }
    scores = {
        **majority_baseline(version),
        fitted.name: {
            split: evaluation.baseline_scores(labels[rows[split]], said, ways[split])
            for split, said in fitted.probabilities.items()
            if len(said)
        },
    }
    asked = labels[rows["test"]], fitted.probabilities["test"], ways["test"]
    rival = Rival(scores, evaluation.correct(*asked), evaluation.item_scores(*asked))
    _keep(memory, key, rival)
    return rival


def _recalled(memory: Path, key: str) -> Rival | None:
    known = find_object(memory).get(key)
    if not isinstance(known, dict):
        return None
    partly = known.get("partly")
    return Rival(
        known["scores"],
        np.array(known["correct"], dtype=bool),
        None if partly is None else np.array(partly, dtype=np.float64),
    )


def _keep(memory: Path, key: str, rival: Rival) -> None:
    memory.parent.mkdir(parents=True, exist_ok=True)
    record = {
        "scores": rival.scores,
        "correct": rival.correct.astype(int).tolist(),
        "partly": None if rival.partly is None else rival.partly.tolist(),
    }
    write_json(memory, {**find_object(memory), key: record})


def majority_baseline(version: DatasetVersion) -> Baselines:
    """The score of always giving the commonest answer, on the test and validation rows."""
    task, targets = version.info.task, version.targets
    guess = task_training_of(task).commonest(
        targets[version.rows_of("train")], len(version.info.labels)
    )
    truth = {split: targets[version.rows_of(split)] for split in ("test", "validation")}
    return {
        "majority": {
            split: task_evaluation_of(task).baseline_scores(
                rows, np.repeat(guess[None], len(rows), axis=0)
            )
            for split, rows in truth.items()
            if split == "test" or len(rows)
        }
    }
