"""What a text file is written in, also where its lines do not agree, and its bytes as UTF-8."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tl_core.errors import ConfigError, DataError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_SAMPLE = 256 << 10
_BLOCK = 4 << 20
_GLANCE = (
    1 << 18
)  # stays in the processor's cache while it is looked at: three times as fast as blocks of 4 MB
ENCODINGS = ("utf-8", "utf-16", "gb18030", "cp932", "big5", "euc_kr", "cp1251", "cp1252")
_UNMARKED = ("gb18030", "cp932", "big5", "euc_kr", "cp1251", "cp1252")
_DOUBLE = ("gb18030", "cp932", "big5", "euc_kr")
_VALID_SHARE = 0.2
_CONTROLS = bytes(set(range(32)) - {*b"\0\t\n\v\f\r\x1b\x1c\x1d\x1e\x1f"})
_NEVER = b"\xff"  # a byte that UTF-8 does not know


@dataclass(frozen=True)
class Coding:
    """How the bytes of a file become signs."""

    encoding: str  # a Python codec
    broken: bool = False  # some signs cannot be read and become U+FFFD
    nuls: int = 0  # stray NUL bytes in a text, dropped
    others: str = ""  # the codec of the lines that are not UTF-8, where most of the file is
    odd_lines: int = 0  # how many those are
    marks: bool = True  # whether there may be quotation marks in the file
    slashes: bool = True  # and such behind a backslash

    @property
    def plain(self) -> bool:
        """Whether the bytes are UTF-8 as they stand."""
        return self.encoding == "utf-8" and not (self.broken or self.nuls or self.others)


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
        raise ConfigError(
            f"There is no text encoding {name!r}.", "", f"Known ones: {', '.join(ENCODINGS)}."
        ) from error


def sniff_encoding(path: Path) -> str:
    """UTF-16 or UTF-8 with or without a mark, else the national encoding whose commonest signs fill
    the text.

    Raises:
        DataError: when the file holds binary data.
    """
    return sniff_coding(path).encoding


def state_of(path: Path) -> tuple[int, int, int, int]:
    """What changes when a file does, so that what was found out about it can be kept as long as it
    stays.
    """
    stat = path.stat()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


def sniff_coding(path: Path) -> Coding:
    """The encoding, and what in the file does not fit it.

    The whole file is read once, so that a first odd letter on row 90,000 is not a surprise in mid
    import.

    Raises:
        DataError: when the file holds binary data.
    """
    return _coding_of(path, state_of(path))


@lru_cache(maxsize=64)
def _coding_of(path: Path, _state: tuple[int, int, int, int]) -> Coding:
    nuls, size, valid, marks, slashes = 0, 0, True, False, False
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as handle:
        head = handle.read(_SAMPLE)
        if head.startswith((b"\xff\xfe", b"\xfe\xff")):
            return Coding("utf-16", broken=True)
        if b"\0" in head and (wide := _unmarked_utf16(head)):
            return Coding(wide, broken=True)
        _check_text(path, head, head.count(0), len(head))
        handle.seek(0)
        while chunk := handle.read(_GLANCE):
            nuls, size = nuls + (chunk.count(0) if b"\0" in chunk else 0), size + len(chunk)
            valid = valid and _decodes(decoder, chunk)
            marks = marks or b'"' in chunk
            slashes = slashes or b'\\"' in chunk or chunk.endswith(b"\\")
    _check_text(path, head, nuls, size)
    if valid and _decodes(decoder, b"", final=True):
        return Coding("utf-8", nuls=nuls, marks=marks, slashes=slashes)
    return replace(_national(path), nuls=nuls, marks=marks, slashes=slashes)


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes, *, final: bool = False) -> bool:
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError:
        return False
    return True


def _check_text(path: Path, head: bytes, nuls: int, size: int) -> None:
    """Refuse binary data; a stray NUL or two in what is a text otherwise is no reason."""
    if not nuls:
        return
    controls = len(head) - len(head.translate(None, _CONTROLS))
    if nuls > max(2, size // 1000) or controls > max(2, len(head) // 1000):
        raise DataError(
            f"{path.name!r} is not a text file.",
            "It holds binary data, whatever its name says.",
            "Bring a CSV, TSV, XLSX, JSONL or Parquet file.",
        )


def _unmarked_utf16(head: bytes) -> str:
    even, odd = head[0::2], head[1::2]
    for codec, zeros, signs in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if zeros.count(0) > 0.4 * len(zeros) and signs.count(0) < 0.02 * len(signs):
            return codec
    return ""


def _national(path: Path) -> Coding:
    """The encoding of a file that is not all UTF-8: all of it in another, some lines in another, a
    few signs broken.
    """
    valid = foreign = 0
    long = False
    odd, every = bytearray(), bytearray()
    with path.open("rb") as handle:
        for block in blocks(handle):
            counts = _counts(block)
            foreign += int(counts.foreign.sum())
            valid += int(counts.valid.sum())
            long = long or counts.long
            if len(odd) < _SAMPLE or len(every) < _SAMPLE:
                lines = block.split(b"\n")
                odd += b"\n".join(
                    lines[place] for place in np.flatnonzero(counts.foreign)[:_SAMPLE]
                )
                every += b"\n".join(line for line in lines if not line.isascii())
    if not foreign:
        return Coding("utf-8", broken=True)
    if valid >= max(2, _VALID_SHARE * (valid + foreign)):
        others = _western(odd) or likeliest(bytes(odd[:_SAMPLE]), _UNMARKED)
        if others not in _DOUBLE or long:
            return Coding("utf-8", broken=True, others=others, odd_lines=foreign)
    return Coding(_western(every) or likeliest(bytes(every[:_SAMPLE]), _UNMARKED), broken=True)


class _Counts(NamedTuple):
    """Which lines of a block are UTF-8 with letters beyond ASCII, and which are something else."""

    valid: NDArray[np.bool_]
    foreign: NDArray[np.bool_]
    long: bool  # whether valid lines hold signs of three bytes: no accident of another encoding


def _counts(block: bytes) -> _Counts:
    """A line with at least as many broken signs as good ones is not UTF-8; with fewer it is, and
    damaged.
    """
    signs = np.frombuffer(block.decode("utf-8", "replace").encode("utf-32-le"), np.uint32)
    ends = np.flatnonzero(signs == ord("\n"))
    broken = np.flatnonzero(signs == 0xFFFD)
    good = np.flatnonzero((signs > 0x7F) & (signs != 0xFFFD))
    bad_each, good_each = (
        np.diff(np.searchsorted(those, ends), prepend=0) for those in (broken, good)
    )
    valid = (bad_each == 0) & (good_each > 0)
    long = good[signs[good] > 0x7FF]
    return _Counts(
        valid,
        (bad_each > 0) & (bad_each >= good_each),
        bool(valid[np.searchsorted(ends, long)].any()),
    )


def _as_utf8(line: bytes) -> str | None:
    """The line, with U+FFFD for a few broken signs; None when it is not UTF-8 but something
    else.
    """
    try:
        return line.decode()
    except UnicodeDecodeError:
        text = line.decode("utf-8", "replace")
    return (
        text if len(text) - len(text.encode("ascii", "ignore")) > 2 * text.count("\ufffd") else None
    )


def _western(odd: bytearray) -> str:
    """cp1252 where letters beyond ASCII stand alone among plain ones, which is too little for
    statistics.
    """
    runs = [len(run) for run in re.findall(rb"[\x80-\xff]+", odd[:_SAMPLE])]
    among = len(re.findall(rb"[A-Za-z][\x80-\xff]{1,2}|[\x80-\xff]{1,2}[A-Za-z]", odd[:_SAMPLE]))
    alone = (
        bool(runs)
        and max(runs) <= 2
        and runs.count(1) >= 0.8 * len(runs)
        and among >= 0.8 * len(runs)
    )
    return "cp1252" if alone else ""


def likeliest(raw: bytes, among: tuple[str, ...]) -> str:
    """The codec that makes `raw` look most like a language; the first where none does."""
    from charset_normalizer import from_bytes

    guess = from_bytes(raw, cp_isolation=list(among)).best()
    return guess.encoding if guess else among[0]


def blocks(handle: IO[bytes]) -> Iterator[bytes]:
    """Blocks of whole lines, whose ends are all one sign; a line longer than a row may be comes in
    pieces.
    """
    left = b""
    while chunk := handle.read(_BLOCK):
        if chunk.endswith(b"\r"):
            chunk += handle.read(1)
        if b"\r" in chunk:
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        whole, line, left = (left + chunk).rpartition(b"\n")
        if line:
            yield whole + line
        if len(left) > 2 * _BLOCK:
            yield left + b"\n"
            left = b""
    if left:
        yield left + b"\n"


class Utf8(io.RawIOBase):
    """A file as UTF-8 bytes, whatever it is written in; a sign that cannot be read becomes U+FFFD.

    With `escaped`, a quotation mark behind a backslash is doubled instead, as CSV has it; with
    `halved` two backslashes are one.
    """

    def __init__(
        self, path: Path, coding: Coding, *, escaped: bool = False, halved: bool = False
    ) -> None:
        self._coding, self._escaped, self._halved = coding, escaped, halved
        self._handle = path.open("rb")
        self._decoder = codecs.getincrementaldecoder(coding.encoding)("replace")
        self._left, self._line, self._slash, self._started = b"", b"", b"", False

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        size = size if size >= 0 else 1 << 20
        while len(self._left) < size:
            raw = self._handle.read(max(size, 1 << 16))
            self._left += self._converted(raw)
            if not raw:
                break
        block, self._left = self._left[:size], self._left[size:]
        return block

    def readinto(self, buffer: WriteableBuffer) -> int:
        """What buffered readers call."""
        view = memoryview(buffer).cast("B")
        block = self.read(len(view))
        view[: len(block)] = block
        return len(block)

    def _converted(self, raw: bytes) -> bytes:
        text = self._mixed(raw) if self._coding.others else self._decoder.decode(raw, final=not raw)
        if not self._started and text:
            text, self._started = text.removeprefix("\ufeff"), True
        if self._coding.nuls:
            text = text.replace("\0", "")
        clean = text.encode("utf-8", "replace")
        return self._unescaped(clean, last=not raw) if self._escaped else clean

    def _mixed(self, raw: bytes) -> str:
        """Each line as what it is; what is no whole line yet waits for the next call."""
        *lines, self._line = (self._line + raw).splitlines(keepends=True) or [b""]
        if not raw or len(self._line) > _BLOCK:
            lines, self._line = [*lines, self._line], b""
        try:
            return b"".join(lines).decode()
        except UnicodeDecodeError:
            return "".join(
                (
                    line.decode(self._coding.others, "replace")
                    if (text := _as_utf8(line)) is None
                    else text
                )
                for line in lines
            )

    def _unescaped(self, clean: bytes, *, last: bool) -> bytes:
        clean, self._slash = self._slash + clean, b""
        if not last and (len(clean) - len(clean.rstrip(b"\\"))) % 2:
            clean, self._slash = clean[:-1], b"\\"
        clean = clean.replace(b"\\\\", _NEVER).replace(b'\\"', b'""')
        return clean.replace(_NEVER, b"\\" if self._halved else b"\\\\")

    def close(self) -> None:
        self._handle.close()
        super().close()
