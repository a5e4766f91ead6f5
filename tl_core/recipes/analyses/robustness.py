"""How sturdy is a trained model? Its test items made worse in several ways, and which answers
change.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tl_core.backbones.classifier import load_classifier
from tl_core.data.versions.store import DatasetVersion
from tl_core.evaluate.compare import exact_mcnemar
from tl_core.evaluate.perturbations.item_perturbations import SEVERITIES, perturbations_of
from tl_core.evaluate.scores.intervals import proportion
from tl_core.modalities import items_of
from tl_core.progress import Progress
from tl_core.results import ROBUSTNESS, Robustness, WorsenedItems
from tl_core.train.arrays import Floats, Ints, same
from tl_core.train.items.item_training import Item, read_inputs
from tl_core.train.probe.probing import spread

_ROWS = 300  # test items that are tried; each costs 15 to 24 predictions
_LISTED = 24
_SERIOUS = 0.05


class _Questions:
    """Asks a model about the same rows again and again, and counts for whoever watches."""

    def __init__(
        self, model: Path, version: DatasetVersion, rows: Ints, total: int, progress: Progress
    ) -> None:
        self._classifier, self._truth = load_classifier(model), version.targets[rows]
        place = {name: number for number, name in enumerate(version.info.labels)}
        self._own = np.array([place[name] for name in self._classifier.labels])
        self._progress, self._done, self._total = progress, 0, total

    def right(self, items: Sequence[Item]) -> NDArray[np.bool_]:
        """Which items are answered rightly (rows,)."""
        right = []
        for start in range(0, len(items), 32):
            said = self._classifier.probabilities(list(items[start : start + 32]))
            right.append(same(self._answers(said), self._truth[start : start + 32]))
            self._done += len(said)
            self._progress.batch(self._done, self._total)
        return np.concatenate(right)

    def _answers(self, said: Floats) -> Ints:
        """Answers of the model in the classes of the version."""
        answers = self._classifier.decision.labels(said)
        if answers.ndim == 1:
            return self._own[answers]
        out = np.zeros((len(answers), self._truth.shape[1]), dtype=np.int64)
        out[:, self._own] = answers
        return out


def stress(model: Path, version: DatasetVersion, folder: Path, progress: Progress) -> Robustness:
    """Try the model in the folder `model` on worsened test items, every kind at every severity;
    writes `folder/stress.json`.
    """
    rows = version.rows_of("test")
    rows = rows[spread(len(rows), _ROWS)]
    ways = perturbations_of(version.info.modality)
    total = (1 + len(ways.kinds) * len(SEVERITIES)) * len(rows)
    progress.stage("Opening the model", share=0.05)
    questions = _Questions(model, version, rows, total, progress)
    progress.stage("Predicting degraded items", total, share=0.95)
    items = read_inputs(version, rows)
    clean = questions.right(items)
    worsened: list[WorsenedItems] = []
    for kind in ways.kinds:
        for severity in SEVERITIES:
            worse = [
                ways.worsen(item, kind, severity, int(row))
                for item, row in zip(items, rows, strict=True)
            ]
            worsened.append(_compare(kind, severity, rows, clean, questions.right(worse)))
    out: Robustness = {
        "n": len(rows),
        "clean": proportion(int(clean.sum()), len(rows)),
        "rows": worsened,
        "sentence": _sentence(worsened, items_of(version.info.modality)),
    }
    ROBUSTNESS.write(folder, out)
    return out


def _compare(
    kind: str, severity: int, rows: Ints, clean: NDArray[np.bool_], right: NDArray[np.bool_]
) -> WorsenedItems:
    return {
        "kind": kind,
        "severity": severity,
        "accuracy": proportion(int(right.sum()), len(rows)),
        "drop": float(clean.mean() - right.mean()),
        "p_value": exact_mcnemar(clean, right)[2],
        "flipped": [int(row) for row in rows[clean & ~right][:_LISTED]],
    }


def _sentence(worsened: list[WorsenedItems], noun: str) -> str:
    """What it minds most, counting only drops beyond chance after Bonferroni's correction."""
    real = [
        part for part in worsened if part["p_value"] * len(worsened) < _SERIOUS and part["drop"] > 0
    ]
    if not real:
        return (
            f"None of {len(worsened)} ways of degrading the {noun} lowers its accuracy beyond"
            " chance."
        )
    worst = max(real, key=lambda part: part["drop"])
    kinds = list(
        dict.fromkeys(part["kind"] for part in sorted(real, key=lambda part: -part["drop"]))
    )
    return (
        f"It is sensitive to {', '.join(kinds[:3])}: at worst ({worst['kind']}, severity"
        f" {worst['severity']})"
        f" it is right {100 * worst['drop']:.0f} times in 100 less often."
    )
