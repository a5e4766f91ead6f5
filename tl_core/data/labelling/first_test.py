"""Which rows judge, in a dataset that began without any class.

Rows that a strategy picked are the odd ones, or the typical ones: a test of them would say nothing
of the others. So only rows that were drawn at random become test and validation rows; all others
are learnt from. Groups (copies, the same customer) are never torn: the rest of a group goes where
its drawn row goes. Where an item may have several classes, all of them are dealt at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tl_core.data.dataset_version import ImportOptions
from tl_core.data.stratify import amounts_of, iterative, units_of
from tl_core.data.versions.split import Labelled, holdout_fraction

FEW = 3  # test rows of a class that a first test needs
_NEEDED = FEW + 1  # drawn rows of a class: one more for validation
_CLASSES = 2  # that need as many
_MOST_TEST, _MOST_VALIDATION = 2 / 3, 1 / 3  # of the drawn rows
_TRAIN, _TEST, _VALIDATION = 0, 1, 2
Ints = NDArray[np.int64]


def lacking(counts: Mapping[str, int], drawn: int | None = None) -> int:
    """How many more drawn rows a first test needs at least: some of each of two classes, and where
    an item may have several, some without each of them.

    Args:
        counts: rows that were drawn at random and have a class, by class.
        drawn: all rows that were, where an item may have several classes, or none; else None.
    """
    if drawn is None:
        most = sorted(counts.values(), reverse=True)[:_CLASSES]
        most += [0] * (_CLASSES - len(most))
        return sum(max(0, _NEEDED - count) for count in most)
    # one row can serve for several classes, with them or without
    each = [max(0, _NEEDED - n) + max(0, _NEEDED - drawn + n) for n in counts.values()]
    each += [_NEEDED + max(0, _NEEDED - drawn)] * _CLASSES
    return sorted(each)[_CLASSES - 1]


def lacking_in_words(counts: Mapping[str, int], noun: str, drawn: int | None = None) -> str:
    """The same as a sentence; empty where there are enough."""
    more = lacking(counts, drawn)
    if not more:
        return ""
    ranked = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    there = ", ".join(f"{name} {count}" for name, count in ranked if count) or "none"
    without = "" if drawn is None else " and as many without it"
    of = "" if drawn is None else f" (of {drawn} with an answer)"
    return (
        f"There are no test rows yet: {noun} that were drawn at random become them, once there are"
        f" {_NEEDED} of each of two classes{without}. With a class there are by now: {there}{of};"
        f" at least {more} more {'is' if more == 1 else 'are'} needed."
    )


@dataclass(frozen=True)
class _Unit:
    """A group that may judge: its rows that have a class, and the label that most of those drawn
    have.
    """

    rows: Ints
    label: int


@dataclass(frozen=True)
class _Deal:
    """What is dealt: the groups, the shares of test and validation, whether there were none before,
    and of all rows their labels and whether they are in training.
    """

    units: list[_Unit]
    shares: tuple[float, float]
    first: bool
    rows: Labelled
    learnt: NDArray[np.bool_]


def placed(
    splits: NDArray[np.str_],
    joining: Ints,
    chance: Ints,
    rows: Labelled,
    options: ImportOptions,
) -> NDArray[np.str_]:
    """The splits with rows that were drawn at random moved from training to test and validation.

    The first test and validation rows are dealt class by class from all drawn rows, once there are
    enough; until then all are in train, where no score can be told and so no training begins. After
    that only rows that get their first class now are dealt, until each part has the share of rows
    that a split by the import gives it. Rows that judge never move.

    Args:
        splits: in which rows that get their first class are in train already.
        joining: rows that get their first class now.
        chance: rows that were drawn at random and have a class.
        rows: labels after the change, and groups.
        options: of the import: shares of the splits and seed.
    """
    judged = np.isin(splits, ("validation", "test"))
    first = not (splits == "test").any()
    learnt = (splits == "train") & (rows.labels >= 0)
    drawn = chance[learnt[chance]]
    if not first:
        drawn = np.intersect1d(drawn, joining)
        # those that others of their group have been learnt from stay with these
        before = np.setdiff1d(np.flatnonzero(learnt), joining)
        drawn = drawn[~np.isin(rows.groups[drawn], rows.groups[before])]
    units = _units(drawn, learnt, rows) if len(drawn) else []
    counts = Counter(name for unit in units for name in rows.sets.named[unit.label])
    several = rows.sets.several
    if not units or (first and lacking(counts, len(units) if several else None)):
        return splits
    known = int((learnt | (judged & (rows.labels >= 0))).sum())
    count = sum(len(unit.rows) for unit in units)
    shares = (
        _share(options.test_fraction, known, splits == "test", count, _MOST_TEST),
        _share(options.val_fraction, known, splits == "validation", count, _MOST_VALIDATION),
    )
    dealt = splits.copy()
    random = np.random.default_rng([options.seed, known])
    deal = _deal_sets if several else _deal_classes
    deal(dealt, _Deal(units, shares, first, rows, learnt), random)
    return dealt


def _deal_classes(splits: NDArray[np.str_], deal: _Deal, random: np.random.Generator) -> None:
    """Write into `splits` which groups go to test and validation, class by class, by lot."""
    by_class: dict[int, list[_Unit]] = {}
    for unit in deal.units:
        by_class.setdefault(unit.label, []).append(unit)
    of_class = np.bincount(deal.rows.labels[deal.learnt], minlength=int(deal.rows.labels.max()) + 1)
    for label, some in sorted(by_class.items()):
        own = int(sum((deal.rows.labels[unit.rows] == label).sum() for unit in some))
        # a class that has no other training row keeps one to be learnt from
        free = len(some) - (own == of_class[label])
        test, validation = _amounts(free, deal.shares, random, first=deal.first)
        order = [some[place] for place in random.permutation(len(some))]
        for unit in order[:test]:
            splits[unit.rows] = "test"
        for unit in order[test : test + validation]:
            splits[unit.rows] = "validation"


def _deal_sets(splits: NDArray[np.str_], deal: _Deal, random: np.random.Generator) -> None:
    """The same where an item may have several classes, by iterative stratification."""
    members = np.concatenate([unit.rows for unit in deal.units])
    numbers, sizes = units_of(deal.rows.groups[members])
    amounts = amounts_of(numbers, deal.rows.sets.targets(deal.rows.labels[members]))
    others = np.setdiff1d(np.flatnonzero(deal.learnt), members)
    known = deal.rows.sets.targets(deal.rows.labels[others]).sum(axis=0)
    kept = _kept(amounts, known, random)
    free = np.setdiff1d(np.arange(len(sizes)), kept)
    test, validation = deal.shares
    shares = (max(0.0, 1 - test - validation), test, validation)
    parts = iterative(amounts[free], sizes[free], shares, int(random.integers(2**31)))
    if deal.first:
        _top_up(parts, amounts[free] > 0)
    for number, name in ((_TEST, "test"), (_VALIDATION, "validation")):
        splits[members[np.isin(numbers, free[parts == number])]] = name


def _top_up(parts: Ints, has: NDArray[np.bool_]) -> None:
    """The least that a first test and validation need of the two classes of which most groups are,
    with and without: taken from training first, in place.

    Args:
        parts: of each group (groups,).
        has: whether it holds each class (groups, classes).
    """
    usual = np.argsort(-np.minimum(has.sum(axis=0), (~has).sum(axis=0)), kind="stable")[:_CLASSES]
    for part, least, other in ((_TEST, FEW, _VALIDATION), (_VALIDATION, 1, _TEST)):
        for sign in (has[:, usual], ~has[:, usual]):
            for own in sign.T:
                for source, spare in ((_TRAIN, 0), (other, FEW if other == _TEST else 1)):
                    there = np.flatnonzero(own & (parts == source))
                    wanted = max(0, least - int((own & (parts == part)).sum()))
                    parts[there[: min(wanted, max(0, len(there) - spare))]] = part


def _kept(amounts: Ints, known: Ints, random: np.random.Generator) -> list[int]:
    """Groups that stay in training, so that each class which has no other row there can be learnt;
    the rarest is seen to first. `amounts` are rows of each class in each group (groups, classes),
    `known` those of other training rows (classes,).
    """
    order, kept = random.permutation(len(amounts)), list[int]()
    for label in np.argsort(amounts.sum(axis=0), kind="stable"):
        holders = order[amounts[order, label] > 0]
        if len(holders) and not known[label] and not amounts[kept, label].any():
            kept.append(int(holders[0]))
    return kept


def _units(drawn: Ints, learnt: NDArray[np.bool_], rows: Labelled) -> list[_Unit]:
    """The groups of the drawn rows, in the order of their numbers."""
    units: list[_Unit] = []
    members = np.flatnonzero(learnt & np.isin(rows.groups, rows.groups[drawn]))
    order = members[np.argsort(rows.groups[members], kind="stable")]
    numbers, starts = np.unique(rows.groups[order], return_index=True)
    for _, own in zip(numbers, np.split(order, starts[1:]), strict=True):
        said = rows.labels[own[np.isin(own, drawn)]]
        units.append(_Unit(own, int(np.bincount(said).argmax())))
    return units


def _share(fraction: float, known: int, there: NDArray[np.bool_], drawn: int, most: float) -> float:
    """The share of the drawn rows that a part takes, so that it comes to its share of all."""
    wanted = round((fraction or holdout_fraction(known)) * known) - int(there.sum())
    return min(max(wanted, 0) / max(drawn, 1), most)


def _amounts(
    units: int, shares: tuple[float, float], random: np.random.Generator, *, first: bool
) -> tuple[int, int]:
    """How many of a class's groups go to test and to validation. What is left of a whole number is
    decided by lot, so that small classes get their share in the long run.
    """
    test, validation = (int(share * units + random.random()) for share in shares)
    if first and units >= _NEEDED:
        test, validation = max(test, FEW), max(validation, 1)
    test = min(test, units)
    return test, min(validation, units - test)
