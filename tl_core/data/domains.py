"""Domains: where items come from, and a version as a training sees it that is meant for one of
them.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tl_core.config.domains import UNLABELLED, KnowsDomains
from tl_core.data.checks.class_names import alike_key
from tl_core.data.item_kind import own_columns
from tl_core.data.overlays.joined import JoinedVersion
from tl_core.data.overlays.overlay import Overlay
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import DataError, NotFoundError, nearest

MOST_DOMAINS = 50  # a column with more values is an id of items, no domain
TARGET, SOURCE_TEST, APART = "target", "source_test", "apart"  # splits of a `TargetedVersion`
_NAMED = 5  # classes that a sentence names
TARGET_TEST = "target_test"  # of another dataset that is the target
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Domains:
    """The domains of a version in the order of their names, and that of each row as its place
    (rows,), -1 where the column is empty.
    """

    names: list[str]
    numbers: Ints

    def rows_in(self, name: str) -> NDArray[np.bool_]:
        """Which rows come from a domain (rows,).

        Raises:
            NotFoundError: when there is none of that name.
        """
        if name not in self.names:
            raise NotFoundError(f"There is no domain {name!r}.", "", nearest(name, self.names))
        here: NDArray[np.bool_] = self.numbers == self.names.index(name)
        return here


def domain_columns(version: DatasetVersion) -> list[str]:
    """Columns beside the item that have at least two values, and few enough to be domains."""
    return [
        name
        for name in version.table.column_names
        if name not in own_columns() and 2 <= len(_values(version, name)) <= MOST_DOMAINS
    ]


def domains_of(version: DatasetVersion, column: str) -> Domains:
    """The domains that a column names.

    Raises:
        NotFoundError: when there is no such column.
        DataError: when it holds one value alone, or more than any domains have.
    """
    columns = [name for name in version.table.column_names if name not in own_columns()]
    if column not in columns:
        raise NotFoundError(
            f"There is no column {column!r} beside the items.",
            "" if columns else "This dataset has no further columns.",
            nearest(column, columns)
            if columns
            else "Bring the data with a column that says where each item comes from.",
        )
    names = sorted(_values(version, column))
    if not 2 <= len(names) <= MOST_DOMAINS:
        raise DataError(
            f"The column {column!r} has {len(names):,} different values.",
            f"Domains are few: at least 2, at most {MOST_DOMAINS}.",
            "Choose another column.",
        )
    places = {name: place for place, name in enumerate(names)}
    cells = [_cell(cell) for cell in version.table.column(column).to_pylist()]
    return Domains(names, np.array([places.get(cell, -1) for cell in cells], dtype=np.int64))


def _values(version: DatasetVersion, column: str) -> set[str]:
    return {_cell(cell) for cell in version.table.column(column).unique().to_pylist()} - {""}


def _cell(cell: object) -> str:
    return "" if cell is None else str(cell).strip()


class TargetedVersion(Overlay):
    """A version as a training sees it that is meant for a target.

    Its splits: `train` and `validation` hold the source's rows. `target` holds rows of the target
    that may be read, but without their class: their labels are -1. `test` holds the target's rows
    that judge, which no training reads; where none of these has a class, those of the source.
    `source_test` are the source's own test rows otherwise, `apart` rows of neither: no label of
    these can be read, either. Nothing is learnt from or chosen by a row that is of one group with
    one that judges, such as a copy of it: where the target's own test rows have such ones in the
    source these are `apart`, any other row that would judge is `apart` itself.

    Args:
        version: all rows.
        target: which rows are of the target (rows,).
        source: which rows are of the source (rows,).
        called: how the target is named, which tells two targets of a version apart.
    """

    def __init__(
        self,
        version: DatasetVersion,
        target: NDArray[np.bool_],
        source: NDArray[np.bool_],
        called: str,
    ) -> None:
        splits = np.asarray(version.splits, dtype="<U11").copy()
        alive = splits != "removed"
        known = np.asarray(version.labels) >= 0
        learnt = source & np.isin(splits, ("train", "validation"))
        judges = target & known & (splits == "test")
        copies = learnt & np.isin(version.groups, version.groups[judges])
        further = target & known & (splits == "validation")
        further &= ~np.isin(version.groups, version.groups[learnt & ~copies])
        own_test = source & (splits == "test")
        splits[alive & ~target & ~source] = APART
        aside = copies | target & known & (splits == "validation") & ~further
        judges |= further
        splits[alive & target] = TARGET
        splits[aside] = APART
        splits[judges] = "test"
        if judges.any():
            splits[own_test] = SOURCE_TEST
        labels = np.array(version.labels, dtype=np.int64)
        labels[np.isin(splits, (TARGET, SOURCE_TEST, APART))] = -1
        super().__init__(version, labels, splits)
        self.info = replace(
            version.info,
            splits=dict(Counter(splits.tolist())),
            fingerprint=hashlib.sha256(f"{version.info.fingerprint}/{called}".encode()).hexdigest()[
                : len(version.info.fingerprint)
            ],
        )


class HeldOutVersion(Overlay):
    """A version as a training sees it that is asked about a domain which it never sees.

    Its splits: `train`, `validation` and `unlabelled` hold rows of the domains that are learnt
    from. `test` holds the labelled training and validation rows of the held-out domain, without
    their labels. All else is `apart`: the version's own test rows, and what is of one group with a
    row of `test`, such as copies of its item.

    Args:
        version: all rows.
        learnt: which rows are of the domains that are learnt from (rows,).
        asked: which rows are of the held-out domain (rows,).
    """

    def __init__(
        self, version: DatasetVersion, learnt: NDArray[np.bool_], asked: NDArray[np.bool_]
    ) -> None:
        given = np.asarray(version.splits, dtype="<U11")
        known = np.asarray(version.labels) >= 0
        splits = np.where(learnt & (given != "test") | (given == "removed"), given, APART)
        judges = asked & known & np.isin(given, ("train", "validation"))
        splits[np.isin(version.groups, version.groups[judges]) & (splits != "removed")] = APART
        splits[judges] = "test"
        labels = np.array(version.labels, dtype=np.int64)
        labels[np.isin(splits, ("test", APART))] = -1
        super().__init__(version, labels, splits)
        self.info = replace(version.info, splits=dict(Counter(splits.tolist())))


def as_meant(
    settings: object, version: DatasetVersion, other: DatasetVersion | None = None
) -> DatasetVersion:
    """The version as a training with these settings sees it: itself where they name no target.
    `other` is the dataset that they name as the target.

    Raises:
        NotFoundError: when there is no such column or domain.
        DataError: when nothing of the target may be read.
    """
    if other is not None:
        return with_target(version, other)
    if not isinstance(settings, KnowsDomains) or not settings.target_domain:
        return version
    return targeted(version, settings.domain_column, settings.source_domain, settings.target_domain)


def with_target(version: DatasetVersion, other: DatasetVersion) -> DatasetVersion:
    """The version with the items of another dataset behind its own: those of its training split and
    those without a class as `target`, its labelled validation and test items as `target_test`.
    Only of the latter are labels there, for classes that people would take for the same. Copies
    that would give away what is asked are `apart`.

    Raises:
        DataError: when the other one holds other kinds of items, or none that may be read, or items
            may have several labels.
    """
    refuse_target_of_several(version)
    theirs = np.array([*_same_classes(version, other), -1], dtype=np.int64)
    labels = theirs[np.asarray(other.labels)]  # -1, for none, takes the last one
    judges = np.isin(other.splits, ("validation", "test")) & (labels >= 0)
    alike = version.info.modality == other.info.modality  # else that is what is refused, below
    if alike and len(other.sets.names) and (theirs < 0).all():
        raise DataError(
            "No class of the target dataset is one of this dataset.",
            f"It has {some_of(other.sets.names)}; this one has {some_of(version.sets.names)}."
            " What is learnt here would have nothing to say there.",
            "Choose a target with the same classes, or with none.",
        )
    read = np.isin(other.splits, ("train", "unlabelled"))
    splits = np.where(judges, TARGET_TEST, np.where(read, TARGET, APART))
    labels[~judges] = -1
    if not read.any():
        raise DataError(
            "The target dataset has no items to adapt to.",
            "Its training items and those without a class are read.",
            "Add items to it.",
        )
    seen = JoinedVersion(version, other, labels, splits)
    copies, given_away = _copies(seen)
    seen = JoinedVersion(
        version,
        other,
        labels,
        np.where((copies | given_away)[len(version.labels) :], APART, splits),
        int(copies.sum()),
    )
    if not len(seen.rows_of(TARGET)):
        raise DataError(
            "The target dataset has no items to adapt to.",
            "All that could be read are copies of items that judge.",
            "Add other items to it.",
        )
    own = f"{version.info.fingerprint}/{other.info.fingerprint}"
    seen.info = replace(
        seen.info,
        splits=dict(Counter(seen.splits.tolist())),
        fingerprint=hashlib.sha256(own.encode()).hexdigest()[: len(version.info.fingerprint)],
    )
    return seen


def _copies(seen: JoinedVersion) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which rows that were to judge are of one group with what is learnt from, and which of the
    target that were to be read are exact copies of rows that judge (rows,): whoever had learnt from
    the one, or read the other, would have met what is asked.
    """
    groups, keys, splits = seen.groups, seen.keys, np.asarray(seen.splits)
    learnt = np.isin(splits, ("train", "validation", UNLABELLED))
    judges = splits == TARGET_TEST
    copies = judges & np.isin(groups, groups[learnt])
    asked = (judges & ~copies) | (splits == "test")
    return copies, (splits == TARGET) & np.isin(keys, keys[asked])


