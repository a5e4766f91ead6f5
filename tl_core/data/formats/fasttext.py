"""fastText: lines of text that begin with their labels, however a reader of tables has cut them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING

from tl_core.data.formats.annotations import as_label
from tl_core.data.formats.cells import records
from tl_core.data.tables.reading import Reading, Rows, framed

if TYPE_CHECKING:
    import pyarrow as pa

_MARK = "__label__"
_LABELS = re.compile(rf"\s*((?:{_MARK}[^\s,]+[\s,]*)+)", re.DOTALL)
_NEARLY_ALL = 0.9


def lines(
    head: pa.Table,
    rows: Iterator[Rows],
    reading: Reading,
    chunk_rows: int,
) -> Iterator[Rows] | None:
    """The lines as rows with text and label; None when it is something else."""
    columns = list(head.column_names)
    lost = columns[0].startswith(_MARK)  # the first line was taken for the names of columns
    if not lost and not any(
        value.lstrip().startswith(_MARK) for value in head.column(0).slice(0, 3).to_pylist()
    ):
        return None
    first = [value for value in head.column(0).slice(0, 1000).to_pylist() if value.strip()]
    if sum(value.lstrip().startswith(_MARK) for value in first) < _NEARLY_ALL * len(first):
        return None
    reading.format = "fastText"
    reading.roles |= {"text": "text", "label": "label"}
    cut_lines = ((number + lost, list(record.values())) for number, record in records(rows))
    top: list[tuple[int, list[str]]] = [(1, columns)] if lost else []
    return framed(
        ((number, _record(cells)) for number, cells in chain(top, cut_lines)), reading, chunk_rows
    )


def _record(cells: list[str]) -> dict[str, str]:
    """Labels and text; the pieces of a line that was cut at commas are put together again."""
    while cells and not cells[-1]:
        cells = cells[:-1]
    line = ",".join(cells)
    marked = _LABELS.match(line)
    if marked is None:
        return {"text": line.strip(), "label": ""}
    labels = dict.fromkeys(re.findall(rf"{_MARK}([^\s,]+)", marked[1]))
    return {"text": line[marked.end() :].strip(), "label": as_label(labels)}
