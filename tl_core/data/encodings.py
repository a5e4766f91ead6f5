"""What a text file is written in: its encoding, its separator, whether it quotes, whether its first row is a header."""

from __future__ import annotations

import codecs
import csv
import io
import re
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from tl_core.data.columns import LABEL_NAMES, TEXT_NAMES
from tl_core.errors import ConfigError, DataError

_SAMPLE = 256 << 10
ENCODINGS = ("utf-8", "utf-16", "gb18030", "cp932", "big5", "euc_kr", "cp1251", "cp1252")
_UNMARKED = ("gb18030", "cp932", "big5", "euc_kr", "cp1251", "cp1252")
_DOUBTED_SHARE = 0.005


@dataclass(frozen=True)
class Dialect:
    """How a delimited file is written. `encoding` is a Python codec; `header` is False when data starts at once."""

    encoding: str
    separator: str
    quotes: bool
    header: bool
    skip_lines: int = 0
    broken: bool = False  # some signs cannot be read and become U+FFFD
    width: int = 0  # cells of the first row, as far as the sample reaches


def sniff_dialect(path: Path, encoding: str = "") -> Dialect:
    """Guess from the first 256 kB; `encoding` overrules the guess.

    Raises:
        DataError: when the file holds binary data.
        ConfigError: for an unknown encoding.
    """
    found, broken = (check_encoding(encoding), True) if encoding else _sniffed(path)
    with path.open("rb") as handle:
        raw = handle.read(_SAMPLE)
    sample = codecs.getincrementaldecoder(found)("replace").decode(raw, final=len(raw) < _SAMPLE)
    sample = sample.removeprefix("\ufeff")
    lines = sample.splitlines(keepends=True)
    if len(lines) > 2 and len(raw) == _SAMPLE:
        lines = lines[:-1]  # the last one may be cut
    if lines and (told := re.fullmatch(r'"?sep=(.)"?\s*', lines[0])):
        rest = lines[1:]
        rows = _rows(rest, told[1], quotes=True)
        return Dialect(found, told[1], True, _has_header(rows), 1, broken, len(rows[0]) if rows else 0)
    separator, quotes = _separator(lines, "\t" if path.suffix.lower() == ".tsv" else "")
    rows = _rows(lines, separator, quotes=quotes)
    return Dialect(found, separator, quotes, _has_header(rows), 0, broken, len(rows[0]) if rows else 0)


def check_encoding(name: str) -> str:
    """The codec's own name, "" for none.

    Raises:
        ConfigError: when there is no such text encoding.
    """
    if not name:
        return ""
    try:
        "a".encode(name)
        return codecs.lookup(name).name
    except (LookupError, TypeError, ValueError) as error:
        raise ConfigError(f"There is no text encoding {name!r}.", "", f"Known ones: {', '.join(ENCODINGS)}.") from error


def sniff_encoding(path: Path) -> str:
    """UTF-16 or UTF-8 with or without a mark, else the national encoding whose commonest signs fill the text.

    The whole file is read once, so that a first odd letter on row 90,000 is not a surprise in mid import.

    Raises:
        DataError: when the file holds binary data.
    """
    return _sniffed(path)[0]


def _sniffed(path: Path) -> tuple[str, bool]:
    """The encoding, and whether some bytes do not fit it."""
    with path.open("rb") as handle:
        head = handle.read(_SAMPLE)
        if head.startswith((b"\xff\xfe", b"\xfe\xff")):
            return "utf-16", True
        if b"\0" in head:
            return _unmarked_utf16(path, head), True
        handle.seek(0)
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            while chunk := handle.read(4 << 20):
                decoder.decode(chunk)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return _national(path, max(0, handle.tell() - (4 << 20))), True
    return "utf-8", False


def _unmarked_utf16(path: Path, head: bytes) -> str:
    even, odd = head[0::2], head[1::2]
    for codec, zeros, signs in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if zeros.count(0) > 0.4 * len(zeros) and signs.count(0) < 0.02 * len(signs):
            return codec
    raise DataError(f"{path.name!r} is not a text file.", "It holds binary data, whatever its name says.",
                    "Bring a CSV, TSV, XLSX, JSONL or Parquet file.")


def _national(path: Path, near: int) -> str:
    """The best encoding for the bytes that are not UTF-8, judged on the lines with such bytes."""
    with path.open("rb") as handle:
        handle.seek(near)
        raw = handle.read(16 * _SAMPLE)
    odd = b"\n".join(line for line in raw.splitlines() if not line.isascii())[:_SAMPLE]
    text = odd.decode("utf-8", "replace")
    if text.count("\ufffd") <= _DOUBTED_SHARE * max(1, sum(sign > "\x7f" for sign in text)):
        return "utf-8"  # a few broken signs in UTF-8, read with a replacement sign
    return likeliest(odd, _UNMARKED)


def likeliest(raw: bytes, among: tuple[str, ...]) -> str:
    """The codec that makes `raw` look most like a language; the first where none does."""
    from charset_normalizer import from_bytes

    found = from_bytes(raw, cp_isolation=list(among)).best()
    return found.encoding if found else among[0]


def _separator(lines: list[str], told: str) -> tuple[str, bool]:
    """The separator, with or without quoting, that cuts most rows into the number of cells of the first."""
    best, best_score = (told or ",", True), 0.0
    for separator in told or ",;\t|":
        for quotes in (True, False):
            rows = _rows(lines, separator, quotes=quotes)
            width = len(rows[0]) if rows else 0
            if width < 2 and not told:
                continue
            share = sum(len(row) == width for row in rows) / max(1, len(rows))
            score = share + min(width, 100) / 1000 + (
                0.0 if not quotes else 0.02 if _is_quoted(lines, separator) else -0.02)
            if score > best_score:
                best, best_score = (separator, quotes), score
    return best


def _rows(lines: list[str], separator: str, *, quotes: bool, strict: bool = False) -> list[list[str]]:
    """The first 200 rows.

    Raises:
        csv.Error: with `strict`, for a quotation mark in the wrong place.
    """
    csv.field_size_limit(16 << 20)
    reader = csv.reader(io.StringIO("".join(lines), newline=""), delimiter=separator, strict=strict,
                        quoting=csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE)
    return list(islice((row for row in reader if row), 200))


def _is_quoted(lines: list[str], separator: str) -> bool:
    """Whether every quotation mark stands where quoting puts it; an open one at the end may be a cut sample."""
    try:
        _rows(lines, separator, quotes=True, strict=True)
    except csv.Error as error:
        return "end of data" in str(error)
    return True


def _has_header(rows: list[list[str]]) -> bool:
    """False when a short cell of the first row comes again and again below it: then it is data, not a name."""
    if len(rows) < 3:
        return True
    if {name.strip().lower() for name in rows[0]} & {*TEXT_NAMES, *LABEL_NAMES}:
        return True
    for place, name in enumerate(rows[0]):
        if 0 < len(name) < 40 and sum(place < len(row) and row[place] == name for row in rows[1:]) >= 2:
            return False
    return True
