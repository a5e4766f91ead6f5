"""Seconds of the default report's numbers for 5,000 test items in 50 classes, part by part: `python
benchmarks/report_speed.py`. The alternative is the same scores from scikit-learn with a bootstrap
in a plain loop over items, of which a tenth of the draws is run and scaled.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from common import machine, write_result
from sklearn import metrics as sk

from tl_core.evaluate.html import render
from tl_core.evaluate.report import evaluate_rows
from tl_core.evaluate.scores.calibration import conformal_sets
from tl_core.evaluate.scores.slices import slices

ROWS, CLASSES, DRAWS = 5000, 50, 1000


def seconds(work: Callable[[], object]) -> float:
    """How long `work` takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


if __name__ == "__main__":
    random = np.random.default_rng(0)
    truth = random.integers(0, CLASSES, ROWS)
    logits = random.normal(size=(ROWS, CLASSES)) + 4 * np.eye(CLASSES)[truth]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    names = [f"class {number}" for number in range(CLASSES)]
    section = evaluate_rows(truth, probabilities, names, "split")
    scores = seconds(lambda: evaluate_rows(truth, probabilities, names, "split"))
    facts = {str(number): random.random(ROWS) for number in range(8)}
    kinds = seconds(lambda: slices(probabilities.argmax(axis=1) == truth, facts))
    sets = seconds(lambda: conformal_sets((truth, probabilities), (truth, probabilities)))
    report = {
        "headline": "",
        "dataset": "d",
        "backbone": "",
        "recipe": "probe",
        "modality": "text",
        "test": section,
        "baselines": {},
    }
    page = seconds(lambda: render(report))

    def plain() -> None:
        for _ in range(DRAWS // 10):
            rows = random.integers(0, ROWS, ROWS)
            said = probabilities[rows].argmax(axis=1)
            for score in (sk.accuracy_score, sk.balanced_accuracy_score, sk.matthews_corrcoef):
                score(truth[rows], said)
            sk.f1_score(truth[rows], said, average="macro")
            sk.log_loss(truth[rows], probabilities[rows], labels=range(CLASSES))

    loop = 10 * seconds(plain)
    write_result(
        "report_speed",
        {
            "machine": machine(),
            "rows": ROWS,
            "classes": CLASSES,
            "scores_seconds": round(scores, 2),
            "slices_seconds": round(kinds, 2),
            "sets_seconds": round(sets, 2),
            "html_seconds": round(page, 2),
            "plain_loop_seconds": round(loop, 1),
            "scores_over_plain_loop": round(scores / loop, 2),
        },
    )
