"""Answers on their way to a file: kept window by window, so that a kill costs one window, then
written as one table.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tl_core.data.label_sets import said_of
from tl_core.json_files import find_object
from tl_core.predict.one_item import Item
from tl_core.predict.predictor import NumberFormat, Predictor
from tl_core.storage import remove_tree

SUFFIXES = (".csv", ".parquet")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_JOURNAL = "journal.json"


class Journal(TypedDict, total=False):
    """What is kept beside the windows: whose they are, and the number format of all of them."""

    identity: dict[str, object]
    chosen: NumberFormat


@dataclass
class Counts:
    """Rows of a file, and those of them that have an error instead of an answer."""

    rows: int = 0
    errors: int = 0


class Answers:
    """Windows of answers in a folder beside the file that they will become.

    Args:
        out: the file; what is finished lies in `<out>.parts` until `write`.
        identity: of model, source and settings; finished windows of another identity are thrown
        away.
        key: what items are called: row or file.
        model: whose answers they are.
    """

    def __init__(
        self, out: Path, identity: Mapping[str, object], key: str, model: Predictor
    ) -> None:
        self._out, self._folder = out, out.with_name(out.name + ".parts")
        self._key, self._labels, self._least = key, model.labels, model.least
        self._decision = model.decision
        if self._journal().get("identity") != identity:
            remove_tree(self._folder)
            self._folder.mkdir(parents=True)
            self._note({"identity": {**identity}})

    @property
    def number_format(self) -> NumberFormat | None:
        """What an earlier try chose for its windows."""
        return self._journal().get("chosen")

    def keep_format(self, chosen: NumberFormat) -> None:
        """Keep the number format for a later try."""
        self._note({**self._journal(), "chosen": chosen})

    def _journal(self) -> Journal:
        return cast("Journal", find_object(self._folder / _JOURNAL))

    def _note(self, journal: Journal) -> None:
        path = self._folder / _JOURNAL
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(journal), encoding="utf-8")
        temporary.replace(path)

    def has(self, number: int) -> bool:
        """Whether window `number` is finished."""
        return self._path(number).exists()

    def keep(
        self, number: int, items: list[Item], scores: NDArray[np.float64], errors: list[str]
    ) -> None:
        """Keep a window: probabilities (items, classes), and what is wrong with those that have
        none.
        """
        good = np.array([not error for error in errors])
        answers, sure = self._decision.labels(scores), self._decision.confidence(scores)
        columns: dict[str, pa.Array] = {
            self._key: pa.array([item.name for item in items]),
            "label" if answers.ndim == 1 else "labels": pa.array(
                said_of(self._labels, answers), pa.string(), mask=~good
            ),
            "confidence": pa.array(sure, mask=~good),
            "abstain": pa.array(sure < self._least, mask=~good),
        }
        columns |= {
            f"p:{name}": pa.array(scores[:, i], mask=~good) for i, name in enumerate(self._labels)
        }
        columns["error"] = pa.array(errors, pa.string())
        for name in dict.fromkeys(name for item in items for name in item.columns):
            free = name
            while free in columns:
                free = f"input_{free}"
            columns[free] = pa.array([item.columns.get(name, "") for item in items], pa.string())
        temporary = self._path(number).with_suffix(".tmp")
        pq.write_table(pa.table(columns), temporary)
        temporary.replace(self._path(number))

    def write(self, *, spreadsheet: bool) -> Counts:
        """Write the file, by its suffix as CSV or Parquet, and remove the windows.

        Args:
            spreadsheet: in a CSV, put an apostrophe before cells that a spreadsheet would run as a
            formula.
        """
        parts = sorted(self._folder.glob("*.parquet"))
        schema = pa.unify_schemas([pq.read_schema(part) for part in parts])
        temporary, counts = self._out.with_name(self._out.name + ".part"), Counts()
        tables = self._tables(parts, schema, counts)
        if self._out.suffix.lower() == ".parquet":
            with pq.ParquetWriter(temporary, schema) as writer:
                for table in tables:
                    writer.write_table(table)
        else:
            self._write_csv(temporary, tables, schema, spreadsheet=spreadsheet)
        temporary.replace(self._out)
        remove_tree(self._folder)
        return counts

    @staticmethod
    def _write_csv(
        path: Path, tables: Iterator[pa.Table], schema: pa.Schema, *, spreadsheet: bool
    ) -> None:
        words = [
            place
            for place, kind in enumerate(schema.types)
            if spreadsheet and pa.types.is_string(kind)
        ]
        with path.open("w", newline="", encoding="utf-8") as handle:
            writer = csv.writer(handle)
            writer.writerow([_guarded(name) if spreadsheet else name for name in schema.names])
            for table in tables:
                for row in zip(*(column.to_pylist() for column in table.columns), strict=True):
                    cells = [_cell(value) for value in row]
                    for place in words:
                        cells[place] = _guarded(cells[place])
                    writer.writerow(cells)

    @staticmethod
    def _tables(parts: list[Path], schema: pa.Schema, counts: Counts) -> Iterator[pa.Table]:
        """Each window with the columns of all; a column that came later is empty before."""
        for part in parts:
            table = pq.read_table(part)
            counts.rows += len(table)
            counts.errors += table.column("confidence").null_count
            for name in schema.names:
                if name not in table.column_names:
                    table = table.append_column(name, pa.array([""] * len(table), pa.string()))
            yield table.select(schema.names)

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:08d}.parquet"


def _cell(value: object) -> str:
    """A value as a CSV holds it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.9g}" if isinstance(value, float) else str(value)


def _guarded(cell: str) -> str:
    """Spreadsheets run cells that start like a formula; an apostrophe keeps them text."""
    return "'" + cell if cell.startswith(_FORMULA) and not _is_number(cell) else cell


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
