"""How far people agree on the class of the same items, beyond what chance would bring."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class PairAgreement:
    """Two people and the items that both have answered: `agreed` of `items` alike, and Cohen's
    kappa, None where it is not defined.
    """

    first: str
    second: str
    items: int
    agreed: int
    kappa: float | None


@dataclass(frozen=True)
class Agreement:
    """All pairs of people who share items; `mean` is the mean of their kappas weighted by items,
    `fleiss` Fleiss' kappa over the items that an equal number of people, two or more, have
    answered: the number that most items have. None where undefined.
    """

    pairs: list[PairAgreement]
    mean: float | None
    fleiss: float | None


def cohen_kappa(first: Sequence[str], second: Sequence[str]) -> float | None:
    """(observed - expected) / (1 - expected) agreement of two people (Cohen, 1960): 1 for full
    agreement, 0 for what their habits would bring by chance. None without items, or where both
    have given one and the same class throughout, so that chance explains everything.
    """
    if not first:
        return None
    names = sorted({*first, *second})
    one, other = (np.array([names.index(label) for label in who]) for who in (first, second))
    shares = [np.bincount(who, minlength=len(names)) / len(who) for who in (one, other)]
    expected = float(shares[0] @ shares[1])
    return None if expected >= 1.0 else float(((one == other).mean() - expected) / (1 - expected))


def fleiss_kappa(counts: NDArray[np.int64]) -> float | None:
    """Agreement of several people on each item (Fleiss, 1971).

    Args:
        counts: how many people gave each class (items, classes); as many for each item, two or
            more.

    Returns:
        None without items, or where everybody gave one class throughout.
    """
    if not len(counts):
        return None
    people = int(counts[0].sum())
    shares = counts.sum(axis=0) / counts.sum()
    expected = float((shares**2).sum())
    observed = float(((counts**2).sum(axis=1) - people).mean() / (people * (people - 1)))
    return None if expected >= 1.0 else (observed - expected) / (1 - expected)


def agreements(answers: Mapping[str, Mapping[int, str]]) -> Agreement:
    """Agreement of people on the items that they share: a class by person and row."""
    pairs: list[PairAgreement] = []
    for first, second in combinations(sorted(answers), 2):
        shared = sorted(answers[first].keys() & answers[second].keys())
        if shared:
            one, other = ([answers[who][row] for row in shared] for who in (first, second))
            same = sum(a == b for a, b in zip(one, other, strict=True))
            pairs.append(PairAgreement(first, second, len(shared), same, cohen_kappa(one, other)))
    known = [(pair.kappa, pair.items) for pair in pairs if pair.kappa is not None]
    total = sum(items for _, items in known)
    mean = sum(kappa * items for kappa, items in known) / total if total else None
    return Agreement(pairs, mean, _fleiss(answers))


def _fleiss(answers: Mapping[str, Mapping[int, str]]) -> float | None:
    given: dict[int, list[str]] = {}
    for made in answers.values():
        for row, label in made.items():
            given.setdefault(row, []).append(label)
    several = Counter(len(labels) for labels in given.values() if len(labels) > 1)
    if not several:
        return None
    people = max(several, key=lambda number: (several[number], number))
    names = sorted({label for labels in given.values() for label in labels})
    alike = [labels for labels in given.values() if len(labels) == people]
    counts = np.array([[labels.count(name) for name in names] for labels in alike], dtype=np.int64)
    return fleiss_kappa(counts)
