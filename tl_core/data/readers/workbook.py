"""Excel workbooks, within the bounds that their format needs: which sheet is read, and how."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

from tl_core.data.readers.joined_rows import RULE, TOTAL, check_order, is_rule, is_total
from tl_core.data.readers.workbook_header import KNOWN, Layout, Line, layout
from tl_core.data.readers.workbook_rows import Marks, check_formulas, lines, marks
from tl_core.data.sources.names import SPLIT_NAMES, split_of, words_of
from tl_core.data.tables.reading import Reading, Rows, framed
from tl_core.errors import DataError, nearest

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.worksheet._read_only import ReadOnlyWorksheet

_RATIO_FLOOR = 64 << 20
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    SyntaxError,
    AttributeError,
    LookupError,
    TypeError,
    EOFError,
    OverflowError,
)
_HEAD, _PEEK = 200, 30
_SHEETS = 60
_SUMS = 5  # rows of sums below a table
_COVERS = frozenset(
    (
        "readme",
        "cover",
        "info",
        "information",
        "about",
        "instructions",
        "instruction",
        "notes",
        "legend",
        "contents",
        "guide",
        "guidelines",
        "help",
        "title",
        "anleitung",
        "hinweise",
        "deckblatt",
        "inhalt",
        "legende",
        "portada",
        "instrucciones",
        "couverture",
        "sommaire",
        "notice",
        "说明",
        "封面",
        "説明",
        "表紙",
    )
)


def sheet_names(path: Path) -> list[str]:
    """The sheets of an Excel file that hold anything and are not hidden; the one that is read by
    default comes first.

    Raises:
        ValueError: when it is no workbook, damaged, or over the limits.
    """
    with _opened(path, Reading()) as book:
        filled = [sheet.title for sheet in _shown(book) if _begins(sheet)]
        first = _default(book).title if filled else ""
        return [first, *(name for name in filled if name != first)] if filled else []


def split_sheets(path: Path) -> dict[str, str]:
    """Split (train, validation, test) to the sheet named after it; empty unless train and another
    one are there.

    Raises:
        ValueError: when it is no workbook, damaged, or over the limits.
    """
    with _opened(path, Reading()) as book:
        tables = {
            sheet.title: names
            for sheet in _shown(book)
            for names, rows in [_peek(sheet)]
            if names and rows
        }
    siblings = [title for title in tables if {*words_of(title)} & SPLIT_NAMES.keys()]
    by_split: dict[str, str] = {}
    for title in siblings:
        split = split_of(title, siblings)
        if split in by_split:
            return {}
        if split in ("train", "validation", "test"):
            by_split[split] = title
    if "train" not in by_split or len(by_split) < 2:
        return {}
    train = _folded(tables[by_split["train"]])
    if not all(_folded(tables[title]) & train for title in by_split.values()):
        return {}
    return {
        split: by_split[split] for split in ("train", "validation", "test") if split in by_split
    }


def _check_xlsx(path: Path, reading: Reading) -> None:
    """Refuse a workbook that unpacks to a bomb: openpyxl keeps all its different texts in memory.

    Raises:
        ValueError: when it is not a workbook, or over the limits.
    """
    limits = reading.limits
    try:
        with zipfile.ZipFile(path) as parts:
            members = parts.infolist()
    except (zipfile.BadZipFile, OSError, NotImplementedError) as error:
        raise ValueError(f"it is not a real Excel file ({error})") from error
    if "[Content_Types].xml" not in {part.filename for part in members}:
        raise ValueError("it is a zip, but not an Excel file")
    for part in members:
        top = (
            limits.strings_bytes
            if part.filename.lower().endswith(("sharedstrings.xml", "styles.xml"))
            else limits.sheet_bytes
        )
        if part.file_size > top or (
            part.file_size > _RATIO_FLOOR
            and part.file_size > limits.zip_ratio * max(1, part.compress_size)
        ):
            raise ValueError(
                f"its part {part.filename[:60]!r} unpacks to {part.file_size / 1e6:,.0f} MB, as a"
                " zip bomb does"
            )


@contextmanager
def _opened(path: Path, reading: Reading) -> Iterator[Workbook]:
    """A workbook, opened to be streamed; whatever is broken in it is said in one kind of error."""
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    _check_xlsx(path, reading)
    with path.open("rb") as handle:  # by its name it would be refused where that ends in .csv
        try:
            book = openpyxl.load_workbook(handle, read_only=True, data_only=True)
        except (InvalidFileException, OSError, *_DAMAGE) as error:
            raise ValueError(f"it is not a real Excel file ({error})") from error
        try:
            yield book
        except _DAMAGE as error:
            raise ValueError(f"a sheet is damaged ({error})") from error
        finally:
            book.close()


def read_xlsx(path: Path, reading: Reading, rows: int) -> Iterator[Rows]:
    """The rows of one sheet as a person sees them.

    Raises:
        ValueError: when the workbook is damaged, empty or over the limits.
        DataError: for a sheet that is not there, or a column of formulas that were never
        calculated.
    """
    with _opened(path, reading) as book:
        sheet = _named(book, reading.sheet) if reading.sheet else _default(book)
        seen = marks(sheet)
        stream = lines(sheet, seen, reading.limits.columns)
        head = list(islice(stream, _HEAD))
        if not head:
            raise ValueError(f"its sheet {sheet.title!r} is empty")
        plan = layout(head, reading.header, reading.limits.columns)
        doubts = check_formulas(seen, plan, head, calculated=not _is_uncalculated(book))
        for sentence in plan.notes:
            reading.note(sentence)
        for sentence in (*plan.doubts, *doubts):
            reading.doubt(sentence)
        if not reading.sheet:
            _tell_others(book, sheet, plan, reading)
        yield from framed(_records(chain(head[plan.body :], stream), plan, reading), reading, rows)
        _tell(seen, reading)


def _records(
    body: Iterator[Line], plan: Layout, reading: Reading
) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows below the header, without the header itself where it comes again, without headings
    between them, and without sums that stand apart below the table.
    """
    again = headings = 0
    waiting: list[Line] = []
    last = plan.origin
    for line in body:
        if waiting or (line.number - last > 1 and is_total(line.cells)):
            if len(waiting) < _SUMS and is_total(line.cells):
                waiting.append(line)
                last = line.number
                continue
            for early in waiting:
                yield _record(early, plan)
            waiting = []
        last = line.number
        if len(plan.header) > 1 and check_order(line.cells, plan.header, line.number - plan.origin):
            again += 1
        elif line.across and len(line.across) + 1 >= len(plan.columns) > 1 and line.own() == 1:
            headings += 1
        elif plan.header and is_rule(line.cells):
            reading.aside(RULE)
        else:
            yield _record(line, plan)
    if waiting:
        reading.aside(TOTAL, len(waiting))
        reading.note(
            "Rows below the table, after an empty one "
            f"({' | '.join(filter(None, waiting[0].cells))[:80]!r}) look like totals and are left"
            " out."
        )
    if again:
        reading.note(
            f"The header comes {again:,} more time(s) between the rows and is left out there."
        )
    if headings:
        reading.note(
            f"{headings:,} heading(s) between the rows, merged over all columns, are left out."
        )


