"""Tables written as JSON or as JSON lines."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from tl_core.data.formats import explains, shapes
from tl_core.data.formats.cells import Json, parsed
from tl_core.data.roles import column_names
from tl_core.data.tables.encodings import Coding, Utf8, check_encoding, sniff_coding
from tl_core.data.tables.reading import Reading, Rows, cell, framed

_HEAD = 100
_READ = json.JSONDecoder(parse_constant=lambda _: None)  # NaN and Infinity are missing values
_NAMES = frozenset((*column_names.TEXT_NAMES, *column_names.IMAGE_NAMES)) - {"id"}


def read_json(path: Path, reading: Reading, rows: int) -> Iterator[Rows]:
    """A list of objects, whatever stands around it, one of the other shapes of a table, or JSON
    lines.
    """
    coding = _coding(path, reading)
    if _starts_with_a_record(path, coding, reading.limits.row_bytes):
        yield from _lines(path, coding, reading, rows)
        return
    with _opened(path, coding) as handle:
        if path.stat().st_size > reading.limits.json_bytes:
            raise ValueError(
                f"a JSON list may have {reading.limits.json_bytes >> 20} MB; JSONL has no such"
                " limit"
            )
        content = _values(handle.read())
    yield from with_doubts(
        framed(shapes.strings(shapes.records_of(content, reading)), reading, rows), reading
    )


def read_jsonl(path: Path, reading: Reading, rows: int) -> Iterator[Rows]:
    """One object a line; a list that was only named so is read as one."""
    coding = _coding(path, reading)
    with _opened(path, coding) as handle:
        listed = handle.read(4096).lstrip().startswith("[")
    yield from read_json(path, reading, rows) if listed else _lines(path, coding, reading, rows)


def _lines(path: Path, coding: Coding, reading: Reading, rows: int) -> Iterator[Rows]:
    with _opened(path, coding) as handle:
        yield from with_doubts(framed(_json_lines(handle, reading), reading, rows), reading)


def _coding(path: Path, reading: Reading) -> Coding:
    named = check_encoding(reading.encoding)
    return Coding(named, broken=True) if named else sniff_coding(path)


def _opened(path: Path, coding: Coding) -> IO[str]:
    if coding.plain:
        return path.open(encoding="utf-8-sig", errors="replace")
    return io.TextIOWrapper(
        io.BufferedReader(Utf8(path, coding), 1 << 20), encoding="utf-8", errors="replace"
    )


def _starts_with_a_record(path: Path, coding: Coding, top: int) -> bool:
    """Whether the first line is an object of its own and more follows below it."""
    with _opened(path, coding) as handle:
        lines = (line for line in iter(lambda: handle.readline(top), "") if line.strip())
        line = next(lines, "")
        if not line.lstrip().startswith("{") or not next(lines, ""):
            return False
    try:
        return isinstance(_READ.decode(line.strip().removesuffix(",")), dict)
    except (ValueError, RecursionError):
        return False


def _values(text: str) -> Json:
    """The JSON value of a text, or the list of those that stand in it one after the other."""
    values: list[Json] = []
    place = 0
    while True:
        while (
            place < len(text) and text[place] in " \t\r\n,\ufeff" and (values or text[place] != ",")
        ):
            place += 1
        if place >= len(text):
            break
        value, place = _READ.raw_decode(text, place)
        values.append(value)
    if not values:
        raise ValueError("it holds nothing but blanks")
    return values[0] if len(values) == 1 else values


def _json_lines(handle: IO[str], reading: Reading) -> Iterator[tuple[int, dict[str, str]]]:
    number, top = 0, reading.limits.row_bytes
    while line := handle.readline(top):
        if len(line) >= top and not line.endswith("\n"):
            raise ValueError(f"line {number + 1} is longer than {top >> 20} MB")
        if not line.strip():
            continue
        number += 1
        try:
            record = _READ.decode(line.strip().removesuffix(","))
        except (ValueError, RecursionError) as error:
            reading.leave_out(number, f"it is not JSON ({str(error)[:80]})")
            continue
        if isinstance(record, dict):
            yield number, {str(key): cell(value) for key, value in record.items()}
        else:
            reading.leave_out(number, "it is not an object in curly braces")


def with_doubts(rows: Iterator[Rows], reading: Reading) -> Iterator[Rows]:
    """The rows as they are; where their columns hold nested data that no format explains, it is
    said so.
    """
    first = next(rows, None)
    if first is None:
        return
    nested = _nested(first)
    if nested and not explains(first):
        reading.doubt(
            f"Some columns hold nested data ({', '.join(nested[:6])}); export it flat (CSV or"
            " JSON-MIN) for better columns."
        )
    yield first
    yield from rows


def _nested(first: Rows) -> list[str]:
    """Columns nested deeper than one level; all with objects in them where no plain column can be
    the text.
    """
    deep: list[str] = []
    any_level: list[str] = []
    plain = False
    for name in first.cells.column_names:
        values = [
            parsed(value) for value in first.cells.column(name).slice(0, _HEAD).to_pylist() if value
        ]
        plain = plain or (
            column_names.joined(name) in _NAMES and any(value is None for value in values)
        )
        inner = [
            one
            for value in values
            if value is not None
            for one in (value.values() if isinstance(value, dict) else value)
        ]
        if any(isinstance(one, dict | list) for one in inner):
            deep.append(name)
        if any(isinstance(value, dict) for value in values):
            any_level.append(name)
    return deep if plain else list(dict.fromkeys(deep + any_level))
