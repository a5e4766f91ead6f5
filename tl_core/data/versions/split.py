"""Frozen splits: stratified, seeded, and never tearing a group apart."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tl_core.data.dataset_version import Finding, ImportOptions
from tl_core.data.label_sets import LabelSets
from tl_core.data.stratify import amounts_of, iterative, units_of
from tl_core.errors import DataError

SMALL = 1000  # rows below which a cross-validation plan is made
FOLDS = 5


@dataclass(frozen=True)
class SplitResult:
    """`splits` holds one of train, validation, test, unlabelled for each row."""

    splits: NDArray[np.str_]
    findings: list[Finding]


def holdout_fraction(rows: int) -> float:
    """Share to hold out for `rows` rows, falling with size (AutoGluon's rule,
    `default_holdout_frac`).
    """
    return (
        max(0.1, min(0.2, 500 / max(rows, 1))) if rows < 5000 else max(0.01, min(0.1, 2500 / rows))
    )


@dataclass(frozen=True)
class Labelled:
    """The label of each row, a number or -1, what the numbers mean, and which rows belong together
    (equal numbers).
    """

    labels: NDArray[np.int64]
    sets: LabelSets
    groups: NDArray[np.int64]


def assign_splits(
    rows: Labelled,
    given: NDArray[np.str_],
    options: ImportOptions,
    dates: NDArray[np.float64] | None = None,
) -> SplitResult:
    """Decide the split of every row.

    Args:
        rows: those without a label become `unlabelled`; those that belong together stay on one side
            of any split made here.
        given: the source's own split per row, "" where it has none; such rows are never moved.
        options: fractions, seed and the meaning of a lone validation split.
        dates: seconds per row, NaN where unknown; with `options.date_column` the newest rows are
        held out.

    Raises:
        DataError: when no row is left to train on.
    """
    labels = rows.labels
    splits = np.where((labels < 0) & (given != "removed"), "unlabelled", given).astype("<U10")
    findings: list[Finding] = []
    own = set(np.unique(splits)) - {"", "unlabelled", "removed"}
    if own and "train" not in own and not (splits == "").any():
        raise DataError(
            f"All rows belong to {' and '.join(sorted(own))}; none is left to train on.",
            "",
            "Mark the rows to learn from as train.",
        )
    fresh = splits == ""
    if own and fresh.any():
        _place_new(splits, fresh, rows, options)
    if own & {"validation", "test"} == {"validation"} and options.val_is == "test":
        splits[splits == "validation"] = "test"
        findings.append(_validation_as_test(int((splits == "test").sum())))
    _hold_out(splits, "train" if own else "", rows, options, dates)
    splits[splits == ""] = "train"
    return SplitResult(splits, findings + _about_dates(options, dates, labels))


def _validation_as_test(rows: int) -> Finding:
    return Finding(
        "validation_as_test",
        "info",
        "Your data came with one split besides train. It is kept for the final "
        "test, and rows to tune on are set aside from train.",
        rows,
        "If it is meant for tuning, import again with 'the lone split is validation'.",
    )


def _hold_out(
    splits: NDArray[np.str_],
    pool_name: str,
    known: Labelled,
    options: ImportOptions,
    dates: NDArray[np.float64] | None,
) -> None:
    """Take a test and a validation split, where `splits` lacks one, out of the rows of `pool_name`:
    the newest rows where they have dates, else drawn class by class.
    """
    rows, groups = int((known.labels >= 0).sum()), known.groups
    for name, fraction in (("test", options.test_fraction), ("validation", options.val_fraction)):
        if name in splits:
            continue
        # copies of rows that judge are leaks, not spares
        held = np.unique(groups[np.isin(splits, ("validation", "test"))])
        pool = np.flatnonzero((splits == pool_name) & ~np.isin(groups, held))
        share = fraction or holdout_fraction(rows)
        chosen = (
            newest(pool, groups, dates, share)
            if options.date_column and dates is not None
            else carve(pool, known, share, options.seed + (name == "validation"))
        )
        splits[chosen] = name


def _place_new(
    splits: NDArray[np.str_],
    fresh: NDArray[np.bool_],
    rows: Labelled,
    options: ImportOptions,
) -> None:
    """Rows without a split beside rows that have one: copies go where their original is, the rest
    to train, or is split in the shares that the others have.
    """
    known: dict[int, str] = {}
    groups = rows.groups
    for place in np.flatnonzero(~fresh & np.isin(splits, ("train", "validation", "test"))):
        known.setdefault(int(groups[place]), str(splits[place]))
    for place in np.flatnonzero(fresh):
        splits[place] = known.get(int(groups[place]), "")
    left = splits == ""
    placed = np.isin(splits, ("train", "validation", "test")) & ~fresh
    for name in ("test", "validation") if options.new_rows == "split" else ():
        share = float((splits[placed] == name).mean())
        if share:
            pool = np.flatnonzero(left & (splits == ""))
            splits[carve(pool, rows, min(share, 0.5), options.seed + (name == "validation"))] = name
    splits[splits == ""] = "train"


def newest(
    pool: NDArray[np.int64], groups: NDArray[np.int64], dates: NDArray[np.float64], fraction: float
) -> NDArray[np.int64]:
    """The newest `fraction` of the dated rows in `pool`; a group belongs to its newest date, and
    rows of one date are never torn apart.
    """
    newest_of = np.full(int(groups.max(initial=0)) + 1, -np.inf)
    np.maximum.at(newest_of, groups[pool], np.nan_to_num(dates[pool], nan=-np.inf))
    when = newest_of[groups[pool]]
    dated = np.sort(when[np.isfinite(when)])
    if len(np.unique(dated)) < 2:
        return np.empty(0, dtype=np.int64)
    cut = dated[min(len(dated) - 1, int(round((1 - fraction) * len(dated))))]
    if cut == dated[0]:
        cut = dated[dated > cut][0]
    late: NDArray[np.int64] = pool[when >= cut]
    return late


def _about_dates(
    options: ImportOptions, dates: NDArray[np.float64] | None, labels: NDArray[np.int64]
) -> list[Finding]:
    if not options.date_column or dates is None:
        return []
    unknown = int((np.isnan(dates) & (labels >= 0)).sum())
    return (
        [
            Finding(
                "undated",
                "warning",
                f"{unknown:,} row(s) have no date that can be read in "
                f"{options.date_column!r}. They stay in train.",
                unknown,
            )
        ]
        if unknown
        else []
    )


def plan_folds(
    labels: NDArray[np.int64],
    sets: LabelSets,
    groups: NDArray[np.int64],
    splits: NDArray[np.str_],
    seed: int,
) -> NDArray[np.int8]:
    """The part of a 5-fold cross-validation in which each train or validation row is held out; -1
    for other rows and for sets of `SMALL` rows or more, where one validation split says enough.

    Stratified, whole groups at a time (scikit-learn's `StratifiedGroupKFold`; iterative
    stratification where items have several labels).
    """
    plan = np.full(len(labels), -1, dtype=np.int8)
    rows = np.flatnonzero(np.isin(splits, ("train", "validation")) & (labels >= 0))
    if not 10 <= len(rows) < SMALL:
        return plan
    if sets.several:
        units, sizes = units_of(groups[rows])
        if len(sizes) >= FOLDS:
            amounts = amounts_of(units, sets.targets(labels[rows]))
            plan[rows] = iterative(amounts, sizes, [1 / FOLDS] * FOLDS, seed)[units]
        return plan
    from sklearn.model_selection import StratifiedGroupKFold

    most = max(
        len(np.unique(groups[rows][labels[rows] == label])) for label in np.unique(labels[rows])
    )
    if most < 2:
        return plan
    splitter = StratifiedGroupKFold(n_splits=min(FOLDS, most), shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # a class rarer than the folds is expected, and a finding says so
        for number, (_, held) in enumerate(splitter.split(rows, labels[rows], groups[rows])):
            plan[rows[held]] = number
    return plan


def carve(pool: NDArray[np.int64], rows: Labelled, fraction: float, seed: int) -> NDArray[np.int64]:
    """Choose about `fraction` of the rows in `pool`, class by class, whole groups at a time.

    A class with a single group stays in the pool, so that it can be learnt (AutoGluon's rule for
    singletons). Groups count for the class that most of their rows have; with several labels an
    item, for each of them.
    """
    if not len(pool):
        return pool.astype(np.int64)
    labels, groups = rows.labels, rows.groups
    if rows.sets.several:
        units, unit_sizes = units_of(groups[pool])
        amounts = amounts_of(units, rows.sets.targets(labels[pool]))
        parts = iterative(amounts, unit_sizes, [1 - fraction, fraction], seed)
        return np.sort(pool[parts[units] == 1]).astype(np.int64)
    random = np.random.default_rng(seed)
    order, sizes = units_of(groups[pool])
    if len(sizes) == len(pool):
        class_of = np.empty(len(pool), dtype=np.int64)
        class_of[order] = labels[pool]
    else:
        class_of = _commonest(order, labels[pool], len(sizes))
    taken_units: list[NDArray[np.int64]] = []
    for label in np.unique(class_of):
        units = np.flatnonzero(class_of == label)
        if len(units) < 2:
            continue
        wanted = max(1, round(fraction * int(sizes[units].sum())))
        drawn = units[random.permutation(len(units))[:-1]]  # one group always stays
        taken_units.append(_fill(drawn, sizes[drawn], wanted))
    chosen = (
        np.isin(order, np.concatenate(taken_units))
        if taken_units
        else np.zeros(len(pool), dtype=bool)
    )
    return np.sort(pool[chosen]).astype(np.int64)


def _commonest(
    units: NDArray[np.int64], labels: NDArray[np.int64], count: int
) -> NDArray[np.int64]:
    """The class that most rows of each unit have, the lower number of two."""
    width = int(labels.max()) + 1
    codes, votes = np.unique(units * width + labels, return_counts=True)
    unit, label = codes // width, codes % width
    ranked = np.lexsort((label, -votes, unit))
    commonest: NDArray[np.int64] = label[ranked][np.searchsorted(unit[ranked], np.arange(count))]
    return commonest


def _fill(units: NDArray[np.int64], sizes: NDArray[np.int64], wanted: int) -> NDArray[np.int64]:
    """Units from the front until `wanted` rows are reached, passing over those that would overshoot
    by half.
    """
    if sizes.max(initial=1) == 1:
        return units[:wanted]
    taken, chosen = 0, []
    for unit, size in zip(units.tolist(), sizes.tolist(), strict=True):
        if taken >= wanted:
            break
        if taken and taken + size > wanted * 1.5:
            continue
        chosen.append(unit)
        taken += size
    return np.array(chosen, dtype=np.int64)