def _record(line: Line, plan: Layout) -> tuple[int, dict[str, str]]:
    return line.number - plan.origin, {
        name: line.cells[place] for place, name in plan.columns.items() if place < len(line.cells)
    }


def _tell(seen: Marks, reading: Reading) -> None:
    if seen.downwards:
        reading.note("The value of merged cells counts for each of their rows.")
    if seen.errors:
        reading.note(
            f"{seen.errors.total():,} cell(s) hold an error ({', '.join(sorted(seen.errors))})"
            " and count as empty."
        )
    if seen.written:
        reading.doubt(
            f"{seen.written.total():,} cell(s) hold {', '.join(sorted(seen.written))} as a text,"
            " which is read as it is written. Empty them if they mean a missing value."
        )


def _is_uncalculated(book: Workbook) -> bool:
    """Whether the workbook asks to be calculated when it is opened, as programs write it."""
    return bool(book.calculation and book.calculation.fullCalcOnLoad)


def _named(book: Workbook, wanted: str) -> ReadOnlyWorksheet:
    names = [sheet.title for sheet in book.worksheets]
    if wanted not in names:
        raise DataError(
            f"There is no sheet {wanted!r}.",
            f"The file has: {', '.join(names[:12])}.",
            nearest(wanted, names),
        )
    return book[wanted]


