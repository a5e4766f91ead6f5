"""Prodigy: lines with an answer to accept, reject or ignore what was asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tl_core.data.cells.label_cells import read_label
from tl_core.data.formats.annotations import Answer, Item, chosen, settled
from tl_core.data.formats.cells import names, objects, parsed, records, spread
from tl_core.data.tables.reading import Reading, Rows, cell
from tl_core.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

_INPUTS = ("text", "image", "html", "path", "question", "title", "audio", "video")
_OWN = {
    "_input_hash",
    "_task_hash",
    "_session_id",
    "_annotator_id",
    "_view_id",
    "_timestamp",
    "_is_binary",
    "answer",
    "label",
    "accept",
    "options",
    "config",
    "spans",
    "relations",
    "tokens",
    "meta",
    "priority",
    "score",
    "time",
    "width",
    "height",
    "field_rows",
    "field_label",
    "field_placeholder",
}
_ANSWERS = {"accept", "reject", "ignore"}


def lines(
    head: pa.Table,
    rows: Iterator[Rows],
    reading: Reading,
    chunk_rows: int,
) -> Iterator[Rows] | None:
    """The accepted records, those about one input together; None when it is something else."""
    columns = set(head.column_names)
    if not columns & {*_INPUTS}:
        return None
    answers = (
        {value.strip().lower() for value in head.column("answer").to_pylist()}
        if "answer" in columns
        else set()
    )
    hashed = {"_input_hash", "_task_hash"} <= columns
    signs = columns & {"label", "accept", "options", "spans", "_input_hash", "_view_id"}
    if not hashed and not (signs and answers and answers <= _ANSWERS):
        return None
    reading.format = "Prodigy"
    return settled(_accepted(rows, reading), reading, chunk_rows)


def _accepted(rows: Iterator[Rows], reading: Reading) -> Iterator[Item]:
    """One item for each input. A label that is asked for alone adds to the others that the same
    person accepted; a choice among several is an answer of its own.
    """
    items: dict[str, Item] = {}
    alone: dict[tuple[str, str], list[str]] = {}
    choices: dict[str, list[Answer]] = {}
    left = signs = 0
    for number, record in records(rows):
        answer = record.get("answer", "").strip().lower()
        if answer in ("reject", "ignore"):
            left += 1
            reading.aside(f"answered '{answer}' in Prodigy")
            continue
        signs += sum(map(len, record.values()))
        if signs > reading.limits.json_bytes:
            raise ValueError(
                f"an export of Prodigy may have {reading.limits.json_bytes >> 20} MB of accepted"
                " records"
            )
        key = record.get("_input_hash") or "\n".join(record.get(name, "") for name in _INPUTS)
        items.setdefault(key, _item(number, record, reading))
        who = record.get("_annotator_id") or record.get("_session_id") or ""
        if record.get("options") or record.get("accept"):
            picked = [_option(name, record) for name in names(parsed(record.get("accept", "")))]
            choices.setdefault(key, []).append(Answer(chosen(picked), who))
        elif record.get("label", "").strip():
            alone.setdefault((key, who), []).extend(read_label(record["label"]))
    if not items and left:
        raise DataError(
            "No record of the export was accepted.",
            f"All {left:,} were rejected or ignored in Prodigy.",
            "Export a dataset with accepted answers.",
        )
    single = {label for labels in alone.values() for label in labels}
    if left and len(single) == 1 and not choices:
        reading.note(
            f"Only {next(iter(single))!r} was asked about; the {left:,} record(s) that were"
            " rejected or ignored are left out and make no class."
        )
    for (key, who), labels in alone.items():
        choices.setdefault(key, []).append(Answer(chosen(labels), who))
    for key, item in items.items():
        item.answers["label"] = choices.get(key, [])
        yield item


def _item(number: int, record: dict[str, str], reading: Reading) -> Item:
    data = {name: value for name, value in record.items() if name not in _OWN}
    meta = parsed(record.get("meta", ""))
    path = data.get("path") or (
        cell(meta.get("file") or meta.get("path")) if isinstance(meta, dict) else ""
    )
    if data.get("image", "").startswith("data:"):  # the picture itself stands in the line, encoded
        data["image"] = path
        if not path:
            reading.doubt(
                "Pictures that stand in the lines themselves are not read; export their paths."
            )
    extra = {
        name.lstrip("_"): record[name]
        for name in ("_input_hash", "_annotator_id", "_session_id")
        if record.get(name)
    }
    spread(extra, meta, "meta")
    return Item(number, data, extra)


def _option(name: str, record: dict[str, str]) -> str:
    """The name of an option: its id, or its text where the id is only a number."""
    if not name.lstrip("-").isdecimal():
        return name
    texts = {
        cell(one.get("id")): cell(one.get("text"))
        for one in objects(parsed(record.get("options", "")))
    }
    return texts.get(name) or name
