"""Delimited files written in ways that no parser takes as they are, brought into plain CSV:
separators of several signs, single quotation marks, rows that are quoted as a whole, and blanks
between quoted cells.
"""

from __future__ import annotations

import csv
import io
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from tl_core.data.readers.headers import is_known
from tl_core.data.tables.encodings import Coding, Utf8, check_encoding, sniff_coding

_HEAD, _LINES = 64 << 10, 200
_FEWEST = 3
_LONG = (":::", "###", "_!_", "::", "##", "~~", "^^", "$$", "@@", "<>")
_ONE = ",\t;|"
_NEARLY_ALL = 0.95
_CELL = r"""(?:"(?:[^"\\]|\\.|"")*"|[^\s"]+)"""
_BLANKS = re.compile(rf"{_CELL}(?: +{_CELL})+")
_Cut = Callable[[Iterator[str]], Iterator[list[str]]]


class _Way(NamedTuple):
    """How a file is written, in words, and how its lines become cells."""

    words: str
    cut: _Cut


@contextmanager
def plain_table(path: Path, encoding: str) -> Iterator[tuple[Path, str]]:
    """The file itself, or a copy as plain CSV for as long as it is read, with a sentence that says
    so.
    """
    way = _recognised(path)
    if way is None:
        yield path, ""
        return
    coding = Coding(check_encoding(encoding), broken=True) if encoding else sniff_coding(path)
    csv.field_size_limit(16 << 20)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "table.csv"
        with (
            io.TextIOWrapper(
                io.BufferedReader(Utf8(path, coding), 1 << 20),
                encoding="utf-8",
                errors="replace",
                newline="",
            ) as source,
            copy.open("w", encoding="utf-8", newline="") as target,
        ):
            writer = csv.writer(target, lineterminator="\n")
            writer.writerows(row for row in way.cut(source) if row)
        yield copy, f"{path.name!r} is written with {way.words}."


def _recognised(path: Path) -> _Way | None:
    with path.open("rb") as handle:
        head = handle.read(_HEAD)
        more = bool(handle.read(1))
    if b"\0" in head:  # UTF-16 and binary files
        return None
    text = head.decode("utf-8", "replace").removeprefix("\ufeff")
    lines = [line for line in text.splitlines() if line.strip()]
    lines = (lines[:-1] if more else lines)[:_LINES]
    if len(lines) < _FEWEST:
        return None
    return _wrapped(lines) or _single(lines) or _blank(lines) or _long(lines)


def _widths(rows: list[list[str]]) -> bool:
    """Whether all rows have the same number of cells, more than one."""
    return len({len(row) for row in rows}) == 1 and len(rows[0]) > 1


def _wrapped(lines: list[str]) -> _Way | None:
    """Quotation marks around whole rows, as where a CSV was saved as a CSV of one column."""
    body = lines[1:]
    if not all(line.startswith('"') and line.rstrip().endswith('"') for line in body):
        return None
    try:
        outer = list(csv.reader(lines, strict=True))
    except csv.Error:  # marks stand inside the rows, around cells
        return None
    if len(outer) != len(lines) or any(len(row) != 1 for row in outer[1:]):
        return None
    first = outer[0][0] if len(outer[0]) == 1 else lines[0]
    for separator in _ONE:
        rows = [
            next(csv.reader([row], delimiter=separator), [])
            for row in (first, *(row[0] for row in outer[1:]))
        ]
        if _widths(rows) and any(map(is_known, rows[0])):
            return _Way("quotation marks around whole rows", partial(_unwrap, separator=separator))
    return None


def _unwrap(lines: Iterator[str], separator: str) -> Iterator[list[str]]:
    for row in csv.reader(lines):
        inner = next(csv.reader([row[0]], delimiter=separator), []) if len(row) == 1 else row
        yield inner


def _single(lines: list[str]) -> _Way | None:
    """Single quotation marks around cells."""
    body = lines[1:]
    if sum(
        line.startswith("'") or line.rstrip().endswith("'") for line in body
    ) < _NEARLY_ALL * len(body):
        return None
    for separator in _ONE:
        cell = rf"(?:'(?:[^'\\]|''|\\.)*'|[^'{re.escape(separator)}]*)"
        form = re.compile(rf"{cell}(?:{re.escape(separator)} ?{cell})+")
        if sum(form.fullmatch(line.rstrip()) is not None for line in body) < _NEARLY_ALL * len(
            body
        ):
            continue
        rows = list(_singles(iter(lines), separator))
        if _widths(rows):
            return _Way(
                "single quotation marks around its cells", partial(_singles, separator=separator)
            )
    return None


def _singles(lines: Iterator[str], separator: str) -> Iterator[list[str]]:
    return csv.reader(
        (line.replace("\\'", "''") for line in lines),
        delimiter=separator,
        quotechar="'",
        skipinitialspace=True,
    )


def _blank(lines: list[str]) -> _Way | None:
    """Blanks between quoted cells, as R writes tables."""
    if not all('"' in line for line in lines) or not all(
        _BLANKS.fullmatch(line.rstrip()) for line in lines
    ):
        return None
    rows = list(_blanks(iter(lines)))
    if (
        not _widths(rows[1:])
        or len(rows[1]) - len(rows[0]) not in (0, 1)
        or any(cell.startswith((",", ";", "\t")) for row in rows for cell in row)
    ):
        return None
    return _Way("blanks between its cells", _blanks)


def _blanks(lines: Iterator[str]) -> Iterator[list[str]]:
    rows = csv.reader(
        (line.replace('\\"', '""') for line in lines), delimiter=" ", skipinitialspace=True
    )
    first = next(rows, [])
    second = next(rows, [])
    yield (
        ["", *first] if len(second) == len(first) + 1 else first
    )  # R gives the column of row names no name
    yield second
    yield from rows


def _long(lines: list[str]) -> _Way | None:
    """A separator of several signs that comes equally often in nearly every line."""
    for separator in _LONG:
        usual = lines[0].count(separator)
        if not usual or sum(line.count(separator) == usual for line in lines) < _NEARLY_ALL * len(
            lines
        ):
            continue
        if not all(
            cell.strip() for cell in lines[0].split(separator)
        ):  # headings and other marks of texts
            continue
        others = [one for one in _ONE if one not in separator]
        if any(
            lines[0].count(one) >= usual and len({line.count(one) for line in lines}) == 1
            for one in others
        ):
            continue
        return _Way(
            f"{separator!r} between its cells", partial(_cut, separator=separator, most=usual)
        )
    return None


def _cut(lines: Iterator[str], separator: str, most: int) -> Iterator[list[str]]:
    for line in lines:
        if line.strip():
            yield [cell.strip() for cell in line.rstrip("\r\n").split(separator, most)]
