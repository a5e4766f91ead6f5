"""Items and what annotators answered about them, brought to one class each."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import NamedTuple

from tl_core.data.formats.cells import is_short, picture_of, picture_path, text_of
from tl_core.data.tables.reading import Reading, Rows, framed
from tl_core.errors import AmbiguousError

_SAMPLE = 1000


class Answer(NamedTuple):
    """What one annotator chose; no labels where nothing was chosen."""

    labels: tuple[str, ...]
    annotator: str = ""


@dataclass
class Item:
    """One thing that was annotated: its own columns, the tool's, and the answers to each
    question.
    """

    number: int
    data: dict[str, str]
    extra: dict[str, str] = field(default_factory=dict)
    answers: dict[str, list[Answer]] = field(default_factory=dict)


class _Verdict(NamedTuple):
    label: str
    annotators: int
    agreement: str


def settled(items: Iterator[Item], reading: Reading, chunk_rows: int) -> Iterator[Rows]:
    """The items as rows: their columns, one class by majority, how many annotators there are and
    how far they agree.

    The column of the class is called label where one question was asked. Of several questions those
    that sort the items give a column each, and which of them is the class must have been said.

    Raises:
        AmbiguousError: when several questions sort the items and nobody has said which of them is
        meant.
    """
    sample = list(islice(items, _SAMPLE))
    questions = list(dict.fromkeys(name for item in sample for name in item.answers))
    sorting = _sorting(questions, sample)
    labels = (
        {sorting[0]: "label"}
        if len(sorting) == 1
        else {name: name for name in sorting} or {"": "label"}
    )
    columns: dict[str, list[str]] = {}
    for item in sample:
        for name, value in item.data.items():
            columns.setdefault(name, []).append(value)
    reserved = {*labels.values(), "annotators", "agreement"}
    picture = picture_of(columns)
    text = "" if picture else text_of(columns)
    _tell(reading, labels, picture, _free(text, reserved))

    def rows() -> Iterator[tuple[int, dict[str, str]]]:
        for item in chain(sample, items):
            yield item.number, _row(item, labels, reserved, picture, reading)

    yield from framed(rows(), reading, chunk_rows)


def _sorting(questions: list[str], sample: list[Item]) -> list[str]:
    """The questions whose answers sort the items into classes; a remark that differs each time does
    not.
    """
    if len(questions) < 2:
        return questions
    sorting: list[str] = []
    for name in questions:
        given = [
            label
            for item in sample
            for answer in item.answers.get(name, [])
            for label in answer.labels
        ]
        if given and is_short(given) and len(set(given)) <= max(2, len(given) // 2):
            sorting.append(name)
    return sorting or questions


def _tell(reading: Reading, labels: dict[str, str], picture: str, text: str) -> None:
    if picture:
        reading.roles["image"] = "image"
    elif text:
        reading.roles["text"] = text
    if len(labels) == 1:
        reading.roles["label"] = "label"
        name = next(iter(labels))
        if name and name != "label":
            reading.note(f"The class is the answer to {name!r}.")
    elif reading.label_column is None:
        reading.doubt(
            f"Several questions were asked about each item: {', '.join(list(labels)[:8])}. One of"
            " them is the class."
        )
    elif not reading.label_column:
        raise AmbiguousError(
            "Several questions were asked about each item.",
            f"The answers to each of {', '.join(map(repr, list(labels)[:8]))} can be the class.",
            "label_column",
            {name: f"the answer to {name!r}" for name in list(labels)[:8]},
        )


def _row(
    item: Item, labels: dict[str, str], reserved: set[str], picture: str, reading: Reading
) -> dict[str, str]:
    row: dict[str, str] = {}
    for name, value in item.data.items():
        if name == picture:
            row["image"], row["image_source"] = picture_path(value), value
        else:
            row[_free(name, {*reserved, "image"} if picture else reserved)] = value
    verdicts = [_verdict(item.answers.get(name, [])) for name in labels]
    row |= {labels[name]: verdict.label for name, verdict in zip(labels, verdicts, strict=True)}
    for name, answers in item.answers.items():
        if name not in labels:
            row[_free(name, {*row, *reserved})] = _verdict(answers).label
    for name, value in item.extra.items():
        row[_free(name, {*row, *reserved})] = value
    closest = max(verdicts, key=lambda verdict: verdict.annotators)
    split = [verdict for verdict in verdicts if verdict.annotators > 1 and verdict.agreement != "1"]
    reading.disagreeing += bool(split)
    reading.undecided += any(not verdict.label for verdict in split)
    return row | {"annotators": str(closest.annotators), "agreement": closest.agreement}


def _free(name: str, taken: Iterable[str]) -> str:
    """A column's name, marked as the item's own where another one needs it."""
    return f"{name} (own)" if name in taken else name


def _verdict(answers: list[Answer]) -> _Verdict:
    """The commonest answer of the annotators who gave one; none where two are as common. Where
    somebody chose several labels, those that more than half of them chose.
    """
    votes = Counter(answer.labels for answer in answers if answer.labels)
    if not votes:
        return _Verdict("", 0, "")
    if len(votes) > 1 and any(len(labels) > 1 for labels in votes):
        return _by_label(votes)
    best = votes.most_common(2)
    tie = len(best) > 1 and best[0][1] == best[1][1]
    share = f"{best[0][1] / votes.total():.2f}".rstrip("0").rstrip(".")
    return _Verdict("" if tie else as_label(best[0][0]), votes.total(), share)


def _by_label(votes: Counter[tuple[str, ...]]) -> _Verdict:
    """The labels that most annotators chose, label by label."""
    chosen_by: Counter[str] = Counter()
    for labels, count in votes.items():
        chosen_by.update(dict.fromkeys(labels, count))
    agreed = tuple(sorted(name for name, count in chosen_by.items() if 2 * count > votes.total()))
    share = f"{votes[agreed] / votes.total():.2f}".rstrip("0").rstrip(".")
    return _Verdict(as_label(agreed), votes.total(), share)


def as_label(labels: Iterable[str]) -> str:
    """A cell with one name, or with several as a JSON list."""
    several = list(labels)
    return (
        several[0]
        if len(several) == 1
        else json.dumps(several, ensure_ascii=False)
        if several
        else ""
    )


def chosen(labels: Iterable[str]) -> tuple[str, ...]:
    """Labels in an order of their own, so that the same choice made in another order is the same
    answer.
    """
    return tuple(sorted(dict.fromkeys(labels)))
