"""Which rows of a version somebody wants to see, and in which order: filters on columns alone."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tl_core.data.browse.row_columns import RowAnswers, RowColumns, read_columns
from tl_core.data.item_kind import kind_of
from tl_core.data.label_sets import NOTHING, LabelSets
from tl_core.data.versions.store import DatasetVersion

ORDERS = {
    "stored": "As they came",
    "shortest": "Shortest or smallest first",
    "longest": "Longest or largest first",
    "class": "By class",
    "unsure": "Least confident first",
    "sure": "Most confident first",
}
OUTCOMES = ("judged", "right", "wrong")  # predicted at all, rightly, wrongly
BY_ANSWER = ("unsure", "sure")  # orders that need a run
_PHRASE = re.compile(r'"([^"]+)"|(\S+)')


@dataclass(frozen=True)
class Query:
    """What is asked for; an empty part asks for nothing.

    Args:
        words: each of them must occur in the text, or in the name of an item that is no text; what
            stands between double quotes must occur as it stands. Capitals do not count.
        classes: names of classes; "" means rows that nobody has labelled, `NOTHING` those that were
            labelled with none of several.
        splits: names of splits.
        finding: a finding of this version that the rows must belong to.
        measure: a name of `MEASURES` that `least`, `most` and the order by length are about; empty:
            the usual one.
        least: shortest length.
        most: longest length.
        outcome: one of `OUTCOMES`.
        low: least confidence of the prediction, from 0 to 1.
        high: most confidence.
        alike: what the rows must be like, as `Sought` writes it; they are then in that order.
        order: a key of `ORDERS`.
    """

    words: str = ""
    classes: tuple[str, ...] = ()
    splits: tuple[str, ...] = ()
    finding: str = ""
    measure: str = ""
    least: int | None = None
    most: int | None = None
    outcome: str = ""
    low: float = 0.0
    high: float = 1.0
    alike: str = ""
    order: str = "stored"

    @property
    def filters(self) -> bool:
        """Whether anything is left out by it."""
        return replace(self, order="stored", measure="") != Query()


@dataclass(frozen=True)
class Found:
    """The rows in order, and how many there would be of each class and split were the filter by
    class, or by split, another one.
    """

    rows: NDArray[np.int64]
    by_class: dict[str, int]
    by_split: dict[str, int]


def matching(
    version: DatasetVersion,
    query: Query,
    answers: RowAnswers | None = None,
    columns: RowColumns | None = None,
) -> NDArray[np.int64]:
    """The numbers of the rows that a query is about, in its order."""
    return look_up(version, query, answers, columns).rows


def look_up(
    version: DatasetVersion,
    query: Query,
    answers: RowAnswers | None = None,
    columns: RowColumns | None = None,
    alike: NDArray[np.float64] | None = None,
) -> Found:
    """The rows that a query is about, with counts for other choices of class and split.

    Args:
        version: whose rows are meant; what was left out of it is never found.
        query: what is asked for.
        answers: what a run said; without them nothing is asked of predictions.
        columns: those of `version`, where they have been read already.
        alike: how much each row (rows,) is like what `query.alike` names, NaN for those that are
            not among the most alike; without it nothing is asked of likeness.
    """
    known = columns or read_columns(version)
    mask = known.splits != "removed"
    if query.words.strip():
        mask = mask & _holding(version, query.words)
    if query.finding:
        mask = mask & _of_finding(version, query.finding)
    mask = mask & _long_enough(known, query)
    if answers is not None:
        mask = mask & _answered(known, query, answers)
    if alike is not None:
        mask = mask & ~np.isnan(alike)
    of_class = _of_classes(version, known, query)
    of_split = (
        np.isin(known.splits, query.splits) if query.splits else np.ones_like(mask, dtype=bool)
    )
    rows = np.flatnonzero(mask & of_class & of_split)
    if alike is None:
        rows = _ordered(rows, known, query, answers)
    else:
        rows = rows[np.argsort(-alike[rows], kind="stable")]
    return Found(
        rows,
        _class_counts(version.sets, known.labels[mask & of_split]),
        _split_counts(known.splits[mask & of_class]),
    )


def _holding(version: DatasetVersion, words: str) -> NDArray[np.bool_]:
    """Rows whose text, or whose name, holds all the words."""
    import pyarrow as pa
    import pyarrow.compute as pc

    stored = kind_of(version.info.modality).stored.name
    column = version.table.column(stored)
    if not pa.types.is_string(column.type) and not pa.types.is_large_string(column.type):
        column = version.table.column("name")
    mask = np.ones(len(column), dtype=bool)
    for phrase, word in _PHRASE.findall(words):
        found = pc.match_substring(column, phrase or word, ignore_case=True)
        mask &= pc.fill_null(found, fill_value=False).to_numpy()
    return mask


def _of_finding(version: DatasetVersion, finding: str) -> NDArray[np.bool_]:
    mask = np.zeros(len(version.labels), dtype=bool)
    if (version.folder / "findings.parquet").is_file():
        mask[version.finding_rows(finding)] = True
    return mask


def _length(columns: RowColumns, query: Query) -> NDArray[np.int64] | None:
    """The measure that a query is about; None where nothing was measured."""
    usual = next(iter(columns.measures), "")
    return columns.measures.get(query.measure or usual)


def _long_enough(columns: RowColumns, query: Query) -> NDArray[np.bool_]:
    length = _length(columns, query)
    mask = np.ones(len(columns.labels), dtype=bool)
    if length is None:
        return mask
    if query.least is not None:
        mask &= length >= query.least
    if query.most is not None:
        mask &= length <= query.most
    return mask


def _answered(columns: RowColumns, query: Query, answers: RowAnswers) -> NDArray[np.bool_]:
    """Rows whose prediction is as it is asked for."""
    mask = np.ones(len(columns.labels), dtype=bool)
    if query.outcome in OUTCOMES:
        mask &= answers.asked
    if query.outcome in ("right", "wrong"):
        mask &= (answers.said == columns.labels) == (query.outcome == "right")
    if query.low > 0:
        mask &= answers.asked & (answers.confidence >= query.low)
    if query.high < 1:
        mask &= answers.asked & (answers.confidence <= query.high)
    return mask


def _of_classes(version: DatasetVersion, columns: RowColumns, query: Query) -> NDArray[np.bool_]:
    if not query.classes:
        return np.ones(len(columns.labels), dtype=bool)
    wanted = version.sets.having(query.classes).tolist()
    return np.isin(columns.labels, [*wanted, -1] if "" in query.classes else wanted)


def _ordered(
    rows: NDArray[np.int64], columns: RowColumns, query: Query, answers: RowAnswers | None
) -> NDArray[np.int64]:
    """The rows in the order of the query; those of equal worth as they came."""
    length = _length(columns, query)
    if query.order == "class":
        return rows[np.argsort(columns.labels[rows], kind="stable")]
    if query.order in ("shortest", "longest") and length is not None:
        sign = 1 if query.order == "shortest" else -1
        return rows[np.argsort(sign * length[rows], kind="stable")]
    if query.order in BY_ANSWER and answers is not None:
        sign = 1 if query.order == "unsure" else -1
        return rows[np.argsort(sign * answers.confidence[rows], kind="stable")]  # NaN comes last
    return rows


def _class_counts(sets: LabelSets, labels: NDArray[np.int64]) -> dict[str, int]:
    """Rows of each class, of `NOTHING` where they were labelled with none, of "" where nobody has
    labelled them.
    """
    found = dict(zip(sets.classes, sets.counts(labels).tolist(), strict=True))
    if sets.several and (empty := int(np.isin(labels, sets.having([NOTHING])).sum())):
        found[NOTHING] = empty
    unlabelled = int((labels < 0).sum())
    return found | ({"": unlabelled} if unlabelled else {})


def _split_counts(splits: NDArray[np.str_]) -> dict[str, int]:
    names, counts = np.unique(splits, return_counts=True)
    return dict(zip(names.tolist(), counts.tolist(), strict=True))
