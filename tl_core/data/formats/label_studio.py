"""Label Studio: its JSON of tasks with annotations, and its flat exports (JSON-MIN, CSV, TSV)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tl_core.data.cells.label_cells import read_label
from tl_core.data.formats.annotations import Answer, Item, chosen, settled
from tl_core.data.formats.cells import (
    is_short,
    names,
    objects,
    parsed,
    picture_of,
    records,
    spread,
    text_of,
)
from tl_core.data.roles import column_names
from tl_core.data.tables.reading import Reading, Rows, cell

if TYPE_CHECKING:
    import pyarrow as pa

_TASK = {
    "data",
    "annotations",
    "completions",
    "predictions",
    "drafts",
    "id",
    "meta",
    "created_at",
    "updated_at",
    "project",
    "inner_id",
    "total_annotations",
    "cancelled_annotations",
    "total_predictions",
    "comment_count",
    "unresolved_comment_count",
    "last_comment_updated_at",
    "updated_by",
    "comment_authors",
    "file_upload",
    "storage_filename",
    "agreement",
    "is_labeled",
    "overlap",
    "allow_skip",
    "precomputed_agreement",
    "state",
}
_ANSWERS = ("annotations", "completions")
_KEPT = ("id", "inner_id", "project", "created_at", "updated_at")
_KEPT_FLAT: tuple[str, ...] = ("id", "annotator", "created_at", "updated_at")
_ABOUT_ROWS = ("annotator", "annotation_id", "created_at", "updated_at", "lead_time", "agreement")
_PARTS = {
    "start",
    "end",
    "x",
    "y",
    "points",
    "keypoint",
    "rle",
    "startOffset",
}  # of a mark inside an item
_KINDS = ("choices", "taxonomy", "rating")
_MARKS = (
    "The annotations mark parts of the items and give no class for the whole; in Label Studio that"
    " is what Choices are for."
)


def tasks(
    head: pa.Table,
    rows: Iterator[Rows],
    reading: Reading,
    chunk_rows: int,
) -> Iterator[Rows] | None:
    """The rows of a JSON export or of tasks yet to be annotated; None when it is something else."""
    columns = set(head.column_names)
    if "data" not in columns or not ({*_ANSWERS, "predictions"} & columns or columns <= _TASK):
        return None
    if not all(
        isinstance(parsed(value), dict) for value in head.column("data").slice(0, 20).to_pylist()
    ):
        return None
    reading.format = "Label Studio JSON"
    plain = not {*_ANSWERS, "predictions"} & columns
    return settled(
        (_task(number, record, reading, plain=plain) for number, record in records(rows)),
        reading,
        chunk_rows,
    )


def _task(number: int, record: dict[str, str], reading: Reading, *, plain: bool) -> Item:
    fields = parsed(record["data"])
    data = {key: cell(value) for key, value in fields.items()} if isinstance(fields, dict) else {}
    extra = {name: record[name] for name in _KEPT if record.get(name)}
    spread(extra, parsed(record.get("meta", "")), "meta")
    item = Item(number, data, extra)
    given = [
        one
        for name in _ANSWERS
        for one in objects(parsed(record.get(name, "")))
        if not one.get("was_cancelled") and not one.get("skipped")
    ]
    given = [
        one for one in given if one.get("ground_truth")
    ] or given  # a reviewer's word stands above the others
    who: list[str] = []
    for place, one in enumerate(given):
        answers, marks = _chosen(one.get("result"))
        if marks and not answers:
            reading.doubt(_MARKS)
        annotator = _person(one.get("completed_by")) or str(place)
        who += [annotator] if one.get("completed_by") is not None else []
        for question, labels in answers.items():
            item.answers.setdefault(question, []).append(Answer(chosen(labels), annotator))
    if who:
        extra["annotator"] = ", ".join(dict.fromkeys(who))
    if plain and (
        own := next(
            (key for key in data if column_names.joined(key) in column_names.SURE_LABELS), ""
        )
    ):
        label = data.pop(own)  # tasks that were never annotated, with a class among their data
        item.answers[own] = [Answer(chosen(read_label(label)))]
    return item


def _chosen(result: object) -> tuple[dict[str, list[str]], bool]:
    """Question to chosen names in one annotation, and whether parts of the item are marked in
    it.
    """
    choices: dict[str, list[str]] = {}
    marks = False
    for one in objects(result):
        value = one.get("value")
        if not isinstance(value, dict):
            continue
        if _PARTS & value.keys():
            marks = True
            continue
        kind = next((kind for kind in _KINDS if kind in value), "")
        if kind:
            choices.setdefault(str(one.get("from_name") or "label"), []).extend(names(value[kind]))
    return choices, marks


def _person(annotator: object) -> str:
    if isinstance(annotator, dict):
        return cell(annotator.get("email") or annotator.get("id"))
    return cell(annotator)


def flat(
    head: pa.Table,
    rows: Iterator[Rows],
    reading: Reading,
    chunk_rows: int,
) -> Iterator[Rows] | None:
    """The rows of a flat export, of which each is one annotation; None when it is something
    else.
    """
    columns = head.column_names
    if (
        "annotation_id" not in columns
        or len({"annotator", "lead_time", "updated_at", "created_at"} & {*columns}) < 2
    ):
        return None
    reading.format = "Label Studio, flat export"
    return settled(_grouped(rows, reading), reading, chunk_rows)


def _grouped(rows: Iterator[Rows], reading: Reading) -> Iterator[Item]:
    """One item for all rows of a task, wherever they stand; the whole export is held, as that of
    JSON is.
    """
    held: list[tuple[int, dict[str, str]]] = []
    signs = 0
    for number, record in records(rows):
        signs += sum(map(len, record.values()))
        if signs > reading.limits.json_bytes:
            raise ValueError(
                f"an export of Label Studio may have {reading.limits.json_bytes >> 20} MB"
            )
        held.append((number, record))
    main, data, questions = _roles([record for _, record in held])
    items: dict[tuple[str, str], Item] = {}
    for number, record in held:
        own = {name: record.get(name, "") for name in data}
        # the task's number alone will not do where the exports of two projects were put together
        key = (record.get("id", "") or f"row {number}", record.get(main, ""))
        item = items.get(key)
        if item is None:
            item = items[key] = Item(
                number, own, {name: record[name] for name in _KEPT_FLAT if name in record}
            )
        elif record.get("annotator"):
            people = item.extra.get("annotator", "").split(", ")
            item.extra["annotator"] = ", ".join(dict.fromkeys([*people, record["annotator"]]))
        for name in questions:
            answer = record.get(name, "")
            item.answers.setdefault(name, []).append(
                Answer(_labels(answer), record.get("annotator", ""))
            )
            if any(f'"{part}"' in answer for part in _PARTS):
                reading.doubt(_MARKS)
    yield from items.values()


def _labels(answer: str) -> tuple[str, ...]:
    parts = objects(parsed(answer))
    if parts:
        given = [part[kind] for part in parts for kind in _KINDS if kind in part]
        lists = [value if isinstance(value, list) else [value] for value in given]
        return chosen(names([one for several in lists for one in several]))
    return chosen(name.strip() for name in read_label(answer))


def _roles(held: list[dict[str, str]]) -> tuple[str, list[str], list[str]]:
    """The column of the text or picture, all columns of the tasks, and those of the answers.

    An answer stands behind the task's id and before the annotator, unless the columns were sorted;
    it is an object where several choices were made; it may differ between annotators of one task,
    what the task holds may not.
    """
    columns = list(dict.fromkeys(name for record in held for name in record))
    free = [name for name in columns if name not in _ABOUT_ROWS and name != "id"]
    cells = {name: [record.get(name, "") for record in held] for name in free}
    ordered = columns != sorted(columns)
    before = columns[: columns.index("id")] if ordered and "id" in columns else []
    inputs = {name: values for name, values in cells.items() if not _is_answer(values)}
    main = (
        picture_of(cells)
        or text_of({name: inputs[name] for name in before if name in inputs})
        or text_of(inputs)
    )
    behind = _between(columns, "id", "annotator") if ordered else []
    questions = [
        name
        for name in free
        if name != main
        and (name in behind or _is_answer(cells[name]) or _differs(held, name, main))
    ]
    if not questions:  # sorted by name, all annotators agree
        known = [
            name
            for name in free
            if name != main and column_names.joined(name) in column_names.LABEL_NAMES
        ]
        rest = [name for name in free if name != main and _repeats(cells[name])]
        questions = known[:1] or rest[:1]
    return main, [name for name in free if name not in questions], questions


def _between(columns: list[str], first: str, last: str) -> list[str]:
    if first not in columns or last not in columns:
        return []
    return columns[columns.index(first) + 1 : columns.index(last)]


def _is_answer(values: list[str]) -> bool:
    return any(
        '"choices"' in value or '"taxonomy"' in value
        for value in values
        if value.startswith(("{", "["))
    )


def _differs(held: list[dict[str, str]], name: str, main: str) -> bool:
    """Whether two rows of one task hold different things there."""
    first: dict[tuple[str, str], str] = {}
    return any(
        first.setdefault((record["id"], record.get(main, "")), record.get(name, ""))
        != record.get(name, "")
        for record in held
        if record.get("id")
    )


def _repeats(values: list[str]) -> bool:
    filled = [value for value in values if value.strip()]
    return bool(filled) and is_short(filled) and len(set(filled)) <= max(2, len(filled) // 2)