def _same_classes(version: DatasetVersion, other: DatasetVersion) -> list[int]:
    """The number that each class of `other` has in `version`, -1 where it has none: of the same
    name, else of the only one that differs from it in capitals, blanks or dashes alone.
    """
    names = {name: number for number, name in enumerate(version.sets.names)}
    keys = Counter(map(alike_key, names))
    alike = {alike_key(name): number for name, number in names.items() if keys[alike_key(name)] < 2}
    return [names.get(name, alike.get(alike_key(name), -1)) for name in other.sets.names]


def classes_beyond(version: DatasetVersion, other: DatasetVersion) -> dict[str, int]:
    """Classes of a target dataset `other` that `version` lacks, with their items."""
    return {
        name: int((other.labels == number).sum())
        for number, (name, own) in enumerate(
            zip(other.sets.names, _same_classes(version, other), strict=True)
        )
        if own < 0
    }


def some_of(names: list[str]) -> str:
    """The first few names in a sentence."""
    return ", ".join(names[:_NAMED]) + (" and more" if len(names) > _NAMED else "")


def refuse_target_of_several(version: DatasetVersion) -> None:
    """Another dataset can be the target where each item has one class.

    Raises:
        DataError: where it may have several.
    """
    if version.sets.several:
        raise DataError(
            "Another dataset as the target is made for items with one class each.",
            "Here an item may have several labels.",
            "Leave target_dataset out, or import the data with the task single_label.",
        )