def _shown(book: Workbook) -> list[ReadOnlyWorksheet]:
    """The sheets that a person sees; all of them in a workbook that hides each."""
    sheets = book.worksheets[:_SHEETS]
    return [sheet for sheet in sheets if sheet.sheet_state == "visible"] or sheets


def _default(book: Workbook) -> ReadOnlyWorksheet:
    """The first sheet that holds anything, a cover before a table aside."""
    filled = (sheet for sheet in (*_shown(book), *book.worksheets) if _begins(sheet))
    first = next(filled, None)
    if first is None:
        strict = b"purl.oclc.org/ooxml" in book._archive.read("xl/workbook.xml")
        raise ValueError(
            "it is a Strict Open XML workbook; save it as an ordinary Excel workbook"
            if strict
            else "all its sheets are empty"
        )
    if {*words_of(first.title)} & _COVERS:
        names, rows = _peek(first)
        if not (_folded(names) & KNOWN and rows):
            return next(
                (sheet for sheet in filled if sheet is not first and _is_table(*_peek(sheet))),
                first,
            )
    return first


def _begins(sheet: ReadOnlyWorksheet) -> bool:
    return any(True for _ in islice(lines(sheet, Marks(), 1), 1))


def _peek(sheet: ReadOnlyWorksheet) -> tuple[list[str], int]:
    """The names of a sheet's columns, and how many of its first rows lie below them."""
    head = list(islice(lines(sheet, Marks(), 1), _PEEK))
    if not head:
        return [], 0
    plan = layout(head, "", 1 << 15)
    return list(plan.columns.values()), len(head) - plan.body


def _is_table(names: list[str], rows: int) -> bool:
    return len(names) > 1 and rows > 1


def _folded(names: list[str]) -> set[str]:
    return {name.strip().casefold() for name in names}


def _tell_others(book: Workbook, sheet: ReadOnlyWorksheet, plan: Layout, reading: Reading) -> None:
    """Say which other sheets hold tables; those with the same columns may be meant as well."""
    peeked: dict[str, tuple[list[str], int]] = {}
    for other in _shown(book):
        if other.title != sheet.title:
            with suppress(ValueError, *_DAMAGE):  # a sheet that is not read may be damaged
                peeked[other.title] = _peek(other)
    own, only = _folded(list(plan.columns.values())), f"Only the sheet {sheet.title!r} is read"
    tables = {
        title: _folded(names) for title, (names, rows) in peeked.items() if _is_table(names, rows)
    }
    alike = [
        title
        for title, names in tables.items()
        if names == own or len(names & own) > 1 and (names <= own or own <= names)
    ]
    others = [title for title in tables if title not in alike]
    if alike:
        reading.doubt(
            f"{only}; {_listed(alike)} {'have' if len(alike) > 1 else 'has'} the same columns."
            " Choose another with --sheet."
        )
    if others and len(own) == 1:
        reading.doubt(
            f"{only}, which has one column; {_listed(others)}"
            f" {'hold' if len(others) > 1 else 'holds'} more. Choose another with --sheet."
        )
    elif others:
        reading.note(
            f"{only}; {_listed(others)}"
            f" {'hold other tables' if len(others) > 1 else 'holds another table'}."
        )


def _listed(titles: list[str]) -> str:
    names = [repr(title) for title in titles[:6]] + (
        [f"{len(titles) - 6} more"] if len(titles) > 6 else []
    )
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
