"""Frozen splits: stratified, seeded, and never tearing a group apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tl_core.data.schema import Finding, ImportOptions
from tl_core.errors import DataError


@dataclass(frozen=True)
class SplitResult:
    """`splits` holds one of train, validation, test, unlabelled for each row."""

    splits: NDArray[np.str_]
    findings: list[Finding]


def holdout_fraction(rows: int) -> float:
    """Share to hold out for `rows` rows, falling with size (AutoGluon's rule, `default_holdout_frac`)."""
    return max(0.1, min(0.2, 500 / max(rows, 1))) if rows < 5000 else max(0.01, min(0.1, 2500 / rows))


def assign_splits(labels: NDArray[np.int64], groups: NDArray[np.int64], given: NDArray[np.str_],
                  options: ImportOptions) -> SplitResult:
    """Decide the split of every row.

    Args:
        labels: class number per row, -1 for rows without a label, which become `unlabelled`.
        groups: rows with equal numbers stay on one side of any split made here.
        given: the source's own split per row, "" where it has none; such rows are never moved.
        options: fractions, seed and the meaning of a lone validation split.

    Raises:
        DataError: when no row is left to train on.
    """
    splits = np.where(labels < 0, "unlabelled", given).astype("<U10")
    findings: list[Finding] = []
    own = set(np.unique(splits)) - {"", "unlabelled"}
    if own and "train" not in own and not (splits == "").any():
        raise DataError(f"All rows belong to {' and '.join(sorted(own))}; none is left to train on.", "",
                        "Mark the rows to learn from as train.")
    if own and "" in splits:
        splits[splits == ""] = "train"
    if own & {"validation", "test"} == {"validation"} and options.val_is == "test":
        splits[splits == "validation"] = "test"
        findings.append(Finding(
            "validation_as_test", "info", "Your data came with one split besides train. It is kept for the final "
            "test, and rows to tune on are set aside from train.", int((splits == "test").sum()),
            "If it is meant for tuning, import again with 'the lone split is validation'."))
    pool_name = "train" if own else ""
    rows = int((labels >= 0).sum())
    for name, fraction in (("test", options.test_fraction), ("validation", options.val_fraction)):
        if name not in splits:
            pool = np.flatnonzero(splits == pool_name)
            share = fraction or holdout_fraction(rows)
            splits[carve(pool, labels, groups, share, options.seed + (name == "validation"))] = name
    splits[splits == ""] = "train"
    return SplitResult(splits, findings)


def carve(pool: NDArray[np.int64], labels: NDArray[np.int64], groups: NDArray[np.int64], fraction: float,
          seed: int) -> NDArray[np.int64]:
    """Choose about `fraction` of the rows in `pool`, class by class, whole groups at a time.

    A class with a single group stays in the pool, so that it can be learnt (AutoGluon's rule for singletons).
    Groups count for the class that most of their rows have.
    """
    random = np.random.default_rng(seed)
    members: dict[int, list[int]] = {}
    for row in pool:
        members.setdefault(int(groups[row]), []).append(int(row))
    by_class: dict[int, list[list[int]]] = {}
    for rows in members.values():
        names, counts = np.unique(labels[rows], return_counts=True)
        by_class.setdefault(int(names[counts.argmax()]), []).append(rows)
    chosen: list[int] = []
    for _, units in sorted(by_class.items()):
        if len(units) < 2:
            continue
        wanted = max(1, round(fraction * sum(map(len, units))))
        taken = 0
        for position in random.permutation(len(units))[:-1]:  # one group always stays
            if taken >= wanted:
                break
            if taken and taken + len(units[position]) > wanted * 1.5:
                continue
            chosen += units[position]
            taken += len(units[position])
    return np.array(sorted(chosen), dtype=np.int64)
