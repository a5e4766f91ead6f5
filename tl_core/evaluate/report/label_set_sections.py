"""The section of a report about rows that may have several labels."""

from __future__ import annotations

import numpy as np

from tl_core.evaluate.measures import ClassScores, Company, ReliabilityBin, ScoredRows
from tl_core.evaluate.scores import intervals, ranking, set_scores
from tl_core.evaluate.scores.metrics import BINS, CLIP, Floats, Ints
from tl_core.evaluate.scores.set_scores import Counts


def evaluate_label_sets(
    truth: Ints,
    probabilities: Floats,
    labels: list[str],
    kind: str,
    seed: int,
    thresholds: Floats,
) -> ScoredRows:
    """Every score of the contract for rows with known labels.

    Args:
        truth: 0 and 1 (rows, classes).
        probabilities: (rows, classes) over all of `labels`; a class outside the model has zero
            throughout.
        labels: class names in column order.
        kind: `split` or `cv`.
        seed: of the bootstrap.
        thresholds: from which on a class is named: a number, (classes,) or (rows, classes).
    """
    answers = (probabilities >= thresholds).astype(np.int64)
    counts, drawn = Counts.of(truth, answers), set_scores.drawn_counts(truth, answers, seed)
    right = (answers == truth).all(axis=1)
    exact = intervals.proportion(int(right.sum()), len(right))
    named, there = int(answers.sum()), int(truth.sum())
    hits = int((truth * answers).sum())
    return {
        "kind": kind,
        "n": len(truth),
        "accuracy": exact,
        "exact_match": exact,
        "micro_f1": set_scores.ranged(float(counts.micro_f1()), drawn.micro_f1()),
        "macro_f1": set_scores.ranged(float(counts.macro_f1()), drawn.macro_f1()),
        "weighted_f1": set_scores.ranged(float(counts.weighted_f1()), drawn.weighted_f1()),
        "item_f1": set_scores.mean_score(set_scores.item_f1(truth, answers), seed),
        "micro_precision": intervals.proportion(hits, named),
        "micro_recall": intervals.proportion(hits, there),
        "map": set_scores.mean_average_precision(truth, probabilities, seed),
        "hamming_loss": set_scores.mean_score((answers != truth).mean(axis=1), seed),
        "log_loss": set_scores.mean_score(_log_losses(truth, probabilities), seed),
        "brier": set_scores.mean_score(((probabilities - truth) ** 2).mean(axis=1), seed),
        "ece": intervals.ece_score(*_flat(truth, probabilities), seed),
        "per_class": _per_class(truth, probabilities, counts, drawn, labels, thresholds),
        "company": _company(truth, answers, labels),
        "labels_per_item": {
            "true": there / max(len(truth), 1),
            "said": named / max(len(truth), 1),
        },
        "top_k": [],
        "ranking": ranking.rank_label_sets(truth, probabilities, labels),
        "reliability": _reliability(truth, probabilities),
        "coverage": [],
    }


def _log_losses(truth: Ints, probabilities: Floats) -> Floats:
    said = np.clip(probabilities, CLIP, 1 - CLIP)
    losses: Floats = -np.where(truth > 0, np.log(said), np.log(1 - said)).mean(axis=1)
    return losses


def _flat(truth: Ints, probabilities: Floats) -> tuple[Ints, Floats]:
    """Every answer about every class as one of two: no or yes."""
    said = probabilities.ravel()
    return truth.ravel(), np.stack([1 - said, said], axis=1)


def _reliability(truth: Ints, probabilities: Floats) -> list[ReliabilityBin]:
    """Stated probability of a class against how often it is there, over all classes."""
    said, there = probabilities.ravel(), truth.ravel().astype(bool)
    place = np.clip(np.ceil(said * BINS).astype(np.int64) - 1, 0, BINS - 1)
    return [
        {
            "low": number / BINS,
            "high": (number + 1) / BINS,
            "n": int((place == number).sum()),
            "confidence": float(said[place == number].mean()),
            "accuracy": intervals.proportion(
                int(there[place == number].sum()), int((place == number).sum())
            ),
        }
        for number in range(BINS)
        if (place == number).any()
    ]


def _per_class(
    truth: Ints,
    probabilities: Floats,
    counts: Counts,
    drawn: Counts,
    labels: list[str],
    thresholds: Floats,
) -> list[ClassScores]:
    f1, drawn_f1 = counts.f1(), drawn.f1()
    one_each = thresholds if thresholds.ndim < 2 else thresholds.mean(axis=0)
    chosen = np.broadcast_to(one_each, len(labels))
    rows: list[ClassScores] = []
    for number, label in enumerate(labels):
        hits, false, missed = (
            int(part[number]) for part in (counts.hits, counts.false, counts.missed)
        )
        row: ClassScores = {
            "label": label,
            "support": hits + missed,
            "precision": intervals.proportion(hits, hits + false),
            "recall": intervals.proportion(hits, hits + missed),
            "f1": set_scores.ranged(float(f1[number]), drawn_f1[:, number]),
            "threshold": float(chosen[number]),
        }
        if hits + missed:
            row["average_precision"] = ranking.average_precision(
                truth[:, number].astype(bool), probabilities[:, number]
            )
        rows.append(row)
    return rows


def _company(truth: Ints, answers: Ints, labels: list[str]) -> Company:
    return {
        "labels": labels,
        "true": set_scores.together(truth).tolist(),
        "said": set_scores.together(answers).tolist(),
        "swapped": set_scores.swapped(truth, answers).tolist(),
    }
