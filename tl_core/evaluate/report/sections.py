"""The sections of a report, a function each, and the report that they make up."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version as installed
from typing import cast

import numpy as np
from numpy.typing import NDArray

from tl_core.evaluate.measures import BaselineScores, BoardRow, ClassScores, PairedTest, ScoredRows
from tl_core.evaluate.report.files import SCHEMA_VERSION
from tl_core.evaluate.report.headlines import headline, whose_items
from tl_core.evaluate.report.schema import (
    Baselines,
    DataFacts,
    Environment,
    LadderComparison,
    LadderSection,
    RecipeFacts,
    Report,
    SearchSection,
    SearchWinner,
    Timing,
)
from tl_core.evaluate.scores import calibration, intervals, metrics, ranking
from tl_core.evaluate.scores.metrics import Floats, Ints

_PACKAGES = ("torch", "transformers", "scikit-learn", "datasets", "numpy", "tokenizers", "pillow")


@dataclass(frozen=True)
class Subject:
    """What a report is about; `labels` in the order of the probabilities."""

    dataset: str
    backbone: str
    recipe: str
    modality: str
    labels: list[str]
    classes_without_training_rows: list[str]


def build_report(
    subject: Subject,
    data: DataFacts,
    test: ScoredRows,
    validation: ScoredRows | None,
    baselines: Baselines,
    facts: RecipeFacts,
    *,
    settings: dict[str, object],
    timing: Timing,
    against_baseline: PairedTest | None,
    test_looks: int,
) -> Report:
    """The whole report, its headline included; `facts` is what the recipe tells of its training.

    `test_looks` counts the runs that have shown what they make of these test items, this one
    included, or is 0 while the score is withheld.
    """
    report: Report = {
        "schema_version": SCHEMA_VERSION,
        "dataset": subject.dataset,
        "backbone": subject.backbone,
        "recipe": subject.recipe,
        "modality": subject.modality,
        "labels": subject.labels,
        "classes_without_training_rows": subject.classes_without_training_rows,
        "test": test,
        "baselines": baselines,
        "headline": headline(
            test, subject.modality, baselines, is_baseline=subject.recipe == "baseline"
        )
        + whose_items(facts.get("domains"), closed=False),
        "data": data,
        "environment": environment(),
        "predictions": "predictions.csv",
        "settings": settings,
        "timing": timing,
        "against_baseline": against_baseline,
        "test_looks": test_looks,
    }
    if validation is not None:
        report["validation"] = validation
    return cast(Report, {**report, **facts})


def evaluate_rows(
    truth: Ints, probabilities: Floats, labels: list[str], kind: str, seed: int = 0
) -> ScoredRows:
    """Every score of the contract for rows with known classes.

    Args:
        truth: class numbers (rows,).
        probabilities: (rows, classes) over all of `labels`; a class outside the model has zero
        throughout.
        labels: class names in column order.
        kind: `split` or `cv`.
        seed: of the bootstrap.
    """
    matrix = metrics.confusion_matrix(truth, probabilities.argmax(axis=1), len(labels))
    drawn = intervals.resampled_matrices(matrix, seed)
    rows = len(truth)
    return {
        "kind": kind,
        "n": rows,
        "accuracy": intervals.proportion(int(np.trace(matrix)), rows),
        "macro_f1": intervals.matrix_score(matrix, drawn, metrics.macro_f1),
        "balanced_accuracy": intervals.matrix_score(matrix, drawn, metrics.balanced_accuracy),
        "mcc": intervals.matrix_score(matrix, drawn, metrics.mcc),
        "log_loss": intervals.log_loss_score(truth, probabilities, seed),
        "brier": calibration.brier_score(truth, probabilities, seed),
        "ece": intervals.ece_score(truth, probabilities, seed),
        "per_class": _per_class(matrix, drawn, labels),
        "confusion": {"labels": labels, "counts": matrix.tolist()},
        "top_k": ranking.top_k(truth, probabilities),
        "ranking": ranking.rank_classes(truth, probabilities, labels),
        "reliability": calibration.reliability(truth, probabilities),
        "coverage": calibration.coverage_curve(truth, probabilities),
    }


def _per_class(matrix: Ints, drawn: Ints, labels: list[str]) -> list[ClassScores]:
    true, predicted, hits = matrix.sum(axis=1), matrix.sum(axis=0), np.diagonal(matrix)
    all_f1, drawn_f1 = metrics.f1(matrix), metrics.f1(drawn)
    rows: list[ClassScores] = []
    for number, label in enumerate(labels):
        low, high = np.percentile(drawn_f1[:, number], [2.5, 97.5]) if true[number] else (0.0, 1.0)
        rows.append(
            {
                "label": label,
                "support": int(true[number]),
                "precision": intervals.proportion(int(hits[number]), int(predicted[number])),
                "recall": intervals.proportion(int(hits[number]), int(true[number])),
                "f1": intervals.score(float(all_f1[number]), low, high, "stratified bootstrap"),
            }
        )
    return rows


def baseline_score(correct: NDArray[np.bool_]) -> BaselineScores:
    """What a report says of a baseline that has these rows right (rows,): its accuracy."""
    return {"accuracy": intervals.proportion(int(correct.sum()), len(correct))}


def data_facts(
    fingerprint: str, splits: dict[str, int], findings: Sequence[Mapping[str, object]]
) -> DataFacts:
    """The section `data`: which data were learnt from, and what the import noticed about them."""
    return {"fingerprint": fingerprint, "splits": splits, "findings": findings}


def environment() -> Environment:
    """The section `environment`: versions and machine, for whoever repeats the run."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: installed(name) for name in _PACKAGES},
    }


def ladder_section(
    comparison: LadderComparison,
    settings: dict[str, object],
    kept_seed: int,
    failed: dict[str, dict[str, object]],
) -> LadderSection:
    """The section `ladder`; `failed` holds the error of each strategy that came apart."""
    return {**comparison, "settings": settings, "kept_seed": kept_seed, "failed": failed}


def search_section(
    sentence: str,
    board: list[BoardRow],
    minutes: float,
    settings: dict[str, object],
    items: int,
    winner: SearchWinner,
) -> SearchSection:
    """The section `search`; the board was judged on `items` validation items."""
    return {
        "sentence": sentence,
        "board": board,
        "minutes": minutes,
        "settings": settings,
        "items": items,
        "winner": winner,
    }
