"""The report's numbers for one set of rows, and the sentence that opens it."""

from __future__ import annotations

from typing import Any

import numpy as np

from tl_core.evaluate import calibration, intervals, metrics, ranking
from tl_core.evaluate.metrics import Floats, Ints

SCHEMA_VERSION = 1
FEW = 10  # items below which a score is hardly more than an anecdote


def evaluate_rows(
    truth: Ints, probabilities: Floats, labels: list[str], kind: str, seed: int = 0
) -> dict[str, Any]:
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


def _per_class(matrix: Ints, drawn: Ints, labels: list[str]) -> list[dict[str, Any]]:
    true, predicted, hits = matrix.sum(axis=1), matrix.sum(axis=0), np.diagonal(matrix)
    all_f1, drawn_f1 = metrics.f1(matrix), metrics.f1(drawn)
    out = []
    for number, label in enumerate(labels):
        low, high = np.percentile(drawn_f1[:, number], [2.5, 97.5]) if true[number] else (0.0, 1.0)
        out.append(
            {
                "label": label,
                "support": int(true[number]),
                "precision": intervals.proportion(int(hits[number]), int(predicted[number])),
                "recall": intervals.proportion(int(hits[number]), int(true[number])),
                "f1": intervals.score(float(all_f1[number]), low, high, "stratified bootstrap"),
            }
        )
    return out


def baseline_score(truth: Ints, predicted: Ints) -> dict[str, Any]:
    """What a report says of a yardstick on one set of rows: its accuracy."""
    return {"accuracy": intervals.proportion(int((truth == predicted).sum()), len(truth))}


def rivals(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Accuracy of each yardstick of a report, on the test items or, while these are closed, on
    those kept for choosing.
    """
    return _scores_on("test" if report.get("test") else "validation", report["baselines"])


def _scores_on(part: str, baselines: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: scores[part]["accuracy"] for name, scores in baselines.items() if part in scores}


def _without_transfer(part: str, baselines: dict[str, Any]) -> str:
    """The strongest yardstick in a sentence; the commonest class alone is no training without
    transfer.
    """
    found = _scores_on(part, baselines)
    if not found:
        return ""
    name = max(found, key=lambda name: float(found[name]["value"]))
    return (
        f" {'Always naming the commonest class' if name == 'majority' else 'Without transfer'}: "
        f"{round(100 * found[name]['value'])}."
    )


def noun_of(modality: str) -> str:
    """What items of a modality are called."""
    return {"image": "photos", "text": "texts"}.get(modality, "items")


def caveat(section: dict[str, Any], modality: str, kept: str = "") -> str:
    """What to add to a score that stands on few items or on one class, else "".

    Args:
        section: of the report.
        modality: of the items.
        kept: what they were kept for, where they are not the test items.
    """
    test, noun = ("" if kept else "test "), noun_of(modality)
    count, added = section.get("n", FEW), ""
    if count < FEW:
        items = noun if count != 1 else noun[:-1]
        added = f" Careful: only {count} {test}{items}{kept}, so this is hardly more than chance."
    judged = [row["label"] for row in section.get("per_class", []) if row["support"]]
    if len(judged) == 1:
        added += f" All {test}{noun}{kept} are of one class, {judged[0]!r}, so this says little."
    return added


def closed_headline(section: dict[str, Any], modality: str, baselines: dict[str, Any]) -> str:
    """The result in plain words while the test score is closed."""
    found = section["accuracy"]
    right, low, high = (round(100 * found[key]) for key in ("value", "low", "high"))
    doubts = caveat(section, modality, " kept for choosing")
    return (
        f"Right {right} times in 100 on {noun_of(modality)} kept for choosing; between {low} and"
        f" {high} is plausible.{doubts}{_without_transfer('validation', baselines)}"
        " The test score is still closed."
    )


def headline(
    section: dict[str, Any], modality: str, baselines: dict[str, Any], *, is_baseline: bool
) -> str:
    """The result in plain words, with what is plausible and what there would be without
    transfer.
    """
    found = section["accuracy"]
    noun = noun_of(modality)
    right, low, high = (round(100 * found[key]) for key in ("value", "low", "high"))
    sentence = (
        f"Right {right} times in 100 on {noun} it had not seen; between {low} and {high} is"
        f" plausible.{caveat(section, modality)}"
    )
    if is_baseline:
        return sentence + " This is the yardstick, without transfer."
    return sentence + _without_transfer("test", baselines)
