"""The rows of a sheet as they stream by, with what its XML says beside the cells: merged regions
and formulas.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from tl_core.data.readers.workbook_cells import shown
from tl_core.data.readers.workbook_header import Layout, Line
from tl_core.errors import DataError

if TYPE_CHECKING:
    from openpyxl.cell.read_only import ReadOnlyCell
    from openpyxl.worksheet._read_only import ReadOnlyWorksheet

_MOST_ROWS, _MOST_COLUMNS = 1 << 20, 1 << 14
_MOST_MERGED = 500_000
_NOTHING: frozenset[int] = frozenset()
_ERRORS = frozenset(
    (
        "#N/A",
        "#DIV/0!",
        "#REF!",
        "#VALUE!",
        "#NAME?",
        "#NUM!",
        "#NULL!",
        "#NV",
        "#BEZUG!",
        "#WERT!",
        "#ZAHL!",
        "#SPILL!",
        "#CALC!",
        "#GETTING_DATA",
    )
)
_PART = re.compile(
    rb"""
    <(?:\w+:)?mergeCell\s[^<>]*?ref\s*=\s*["']([A-Z]{1,3}\d{1,7}:[A-Z]{1,3}\d{1,7})["'] |
    <(?:\w+:)?c\s([^<>]*)>\s*<(?:\w+:)?f\b(?:[^<>]*/>|[^<>]*>[^<]*</(?:\w+:)?f>)
        \s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>([^<]*)</(?:\w+:)?v>)?\s*</(?:\w+:)?c>""",
    re.VERBOSE,
)
_LONGEST = 64 << 10


class Region(NamedTuple):
    """A merged region; rows count from 1, columns from 0."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass
class Marks:
    """What the XML of a sheet tells beside its values, and what was met while reading it."""

    regions: list[Region] = field(default_factory=list)
    formulas: Counter[int] = field(default_factory=Counter)  # column to number of formulas
    unvalued: Counter[int] = field(default_factory=Counter)  # those without a value
    zeros: Counter[int] = field(default_factory=Counter)  # those whose value is 0
    errors: Counter[str] = field(default_factory=Counter)
    written: Counter[str] = field(default_factory=Counter)  # texts that read like an error
    downwards: bool = False


def marks(sheet: ReadOnlyWorksheet) -> Marks:
    """Look through a sheet's XML once, without taking it apart.

    Raises:
        ValueError: for more merged regions than any sheet has.
    """
    seen, rest = Marks(), b""
    with sheet.parent._archive.open(sheet._worksheet_path) as part:
        while block := part.read(1 << 20):
            block, last = rest + block, 0
            if b"mergeCell" in block or b"<f" in block or b":f" in block:
                for match in _PART.finditer(block):
                    last = match.end()
                    _mark(seen, match)
            rest = block[max(last, len(block) - _LONGEST) :]
    seen.regions.sort()
    return seen


def _mark(seen: Marks, match: re.Match[bytes]) -> None:
    if match[1]:
        (left, top), (right, bottom) = (_place(corner) for corner in match[1].decode().split(":"))
        seen.regions.append(
            Region(min(top, bottom), min(left, right), max(top, bottom), max(left, right))
        )
        if len(seen.regions) > _MOST_MERGED:
            raise ValueError(f"it has over {_MOST_MERGED:,} merged cells")
        return
    at = re.search(rb"""\br\s*=\s*["']([A-Z]{1,3}\d{1,7})["']""", match[2])
    if at is None:
        return
    column = _place(at[1].decode())[0]
    is_text = re.search(rb"""\bt\s*=\s*["']str["']""", match[2]) is not None
    seen.formulas[column] += 1
    if not (match[3] or b"").strip() and not (is_text and b"<v" in match[0].replace(b":v", b"<v")):
        seen.unvalued[column] += 1
    elif match[3] == b"0" and b"t=" not in match[2]:
        seen.zeros[column] += 1


def _place(corner: str) -> tuple[int, int]:
    """Column from 0 and row from 1."""
    letters = corner.rstrip("0123456789")
    column = 0
    for letter in letters:
        column = column * 26 + ord(letter) - 64
    return column - 1, int(corner[len(letters) :])


def lines(sheet: ReadOnlyWorksheet, seen: Marks, most: int) -> Iterator[Line]:
    """The rows that show anything, every cell of a merged region with the value of its first one.

    Raises:
        ValueError: for more rows, or more merged cells in one row, than any sheet has.
    """
    # programs write wrong ones, and rows that are not there would be made up
    sheet.reset_dimensions()
    waiting, active = deque(seen.regions), list[tuple[Region, str]]()
    for number, row in enumerate(sheet.iter_rows(), 1):
        if number > _MOST_ROWS:
            raise ValueError(f"it has more than {_MOST_ROWS:,} rows")
        cells = [_text(cell, seen) for cell in row]
        if not active and not (waiting and waiting[0].top <= number):
            if any(cells):
                yield Line(number, cells)
            continue
        active = [entry for entry in active if entry[0].bottom >= number]
        while waiting and waiting[0].top <= number:
            region = waiting.popleft()
            if region.bottom >= number:
                active.append((region, cells[region.left] if region.left < len(cells) else ""))
        if sum(region.right - region.left + 1 for region, _ in active) > 2 * _MOST_COLUMNS:
            raise ValueError("its merged cells overlap")
        line = _filled(number, cells, active, most)
        if line.own():
            seen.downwards = seen.downwards or len(line.merged) > len(line.across)
            yield line


def _text(cell: ReadOnlyCell, seen: Marks) -> str:
    text = shown(cell)
    if text[:1] == "#":
        if cell.data_type == "e":
            seen.errors[text] += 1
            return ""
        if text in _ERRORS:
            seen.written[text] += 1
    return text


def _filled(number: int, cells: list[str], active: list[tuple[Region, str]], most: int) -> Line:
    merged, across = set[int](), set[int]()
    for region, text in active:
        right = min(region.right, most)
        cells += [""] * (right + 1 - len(cells))
        for place in range(region.left, right + 1):
            if number == region.top and place == region.left:
                continue
            cells[place] = text
            merged.add(place)
            if number == region.top:
                across.add(place)
    return Line(number, cells, frozenset(merged) or _NOTHING, frozenset(across) or _NOTHING)


def check_formulas(seen: Marks, plan: Layout, head: list[Line], *, calculated: bool) -> list[str]:
    """Doubts about formulas that were never calculated.

    Raises:
        DataError: when a column holds nothing but such formulas.
    """
    doubts = []
    body = head[plan.body :]
    for place, name in plan.columns.items():
        count = seen.unvalued[place]
        empty = not any(place < len(line.cells) and line.cells[place] for line in body)
        if count and empty and count * 2 >= len(body):
            raise DataError(
                f"The column {name!r} holds formulas without values.",
                "The workbook was written by a program and never calculated.",
                "Open it in Excel or LibreOffice, save it there and bring that copy.",
            )
        if count:
            doubts.append(
                f"{count:,} cell(s) of the column {name!r} hold formulas without values and count"
                " as empty. Open the workbook in Excel or LibreOffice and save it there, so that"
                " it holds values."
            )
        elif not calculated and seen.zeros[place] == seen.formulas[place] > 1:
            doubts.append(
                f"All formulas of the column {name!r} have the value 0, as in a workbook that was"
                " never calculated. Open it in Excel or LibreOffice and save it there."
            )
    return doubts