def judging_rows(version: DatasetVersion) -> Ints:
    """The rows by which ways to adapt are compared: labelled ones of another dataset that is the
    target, else the test rows.
    """
    rows = version.rows_of(TARGET_TEST)
    return rows if len(rows) else version.rows_of("test")


def targeted(version: DatasetVersion, column: str, source: str, target: str) -> TargetedVersion:
    """The version as a training sees it that learns from `source` and is meant for `target`.

    Args:
        version: with items of both.
        column: that names the domains; may be empty where the target are the unlabelled items.
        source: a domain; empty takes all but the target.
        target: a domain, or `unlabelled` for the items without a class.

    Raises:
        NotFoundError: when there is no such column or domain.
        DataError: when nothing of the target may be read.
    """
    domains = domains_of(version, column) if column else None
    if target == UNLABELLED and not (domains and UNLABELLED in domains.names):
        there = np.asarray(version.labels) < 0
    elif domains:
        there = domains.rows_in(target)
    else:
        raise DataError(
            f"The target {target!r} is a domain of no column.", "", "Name the domain column."
        )
    here = domains.rows_in(source) & ~there if domains and source else ~there
    seen = TargetedVersion(version, there, here, f"{column}/{source}/{target}")
    if not len(seen.rows_of(TARGET)):
        raise DataError(
            f"There are no items of the target {target!r} to adapt to.",
            "Items without a class, and those of the training split are read."
            " Test items are left alone.",
            "Bring items of the target, with or without classes.",
        )
    return seen


def tested_on_target(version: DatasetVersion, settings: KnowsDomains) -> bool:
    """Whether the test rows of the version that a training with these settings sees are items of
    its target; those of another dataset stand beside them.
    """
    return not settings.target_dataset and judged_by_target(
        version, settings.domain_column, settings.target_domain
    )


def judged_by_target(version: DatasetVersion, column: str, target: str) -> bool:
    """Whether the test rows of a version as `targeted` gives it are the target's."""
    domains = domains_of(version, column) if column else None
    rows = version.rows_of("test")
    if domains is None or target not in domains.names or not len(rows):
        return False
    return bool(domains.rows_in(target)[rows].all())
