"""Argilla: records with responses of people and suggestions of models, nested or as columns, of
versions 1 and 2.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tl_core.data.cells.label_cells import read_label
from tl_core.data.formats.annotations import Answer, Item, chosen, settled
from tl_core.data.formats.cells import Json, JsonObject, names, objects, parsed, records, spread
from tl_core.data.tables.reading import Reading, Rows, cell

if TYPE_CHECKING:
    import pyarrow as pa

_COUNTS = ("", "submitted")  # a draft or a discarded response is no answer
_CLASSIC = {
    "prediction_agent",
    "annotation_agent",
    "multi_label",
    "event_timestamp",
    "metrics",
    "vectors",
    "explanation",
    "search_keywords",
    "inputs",
}
_RESPONSES, _SUGGESTION = ".responses", (".suggestion", "-suggestion")
_KEPT = ("id", "external_id", "status")


class _Suggested:
    """Whether suggestions were passed over for want of a response."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading

    def note(self, item: Item, suggested: bool) -> Item:
        if suggested and not any(
            answer.labels for answers in item.answers.values() for answer in answers
        ):
            self.reading.doubt(
                "Some records have suggestions of a model and no submitted response; the"
                " suggestions were not taken as classes."
            )
        return item


def exported(
    head: pa.Table,
    rows: Iterator[Rows],
    reading: Reading,
    chunk_rows: int,
) -> Iterator[Rows] | None:
    """The records of an export; None when it is something else."""
    columns = list(head.column_names)
    seen = _Suggested(reading)
    if "fields" in columns and {"responses", "suggestions"} & {*columns} and _holds(head, "fields"):
        items = (seen.note(*_nested(number, record)) for number, record in records(rows))
    elif questions := _flat_questions(columns) or _listed_questions(head):
        items = (seen.note(*_flat(number, record, questions)) for number, record in records(rows))
    elif {"prediction", "annotation"} <= {*columns} and len(_CLASSIC & {*columns}) >= 2:
        items = (seen.note(*_classic(number, record)) for number, record in records(rows))
    else:
        return None
    reading.format = "Argilla"
    return settled(items, reading, chunk_rows)


def _holds(head: pa.Table, name: str) -> bool:
    return all(
        isinstance(parsed(value), dict) for value in head.column(name).slice(0, 20).to_pylist()
    )


def _extra(record: dict[str, str]) -> dict[str, str]:
    extra = {name: record[name] for name in _KEPT if record.get(name)}
    spread(extra, parsed(record.get("metadata", "")), "metadata")
    return extra


def _nested(number: int, record: dict[str, str]) -> tuple[Item, bool]:
    fields = parsed(record["fields"])
    item = Item(
        number,
        (
            {str(key): cell(value) for key, value in fields.items()}
            if isinstance(fields, dict)
            else {}
        ),
        _extra(record),
    )
    responses = parsed(record.get("responses", ""))
    if isinstance(responses, dict):  # question to responses
        for question, given in responses.items():
            item.answers[str(question)] = [_answer(one) for one in objects(given)]
    for response in objects(responses):  # one response of a person about all questions
        values = response.get("values")
        for question, one in (values if isinstance(values, dict) else {}).items():
            value = one.get("value") if isinstance(one, dict) else one
            item.answers.setdefault(str(question), []).append(_answer({**response, "value": value}))
    suggested = parsed(record.get("suggestions", ""))
    for question in (
        suggested
        if isinstance(suggested, dict)
        else [cell(one.get("question_name")) for one in objects(suggested)]
    ):
        item.answers.setdefault(str(question), [])
    return item, bool(suggested)


def _answer(response: JsonObject) -> Answer:
    counts = cell(response.get("status")).strip().lower() in _COUNTS
    return Answer(
        chosen(names(response.get("value"))) if counts else (), cell(response.get("user_id"))
    )


def _flat_questions(columns: list[str]) -> dict[str, str]:
    """Question to column of its responses, as they are called in version 2: label.responses,
    label.suggestion.
    """
    ends = (_RESPONSES, _SUGGESTION[0])
    questions = dict.fromkeys(
        name.removesuffix(end) for name in columns for end in ends if name.endswith(end)
    )
    return {name: name + _RESPONSES for name in questions if name}


def _listed_questions(head: pa.Table) -> dict[str, str]:
    """Question to column of its responses, as they are called in version 1: label,
    label-suggestion.
    """
    columns = set(head.column_names)
    return {
        name: name
        for name in head.column_names
        if name + _SUGGESTION[1] in columns
        and all(
            isinstance(parsed(value), list)
            for value in head.column(name).slice(0, 100).to_pylist()
            if value
        )
    }


def _flat(number: int, record: dict[str, str], questions: dict[str, str]) -> tuple[Item, bool]:
    owned = tuple(f"{name}{end}" for name in questions for end in (_RESPONSES, *_SUGGESTION))
    data = {
        name: value
        for name, value in record.items()
        if not name.startswith(owned)
        and name not in _KEPT
        and name not in questions.values()
        and name not in ("metadata", "_server_id", "vectors")
    }
    item = Item(number, data, _extra(record))
    for question, column in questions.items():
        value = parsed(record.get(column, ""))
        if objects(value):
            item.answers[question] = [_answer(one) for one in objects(value)]
            continue
        status = _list(record.get(f"{column}.status", ""))
        users = _list(record.get(f"{column}.users", ""))
        item.answers[question] = [
            _answer(
                {
                    "value": one,
                    "status": status[place] if place < len(status) else "",
                    "user_id": users[place] if place < len(users) else str(place),
                }
            )
            for place, one in enumerate(_list(record.get(column, "")))
        ]
    return item, any(
        record.get(f"{question}{end}") for question in questions for end in _SUGGESTION
    )


def _list(text: str) -> list[Json]:
    """A list as JSON, or as Python and numpy print it in a CSV; a single value is a list of one."""
    value = parsed(text)
    if value is None and text.startswith("["):
        try:
            value = ast.literal_eval(re.sub(r"(?<=['\"])\s+(?=['\"])", ", ", text))
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            value = None
    return value if isinstance(value, list) else [text] if text else []


def _classic(number: int, record: dict[str, str]) -> tuple[Item, bool]:
    """A record of a text classification dataset of version 1, with one annotation."""
    inputs = parsed(record.get("inputs", ""))
    own = (
        {str(key): cell(value) for key, value in inputs.items()} if isinstance(inputs, dict) else {}
    )
    data = {"text": record["text"]} if record.get("text") else own
    item = Item(number, data, _extra(record))
    counts = record.get("status", "").strip().lower() != "discarded"
    given = chosen(read_label(record["annotation"])) if counts and record.get("annotation") else ()
    item.answers["label"] = [Answer(given, record.get("annotation_agent", ""))]
    if record.get("annotation_agent"):
        item.extra["annotator"] = record["annotation_agent"]
    return item, bool(parsed(record.get("prediction", "")))
