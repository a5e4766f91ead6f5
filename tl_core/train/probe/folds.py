"""Parts of a small dataset that judge each other: stratified, whole groups at a time.

Labels are class numbers (rows,), or where an item may have several classes, 0 and 1 (rows,
classes).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np

from tl_core.data.stratify import amounts_of, iterative, units_of
from tl_core.errors import DataError
from tl_core.train.arrays import Ints, tells_apart

Fold = tuple[Ints, Ints]  # positions to learn from, and those held out


def folds_of(labels: Ints, groups: Ints, folds: int, seed: int) -> Iterator[Fold]:
    """Stratified, whole groups at a time; no more folds than the commonest class has groups. There
    may be none.
    """
    if labels.ndim == 2:
        yield from _of_sets(labels, groups, folds, seed)
        return
    from sklearn.model_selection import StratifiedGroupKFold

    if len(np.unique(groups)) < 2 or np.bincount(labels).max() < 2:
        return
    most = max(len(np.unique(groups[labels == label])) for label in np.unique(labels))
    splitter = StratifiedGroupKFold(
        n_splits=max(2, min(folds, most)), shuffle=True, random_state=seed
    )
    with warnings.catch_warnings():
        # a class rarer than the folds is expected and reported elsewhere
        warnings.simplefilter("ignore")
        for train, held in splitter.split(labels, labels, groups):
            if tells_apart(labels[train]) and len(held):
                yield train.astype(np.int64), held.astype(np.int64)


def _of_sets(labels: Ints, groups: Ints, folds: int, seed: int) -> Iterator[Fold]:
    """By iterative stratification, so that each class has its share in each part."""
    units, sizes = units_of(groups)
    parts = min(folds, len(sizes))
    if parts < 2:
        return
    plan = iterative(amounts_of(units, labels), sizes, [1 / parts] * parts, seed)[units]
    yield from planned_folds(labels, plan)


def planned_folds(labels: Ints, plan: Ints) -> Iterator[Fold]:
    """The folds that a plan (rows,) names by number; those whose other rows hold one class alone
    are left out.
    """
    for part in range(int(plan.max()) + 1):
        train, held = np.flatnonzero(plan != part), np.flatnonzero(plan == part)
        if tells_apart(labels[train]) and len(held):
            yield train, held


def choose_folds(
    labels: Ints, groups: Ints, folds: int, seed: int, plan: Ints | None
) -> list[Fold]:
    """Those of `plan` where it has as many parts as `folds`, else new ones.

    Raises:
        DataError: when the rows cannot be cut.
    """
    usable = plan is not None and plan.min(initial=0) >= 0 and plan.max(initial=-1) + 1 == folds
    parts = list(
        planned_folds(labels, plan)
        if usable and plan is not None
        else folds_of(labels, groups, folds, seed)
    )
    if not parts:
        raise DataError(
            "The training rows cannot be divided into folds for cross-validation.",
            "Too few of them, or of their groups, hold two classes or more, and a group is never"
            " split.",
            "Choose another group column or none, or add labelled items.",
        )
    return parts
