"""How a delimited text file is written: separator, quotation marks, header."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import islice
from pathlib import Path

from tl_core.data.readers.headers import has_header, is_known
from tl_core.data.readers.quoting import Quoting, decide, halves, shape_of
from tl_core.data.tables.encodings import Coding, Utf8, check_encoding, sniff_coding, state_of

_SAMPLE = 256 << 10
_BOM = b"\xef\xbb\xbf"
_UNUSED = (  # signs that no text holds: the separators of a file of one column
    "\x1f\x1e\x1d\x1c\x02\x01"
)
_MOST_COMMENTS = 50
_NONE = 0.05  # a score that says nothing
_NAME = re.compile(r"[^\W\d][\w .()/#-]{0,29}")
_NUMBER = re.compile(r"-?\d+([.,]\d+)?")


@dataclass(frozen=True)
class Dialect:
    """How a delimited file is written. `header` is False when data starts at once."""

    coding: Coding
    separator: str
    quotes: bool
    header: bool
    skip_lines: int = 0
    width: int = 0  # cells of the first row, as far as the sample reaches
    single: bool = False  # one text a line
    escaped: bool = False  # marks within quoted cells stand behind a backslash
    halved: bool = False  # and so do backslashes
    sure: bool = True  # whether it is clear that there is a header or none
    first: tuple[str, ...] = ()  # the cells of the first row
    comments: int = 0  # lines of comments above the table
    shift: str = ""  # where all rows differ from the header by one cell: more, less, or numbered


def sniff_dialect(path: Path, encoding: str = "", header: str = "") -> Dialect:
    """Guess from the first 256 kB, quotation marks from the whole file; `encoding` and `header`
    overrule the guess.

    Raises:
        DataError: when the file holds binary data.
        ConfigError: for an unknown encoding.
        ValueError: when a quotation mark swallows whole rows, however it is read.
    """
    return _dialect_of(path, encoding, header, state_of(path))


@lru_cache(maxsize=64)
def _dialect_of(
    path: Path, encoding: str, header: str, _state: tuple[int, int, int, int]
) -> Dialect:
    coding = Coding(check_encoding(encoding), broken=True) if encoding else sniff_coding(path)
    lines = _sample(path, coding)
    declared = re.fullmatch(r'"?sep=(.)"?\s*', lines[0]) if lines else None
    comments = 0 if declared else _comments(lines)
    skipped = 1 if declared else comments
    lines = lines[skipped:]
    if _are_labelled(lines):
        return Dialect(
            coding,
            _unused(partial(_opened, path, coding)),
            quotes=False,
            header=header == "yes",
            skip_lines=skipped,
            width=1,
            single=True,
        )
    suffix, opened = path.suffix.lower(), partial(_opened, path, coding)
    separator, rows = _separator(lines, declared[1] if declared else "", suffix)
    above = skipped + bool(rows and has_header(rows, header)[0])
    quoting = (
        decide(opened, shape_of(rows, separator, above), suffix, escapes=coding.slashes)
        if coding.marks
        else Quoting(False)
    )
    single = not separator
    separator = separator or _unused(opened)
    rows = _rows(_unescaped(lines) if quoting.escaped else lines, separator, quotes=quoting.quotes)
    named, sure = has_header(rows, header)
    return Dialect(
        coding,
        separator,
        quoting.quotes,
        named,
        skipped,
        len(rows[0]) if rows else 0,
        single,
        quoting.escaped,
        quoting.escaped and halves(opened),
        sure,
        tuple(rows[0]) if rows else (),
        comments,
        _shift(rows) if named and not single and lines[0].strip() else "",
    )


def _comments(lines: list[str]) -> int:
    """How many lines above a table are comments: they begin with #, and are cut otherwise than the
    rows below them.
    """
    count = next((place for place, line in enumerate(lines) if not line.startswith("#")), 0)
    below = lines[count : count + 20]
    if (
        not 0 < count <= _MOST_COMMENTS
        or len(below) < 2
        or any(line.startswith("#") for line in lines[count:])
    ):
        return 0
    for separator in ",\t;|":
        cuts = below[0].count(separator)
        if cuts and sum(line.count(separator) >= cuts for line in below) >= 0.9 * len(below):
            return count if lines[count - 1].count(separator) != cuts else 0
    return 0


def _are_labelled(lines: list[str]) -> bool:
    """Whether nearly all lines begin with a label of fastText, so that their commas are those of
    texts.
    """
    filled = [line for line in lines[:1000] if line.strip()]
    labelled = sum(line.lstrip().startswith("__label__") for line in filled)
    return labelled > 0.9 * len(filled) and not any("\t" in line.strip() for line in filled)


def _sample(path: Path, coding: Coding) -> list[str]:
    with Utf8(path, coding) as handle:
        text = handle.read(_SAMPLE).decode("utf-8", "ignore")
        lines = list(io.StringIO(text, newline=""))
        return lines[:-1] if len(lines) > 2 and handle.read(1) else lines  # the last one may be cut


def _opened(
    path: Path, coding: Coding, escaped: bool
) -> io.BufferedReader:  # as `quoting` calls it
    """The file as UTF-8 without a mark, straight from the disk where it is that already."""
    if not coding.plain or escaped:
        return io.BufferedReader(Utf8(path, coding, escaped=escaped), 1 << 20)
    handle = path.open("rb")
    if handle.read(len(_BOM)) != _BOM:
        handle.seek(0)
    return handle


def _unused(opened: Callable[[bool], io.BufferedReader]) -> str:
    present: set[int] = set()
    with opened(False) as handle:
        while chunk := handle.read(4 << 20):
            present |= {ord(sign) for sign in _UNUSED if ord(sign) in chunk}
    return next((sign for sign in _UNUSED if ord(sign) not in present), _UNUSED[0])


def _unescaped(lines: list[str]) -> list[str]:
    return [line.replace('\\"', '""') for line in lines]


def _separator(lines: list[str], declared: str, suffix: str) -> tuple[str, list[list[str]]]:
    """The separator that cuts most rows into the same number of cells, with the rows; empty for one
    column.
    """
    tries = [(lines, False)]
    if any('"' in line for line in lines):
        tries = [(lines, True), (lines, False)]
    if any('\\"' in line for line in lines):
        tries.append((_unescaped(lines), True))
    scored = []
    for separator in declared or ("\t,;|" if suffix == ".tsv" else ",;\t|"):
        for text, quotes in tries:
            rows = _rows(text, separator, quotes=quotes)
            score = _score(rows, separator, suffix, declared) + (
                0.0 if not quotes else 0.02 if _is_quoted(text, separator) else -0.02
            )
            scored.append((score, separator, rows))
    tabs = [one for one in scored if one[1] == "\t" and one[0] > _NONE] if suffix == ".tsv" else []
    score, separator, rows = max(tabs or scored, key=lambda one: one[0])
    return (separator, rows) if score > _NONE else ("", [])


def _score(rows: list[list[str]], separator: str, suffix: str, declared: str) -> float:
    """How well a separator fits; 0 where it is a sign of the texts."""
    if not rows:
        return 0.0
    usual, count = Counter(map(len, rows)).most_common(1)[0]
    width, several = len(rows[0]), sum(len(row) > 1 for row in rows)
    share = sum(len(row) == width for row in rows) / len(rows)
    if abs(usual - width) == 1:
        share = max(share, count / len(rows))
    headed = width > 1 and 2 * several >= len(rows) and _are_names(rows[0], share)
    single = (
        width == 1 and is_known(rows[0][0]) and any(row[-1] for row in rows[1:] if len(row) > 1)
    )
    alike = (
        usual > 1
        and not single
        and count >= (0.8 if separator in "\t|" else 0.95) * len(rows)
        and _is_plausible(rows, separator, suffix)
    )
    return share + min(max(width, usual), 100) / 1000 if headed or alike or declared else 0.0


def _are_names(first: list[str], share: float) -> bool:
    """Whether the first row looks like a header, so that rows of another width are damaged and not
    prose.
    """
    if any(map(is_known, first)):
        return True
    short = [cell for cell in first if _NAME.fullmatch(cell) and not cell.endswith((" ", "."))]
    words = max((cell.count(" ") + 1 for cell in first), default=0)
    return len(short) == len(first) == len(set(first)) and words <= (3 if share >= 0.5 else 1)


def _is_plausible(rows: list[list[str]], separator: str, suffix: str) -> bool:
    """Whether commas that cut all lines alike are more than the punctuation of a few sentences."""
    if separator in "\t|" or any(map(is_known, rows[0])):
        return True
    whole = [row for row in rows if len(row) > 1]
    spaced = sum(any(cell.startswith(" ") for cell in row[1:]) for row in whole) >= 0.5 * len(whole)
    if not spaced and (suffix != ".txt" or len(rows) > 1):
        return True
    columns = [
        [row[place].strip() for row in whole if place < len(row)] for place in range(len(whole[0]))
    ]
    return len(rows) >= 4 and any(
        2 * len(set(cells)) <= len(cells) or all(map(_NUMBER.fullmatch, cells[1:]))
        for cells in columns
    )


def _rows(
    lines: list[str], separator: str, *, quotes: bool, strict: bool = False
) -> list[list[str]]:
    """The first 200 rows.

    Raises:
        csv.Error: with `strict`, for a quotation mark in the wrong place.
    """
    csv.field_size_limit(16 << 20)
    reader = csv.reader(
        lines,
        delimiter=separator,
        strict=strict,
        quoting=csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE,
    )
    return list(islice((row for row in reader if row), 200))


def _is_quoted(lines: list[str], separator: str) -> bool:
    """Whether every quotation mark stands where quoting puts it; an open one at the end may be a
    cut sample.
    """
    try:
        _rows(lines, separator, quotes=True, strict=True)
    except csv.Error as error:
        return "end of data" in str(error)
    return True


def _shift(rows: list[list[str]]) -> str:
    """How all rows differ from the header: by an empty cell at the end, or by row numbers without a
    name in front.
    """
    first, rest = rows[0], rows[1:]
    widths = {len(row) for row in rest}
    if len(widths) != 1 or any("\n" in name or "\r" in name for name in first):
        return ""
    if widths == {len(first) + 1}:
        if all(not row[-1].strip() for row in rest):
            return "more"
        counted = [row[0] for row in rest] in (
            [str(place + start) for place in range(len(rest))] for start in (0, 1)
        )
        return "numbered" if counted and len(rest) > 1 else ""
    return "less" if widths == {len(first) - 1} and not first[-1].strip() else ""
