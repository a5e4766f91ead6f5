"""What the arguments of `predict.py` are read as: texts, rows of tables, pictures, their pages."""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Protocol, TextIO

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

    from tl_core.data.preparation import Preparation

    Picture = Image.Image | Path | str | tuple[Path, int]  # the last is a file and a frame of it
    Sound = NDArray[np.float32]
    # the last says why there is none
    Input = str | dict[str, str] | Picture | Sound | ValueError

NOTES = {
    ".txt",
    ".md",
    ".csv",
    ".tsv",
    ".json",
    ".jsonl",
    ".ndjson",
    ".xlsx",
    ".xls",
    ".ods",
    ".parquet",
    ".xml",
    ".yaml",
    ".yml",
    ".html",
    ".htm",
}  # what lies beside pictures and is none
DOCUMENTS = {".txt", ".md", ".text"}  # one text each, where a folder of them is given
TABLES = {".csv": ",", ".tsv": "\t"}
STRAY = {"__MACOSX", "Thumbs.db", "desktop.ini", "@eaDir", "$RECYCLE.BIN"}
SUBFILE, COPY_OR_MASK = 0x00FE, 0b101  # a tag of TIFF, and the bits of frames that are no pages


class Needs(Protocol):
    """What of a model decides how arguments are read."""

    is_text: bool
    preparation: Preparation

    @property
    def needs(self) -> str:
        """What it reads, in words."""


class Record(NamedTuple):
    """A row of a table; `fits` says whether it has as many cells as the header."""

    cells: dict[str, str]
    fits: bool


def read(arguments: list[str], column: str, model: Needs) -> list[tuple[str, Input]]:
    """Name and content of each input; a row that cannot be read is a ValueError in its place.

    Raises:
        ValueError: when a table lacks a column that the model reads.
    """
    items: list[tuple[str, Input]] = []
    for argument in arguments:
        path = Path(argument)
        kind = path.suffix.lower() if path.is_file() else ""
        if kind in TABLES and (model.is_text or model.preparation.pixels):
            items += table(path, column, model)
        elif not model.is_text:
            items += pictures(path, model)
        elif model.preparation.joined:
            raise ValueError(
                f"{argument[:80]!r} is a text alone. This model reads {model.needs}: give it a CSV."
            )
        elif path.is_dir():
            items += [
                (str(file), file.read_text(encoding="utf-8-sig"))
                for file in sorted(path.rglob("*"))
                if file.suffix.lower() in DOCUMENTS and file.is_file()
            ]
        elif kind == ".txt":
            with path.open(encoding="utf-8-sig") as handle:
                items += [
                    (str(number), line.strip())
                    for number, line in enumerate(handle, 1)
                    if line.strip()
                ]
        else:
            items.append((argument, argument))
    return items


def table(path: Path, column: str, model: Needs) -> list[tuple[str, Input]]:
    """The rows of a CSV or TSV with what the model reads of them; rows that do not fit the header
    as errors.
    """
    names = list(model.preparation.columns)
    if column and len(names) > 1:
        raise ValueError(f"This model reads {model.needs}; --column cannot stand for them.")
    rows = records(path, [column] if column else names)
    there = list(rows[0].cells) if rows else []
    wanted = [column] if column else names or ["text"]
    if not column and len(wanted) == 1 and len(there) == 1:
        wanted = there  # it is the only one
    for name in wanted if rows else []:
        if name not in there:
            raise ValueError(
                f"{path.name!r} has no column {name!r}. This model reads "
                f"{model.needs if names else 'one column of texts'}; the table has: "
                f"{', '.join(there[:12])}." + ("" if len(wanted) > 1 else " Name it with --column.")
            )
    return [(str(number), content(row, wanted, names)) for number, row in enumerate(rows, 1)]


def content(row: Record, wanted: list[str], names: list[str]) -> Input:
    """The cells of a row under the names of the training, one text, or what is wrong with it."""
    if not row.fits:
        return ValueError("The row is damaged: it does not fit the header.")
    cells = [row.cells[name] for name in wanted]
    if not any(cell.strip() for cell in cells):
        return ValueError("The text is empty.")
    return dict(zip(names, cells, strict=True)) if names else cells[0]


def records(path: Path, wanted: list[str]) -> list[Record]:
    """The rows of a table in UTF-8, separated by what its ending says, or else by what its header
    shows.

    Raises:
        ValueError: when it is in another encoding.
    """
    csv.field_size_limit(1 << 27)
    usual = TABLES[path.suffix.lower()]
    try:
        with path.open(newline="", encoding="utf-8-sig") as handle:
            header = handle.readline()
            signs = [usual, *(sign for sign in ",;\t|" if sign != usual)]
            sign = next(
                (
                    sign
                    for sign in signs
                    if set(wanted) <= set(named(csv.reader([header], delimiter=sign)))
                ),
                usual,
            )
            try:
                return rows_of(handle, sign, strict=True)
            except csv.Error:  # a quotation mark that quotes nothing, of tools that know no quoting
                return rows_of(handle, sign, quotes=sign != "\t", strict=False)
    except UnicodeDecodeError as error:
        raise ValueError(f"{path.name!r} is not in UTF-8; save it as CSV (UTF-8).") from error


def rows_of(handle: TextIO, sign: str, *, quotes: bool = True, strict: bool) -> list[Record]:
    """The rows below the header of an open table."""
    handle.seek(0)
    lines = csv.reader(
        handle,
        delimiter=sign,
        quoting=csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE,
        strict=strict,
    )
    names = named(lines)
    empty = dict.fromkeys(names, "")
    return [
        Record(empty | dict(zip(names, cells, strict=False)), len(cells) == len(names))
        for cells in lines
        if cells
    ]


def named(lines: Iterable[list[str]]) -> list[str]:
    """The header's names without blanks around them, in the form that training knew them by."""
    return [unicodedata.normalize("NFC", name).strip() for name in next(iter(lines), [])]


def pictures(path: Path, model: Needs) -> Iterator[tuple[str, Input]]:
    """Every file that is no table, note or by-product of the system; pages one by one where
    training took them so.
    """
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        inside = file.relative_to(path).parts
        if path.is_dir() and (
            not file.is_file()
            or file.suffix.lower() in NOTES
            or any(part in STRAY or part.startswith(".") for part in inside)
        ):
            continue
        frames = pages(file) if model.preparation.page == "all" else []
        if len(frames) < 2:
            yield str(file), file
        else:
            for number, frame in enumerate(frames, 1):
                yield f"{file}#{number}", (file, frame)


def pages(file: Path) -> list[int]:
    """The frames of a TIFF that are pages, no smaller copies or masks of them; none of what is no
    TIFF.
    """
    from PIL import Image

    frames: list[int] = []
    try:
        with Image.open(file, formats=("TIFF",)) as image:
            for frame in range(10_000):
                image.seek(frame)
                if not int(image.tag_v2.get(SUBFILE, 0)) & COPY_OR_MASK:  # type: ignore[attr-defined]
                    frames.append(frame)
    except EOFError:
        return frames
    except (OSError, ValueError, SyntaxError, TypeError, KeyError):
        return []  # what is wrong with it is said when it is read
    return frames


def readable(name: str) -> str:
    """A file name that can be written: bytes that are not UTF-8 are read as Windows-1252, Latin-1
    otherwise.
    """
    raw = name.encode("utf-8", "surrogateescape")
    for codec in ("utf-8", "cp1252"):
        try:
            return raw.decode(codec)
        except UnicodeDecodeError:
            continue
    return raw.decode("latin-1")
