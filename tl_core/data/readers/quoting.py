"""Whether quotation marks in a delimited file enclose cells or belong to the texts, decided over
the whole file.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tl_core.data.tables.encodings import blocks

_BLOCK = 4 << 20
_LONGEST = 8 << 20
_FEW = 0.05
_MANY_ROWS = 5  # that look alike, where no cell is a known value
_LINES = 100  # of one text, in a file of one column
_NEWLINE, _RETURN, _QUOTE = 10, 13, 34
_WHOLE = re.compile(r'"(?:[^"]|"")*"')

Opened = Callable[[bool], io.BufferedReader]  # the file as UTF-8; with True, \" in it is written ""


class Shape(NamedTuple):
    """How a row of the file usually looks."""

    separator: str
    width: int
    longest: tuple[int, ...]  # signs of the longest cell of each column
    values: tuple[frozenset[str], ...]  # of each column that has few of them
    spaced: bool  # separators are followed by a blank
    above: int  # rows before the first of data


class Quoting(NamedTuple):
    """What was decided; `escaped` when marks in cells stand behind a backslash."""

    quotes: bool
    escaped: bool = False


def shape_of(rows: list[list[str]], separator: str, above: int) -> Shape:
    """The shape that most rows of a sample have; `above` counts what comes before the first row of
    data.
    """
    width = Counter(map(len, rows)).most_common(1)[0][0] if rows else 1
    whole = [row for row in rows if len(row) == width]
    longest = tuple(max((len(row[place]) for row in whole), default=0) for place in range(width))
    values = tuple(
        frozenset(column) if 2 * len(set(column)) <= len(column) else frozenset()
        for column in zip(*whole[1:], strict=True)
    )
    spaced = any(cell.startswith(" ") for row in whole for cell in row[1:])
    return Shape(separator, width, longest, values, spaced, above)


def decide(opened: Opened, shape: Shape, suffix: str, *, escapes: bool) -> Quoting:
    """The reading that damages the fewest rows; where both do equally well and a mark is out of
    place, the literal one.

    Raises:
        ValueError: when a quotation mark swallows whole rows and no other reading is better.
    """
    ways = (False, True)[: 1 + escapes]
    if shape.width < 2:
        return next(
            (
                Quoting(True, escaped)
                for escaped in ways
                if _encloses_lines(opened, escaped, suffix)
            ),
            Quoting(False),
        )
    for escaped in ways:
        with opened(escaped) as handle:
            if _is_tidy(handle, shape):
                return Quoting(True, escaped)
    return _fewest_damaged(opened, shape, escapes=escapes)


def halves(opened: Opened) -> bool:
    """Whether every backslash is doubled or stands before a mark: then two of them mean one."""
    with opened(False) as handle:
        return not any(
            b"\\" in block.replace(b"\\\\", b"").replace(b'\\"', b"") for block in blocks(handle)
        )


def _fewest_damaged(opened: Opened, shape: Shape, *, escapes: bool) -> Quoting:
    with opened(False) as handle:
        counts = _literally(handle, shape)
    fits = counts.damaged_marked <= _FEW * counts.marked
    if fits and 2 * counts.marked >= counts.lines:
        with opened(escapes) as handle:
            fits = 2 * _enclosed(handle, shape) < counts.lines
    if fits and not counts.damaged_marked:
        return Quoting(False)
    readings = []
    for escaped in (False, True)[: 1 + escapes]:
        with opened(escaped) as handle:
            readings.append((*_damaged_quoted(handle, shape), escaped))
    damaged, swallowed, escaped = min(readings, key=lambda one: (one[0], not one[2]))
    if fits and counts.damaged <= damaged:
        return Quoting(False)
    if swallowed:
        raise ValueError(swallowed)
    return Quoting(True, escaped)


def _is_tidy(handle: io.BufferedReader, shape: Shape) -> bool:
    """Whether every mark stands where quoting puts it, and none may have swallowed whole rows."""
    left = b""
    while True:
        chunk = handle.read(_BLOCK)
        whole = left + (chunk or b"\n" * bool(left))
        if b"\n" not in whole:
            whole = whole.replace(b"\r", b"\n")  # old Mac
        signs = np.frombuffer(whole, np.uint8)
        marks = np.flatnonzero(signs == _QUOTE)
        ends = np.flatnonzero(signs == _NEWLINE)
        outside = ends[np.searchsorted(marks, ends) % 2 == 0]
        cut = int(outside[-1]) + 1 if len(outside) else 0
        left = whole[cut:]
        if len(left) > _LONGEST or not _is_tidy_block(
            whole[:cut], signs[:cut], marks[marks < cut], ends, shape
        ):
            return False
        if not chunk:
            return not left


def _is_tidy_block(
    block: bytes,
    signs: NDArray[np.uint8],
    marks: NDArray[np.intp],
    ends: NDArray[np.intp],
    shape: Shape,
) -> bool:
    if not len(marks):
        return True
    opening, closing = marks[::2], marks[1::2]
    before = signs[opening - 1]
    before[0] = before[0] if opening[0] else _NEWLINE
    after = signs[closing + 1]
    allowed = (_NEWLINE, _RETURN, _QUOTE, ord(shape.separator))
    if not (np.isin(before, allowed).all() and np.isin(after, allowed).all()):
        return False
    starts, stops = opening[before != _QUOTE], closing[after != _QUOTE]
    lines = np.searchsorted(ends, stops) - np.searchsorted(ends, starts)
    return not any(
        _are_rows(
            _text_lines(block[starts[place] : stops[place]].decode("utf-8", "replace"))[1:-1], shape
        )
        for place in np.flatnonzero(lines >= 2)
    )


def _are_rows(lines: list[str], shape: Shape) -> bool:
    """Whether lines from the inside of a cell look like rows of the file, not like lines of a
    text.
    """
    rows = [line.split(shape.separator) for line in lines]
    for cells in rows:
        if len(cells) != shape.width or (
            not shape.spaced and any(cell.startswith(" ") for cell in cells[1:])
        ):
            return False
        if any(
            len(cell) > 2 * longest + 8 for cell, longest in zip(cells, shape.longest, strict=True)
        ):
            return False
    known = [
        sum(cells[place] in values for cells in rows)
        for place, values in enumerate(shape.values)
        if values
    ]
    return bool(rows) and (
        len(rows) >= _MANY_ROWS or any(2 * count >= len(rows) for count in known)
    )


def _text_lines(cell: str) -> list[str]:
    return cell.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _enclosed(handle: io.BufferedReader, shape: Shape) -> int:
    """Lines of well-formed quoted cells. Where most are, a program put the marks there, whatever is
    wrong elsewhere.
    """
    separator = re.escape(shape.separator)
    cells = re.compile(f'(?:^|(?<={separator}))"(?:[^"\n]|"")*"(?={separator}|$)', re.MULTILINE)
    tidy = 0
    for block in blocks(handle):
        text = cells.sub("\0", block.decode("utf-8", "replace"))
        tidy += sum("\0" in line and '"' not in line for line in text.split("\n"))
    return tidy


class _Literal(NamedTuple):
    """Lines, were all marks part of the texts; damaged ones have another number of cells."""

    lines: int
    damaged: int
    marked: int
    damaged_marked: int


def _literally(handle: io.BufferedReader, shape: Shape) -> _Literal:
    lines = damaged = marked = both = 0
    for block in blocks(handle):
        signs = np.frombuffer(block, np.uint8)
        ends = np.flatnonzero(signs == _NEWLINE)
        filled = np.diff(ends, prepend=-1) > 1
        wrong = (_each(signs, ord(shape.separator), ends) + 1 != shape.width) & filled
        marks = _each(signs, _QUOTE, ends) > 0
        lines += int(filled.sum())
        damaged += int(wrong.sum())
        marked += int(marks.sum())
        both += int((wrong & marks).sum())
    return _Literal(lines, damaged, marked, both)


def _each(signs: NDArray[np.uint8], sign: int, ends: NDArray[np.intp]) -> NDArray[np.intp]:
    """How often a sign stands in each line."""
    return np.diff(np.searchsorted(np.flatnonzero(signs == sign), ends), prepend=0)


def _damaged_quoted(handle: io.BufferedReader, shape: Shape) -> tuple[int, str]:
    """Lines lost to a wrong number of cells or swallowed by a cell, and what to say of the first
    that swallows.
    """
    reader = csv.reader(_lines(handle), delimiter=shape.separator)
    damaged, last, number, said = 0, 0, 0, ""
    try:
        for row in reader:
            height, last = reader.line_num - last, reader.line_num
            number += bool(row)
            inner = _swallowed(row, shape) if height > 2 else 0
            damaged += inner if inner else height if row and len(row) != shape.width else 0
            if inner and not said:
                said = (
                    f"A quotation mark is opened in row {number - shape.above:,} (line"
                    f" {last - height + 1:,}) and closed only {height - 1:,} lines later, so that"
                    " whole rows would become one text"
                )
    except csv.Error:  # a cell that never ends: the parser says so in its own words
        pass
    return damaged, said


def _swallowed(row: list[str], shape: Shape) -> int:
    """How many lines a cell of `row` holds that should be rows of their own."""
    for place, cell in enumerate(row):
        lines = _text_lines(cell)
        ends = (place + lines[0].count(shape.separator), lines[-1].count(shape.separator))
        if _are_rows(lines[1:-1], shape) and (
            len(row) != shape.width or ends == (shape.width - 1, place)
        ):
            return len(lines) - 1
    return 0


def _encloses_lines(opened: Opened, escaped: bool, suffix: str) -> bool:
    """Whether marks enclose whole texts in a file of one column.

    A program quotes each line, or just those that need it: then no bare line holds a mark or a
    separator.
    """
    separator = {".csv": ",", ".tsv": "\t"}.get(suffix, "")
    bare, needless = 0, False
    with opened(escaped) as handle:
        for cell in _cells(handle):
            if not cell.startswith('"'):
                bare += bool(cell)
                if '"' in cell or any(sign in cell for sign in separator or ",;\t"):
                    return False
            elif not _WHOLE.fullmatch(cell):
                return False
            else:
                needless |= not any(sign in cell[1:-1] for sign in ',;"\n\r\t')
    return bool(separator) or bare <= 1 or not needless


def _cells(handle: io.BufferedReader) -> Iterator[str]:
    """Lines, or several where a mark opens one and a later one closes it; what is open for too long
    ends there.
    """
    parts: list[str] = []
    odd, length = False, 0
    for line in _lines(handle):
        if not parts and not line.startswith('"'):
            yield line.rstrip("\r\n")
            continue
        parts.append(line)
        odd ^= line.count('"') % 2 == 1
        length += len(line)
        if not odd or len(parts) > _LINES or length > _LONGEST:
            yield "".join(parts).rstrip("\r\n")
            parts, odd, length = [], False, 0
    if parts:
        yield "".join(parts)


def _lines(handle: io.BufferedReader) -> Iterator[str]:
    """Lines with their ends; what is longer than a row may be comes in pieces."""
    with io.TextIOWrapper(handle, "utf-8", "replace", newline="") as text:
        while line := text.readline(_LONGEST):
            yield line
