"""How sturdy is a trained model? Its test items made worse in several ways, and which answers
change.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tl_core.data.store import DatasetVersion
from tl_core.evaluate.compare import exact_mcnemar
from tl_core.evaluate.intervals import proportion
from tl_core.evaluate.perturbations import PICTURES, SEVERITIES, TEXTS, worsen
from tl_core.evaluate.report import noun_of
from tl_core.models.classifier import load_classifier
from tl_core.progress import Progress
from tl_core.results import ROBUSTNESS, Robustness, WorsenedItems
from tl_core.train.probing import read_inputs

_ROWS = 300  # test items that are tried; each costs 15 to 24 predictions
_LISTED = 24
_SERIOUS = 0.05


def stress(model: Path, version: DatasetVersion, folder: Path, progress: Progress) -> Robustness:
    """Try the model in the folder `model` on worsened test items; writes `folder/stress.json`.

    Returns:
        `n`, `clean` (accuracy on the same items as they are), `rows`: for each kind and severity
        the accuracy, the `drop` against clean, the p-value of the exact McNemar test, and
        `flipped`, the rows that were right and are not any more; and a `sentence`.
    """
    names = version.info.labels
    rows = version.rows_of("test")
    rows = rows[
        np.unique(np.linspace(0, len(rows) - 1, min(_ROWS, len(rows))).round().astype(np.int64))
    ]
    progress.stage("Opening the model", share=0.05)
    classifier = load_classifier(model)
    place = {name: number for number, name in enumerate(names)}
    own = np.array([place[name] for name in classifier.labels])
    kinds = PICTURES if version.info.modality == "image" else TEXTS
    total = (1 + len(kinds) * len(SEVERITIES)) * len(rows)
    progress.stage("Asking about worse and worse items", total, share=0.95)
    items = read_inputs(version, rows)
    done = 0

    def ask(changed: list[Any]) -> Any:  # noqa: ANN401
        nonlocal done
        said = []
        for start in range(0, len(changed), 32):
            said.append(own[classifier.probabilities(changed[start : start + 32]).argmax(axis=1)])
            done += len(said[-1])
            progress.batch(done, total)
        return np.concatenate(said) == version.labels[rows]

    clean = ask(items)
    found: list[WorsenedItems] = []
    for kind in kinds:
        for severity in SEVERITIES:
            right = ask(
                [
                    worsen(item, kind, severity, int(row))
                    for item, row in zip(items, rows, strict=True)
                ]
            )
            found.append(
                {
                    "kind": kind,
                    "severity": severity,
                    "accuracy": proportion(int(right.sum()), len(rows)),
                    "drop": float(clean.mean() - right.mean()),
                    "p_value": exact_mcnemar(clean, right)[2],
                    "flipped": [int(row) for row in rows[clean & ~right][:_LISTED]],
                }
            )
    out: Robustness = {
        "n": len(rows),
        "clean": proportion(int(clean.sum()), len(rows)),
        "rows": found,
        "sentence": _sentence(found, noun_of(version.info.modality)),
    }
    ROBUSTNESS.write(folder, out)
    return out


def _sentence(found: list[WorsenedItems], noun: str) -> str:
    """What it minds most, counting only drops beyond chance after Bonferroni's correction."""
    real = [part for part in found if part["p_value"] * len(found) < _SERIOUS and part["drop"] > 0]
    if not real:
        return (
            f"None of {len(found)} ways of making the {noun} worse lowers its score beyond chance."
        )
    worst = max(real, key=lambda part: part["drop"])
    kinds = list(
        dict.fromkeys(part["kind"] for part in sorted(real, key=lambda part: -part["drop"]))
    )
    return (
        f"It minds {', '.join(kinds[:3])}: at worst ({worst['kind']}, severity {worst['severity']})"
        f" it is right {100 * worst['drop']:.0f} times in 100 less often."
    )
