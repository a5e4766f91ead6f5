"""Recognising what a person brought: class folders, pictures with a table, documents or tables;
folder, zip or file.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from tl_core.data import images, tables
from tl_core.data.archive import is_stray, unpack
from tl_core.data.columns import Columns
from tl_core.data.layouts.class_lists import ClassList
from tl_core.data.limits import LIMITS, Limits
from tl_core.data.names import readable
from tl_core.data.plan import Plan
from tl_core.data.readers.disguise import is_renamed
from tl_core.data.schema import ImportOptions
from tl_core.errors import DataError

LAYOUT_HELP = (
    "Make one folder for each class and put its images in it, or bring a table (CSV, XLSX, JSONL or"
    " Parquet) with one row for each text."
)
PLAIN_TEXTS = {".txt", ".md", ".text"}
_PACKED = {
    ".rar": "RAR",
    ".7z": "7-Zip",
    ".gz": "gzip",
    ".tgz": "tar",
    ".tar": "tar",
    ".bz2": "bzip2",
    ".xz": "xz",
}
_OTHERS = {
    ".xls": ("It is Excel's format from before 2007.", "Open it and save it as XLSX."),
    ".ods": ("It is an OpenDocument sheet.", "Open it and save it as XLSX or CSV."),
    ".svg": ("SVG drawings can carry code.", "Save it as PNG."),
    ".dcm": ("It is a DICOM file of a medical device.", "Save the pictures as PNG."),
    **dict.fromkeys(
        (".pkl", ".pickle", ".pt", ".pth", ".npy", ".joblib", ".bin"),
        (
            "Such files can run code when they are opened, so they are refused.",
            "Save the data as CSV or Parquet.",
        ),
    ),
}


@dataclass(frozen=True, slots=True)
class ItemFile:
    """One picture or document: a file, or bytes that a table carried."""

    path: Path
    name: str  # as shown to people: relative to the source
    label: str
    split: str  # "" when the source has no splits
    group: str = ""
    date: str = ""
    extra: dict[str, str] = field(default_factory=dict)
    data: bytes | None = None
    fold: str = ""


@dataclass(frozen=True)
class TableFile:
    """One table of a source; `label` is the class of all its rows where files stand for classes.

    `kind` is list or cub for plain lists of pictures, else empty; `columns` are those that were
    found when the source was opened, None where its reader finds them.
    """

    path: Path
    split: str = ""
    sheet: str = ""
    label: str = ""
    kind: str = ""
    columns: Columns | None = None


@dataclass
class Source:
    """What was found: picture files, documents, tables of texts, or tables that hold or list
    pictures.

    `image_tables` list the pictures of `images`, whose own classes are then only those of their
    folders; with `folders_hold` these count for pictures that no table names, and `table_classes`
    says how a table calls them. `class_list` says what numbers of classes mean. `plan` says what
    was taken and why.
    """

    modality: str
    images: list[ItemFile] = field(default_factory=list)
    documents: list[ItemFile] = field(default_factory=list)
    tables: list[TableFile] = field(default_factory=list)
    image_tables: list[TableFile] = field(default_factory=list)
    folders_hold: bool = False
    table_classes: dict[str, str] = field(default_factory=dict)
    class_list: ClassList = field(default_factory=ClassList)
    skipped: list[dict[str, str]] = field(default_factory=list)
    limits: Limits = LIMITS
    root: Path = Path()
    plan: Plan = field(default_factory=Plan)

    @property
    def splits(self) -> set[str]:
        """The splits that the source itself has."""
        files = {one.split for one in self.images} | {one.split for one in self.documents}
        return (files | {one.split for one in self.tables}) - {""}


@dataclass
class Contents:
    """The files of a folder by kind, relative to `root`."""

    root: Path
    pictures: list[PurePosixPath] = field(default_factory=list)
    tables: list[PurePosixPath] = field(default_factory=list)
    texts: list[PurePosixPath] = field(default_factory=list)
    skipped: list[dict[str, str]] = field(default_factory=list)

    def skip(self, name: PurePosixPath, reason: str) -> None:
        self.skipped.append({"item": readable(str(name)), "reason": reason})


def open_source(
    path: Path, staging: Path, limits: Limits, options: ImportOptions | None = None
) -> Source:
    """Recognise the source at `path`; a zip is unpacked below `staging` first.

    Raises:
        AmbiguousError: when it can be read in ways that give different classes or splits.
        DataError: when there is nothing to learn from, in words that say what to bring instead.
    """
    from tl_core.data.layouts.table_sources import open_table

    options = options or ImportOptions()
    if not path.exists():
        raise DataError(
            f"There is no file or folder {readable(str(path))!r}.", "", "Check the spelling."
        )
    skipped: list[dict[str, str]] = []
    suffix = path.suffix.lower()
    if path.is_file() and suffix == ".zip":
        target = staging / "unpacked"
        skipped = unpack(path, target, limits)
        path = target
    if path.is_dir():
        source = _open_folder(path, limits, options)
    elif suffix in tables.SUFFIXES or is_renamed(path):
        source = open_table(path, limits, options)
    elif suffix in _PACKED:
        raise DataError(
            f"{path.name!r} is packed with {_PACKED[suffix]}.",
            "Only zip is unpacked here.",
            "Unpack it and bring the folder as a zip.",
        )
    else:
        why, mend = _OTHERS.get(suffix, (f"Its ending is {path.suffix or 'missing'}.", LAYOUT_HELP))
        raise DataError(
            f"{readable(path.name)!r} is not a kind of file that can be learnt from.", why, mend
        )
    source.skipped[:0] = skipped
    source.limits = limits
    return source


def _open_folder(root: Path, limits: Limits, options: ImportOptions) -> Source:
    from tl_core.data.layouts.picture_sources import open_pictures
    from tl_core.data.layouts.table_sources import open_documents, open_tables

    found = _contents(root, limits)
    if found.pictures:
        return open_pictures(found, limits, options)
    if documents := open_documents(found, options):
        return documents
    if found.tables or found.texts:
        return open_tables(found, limits, options)
    reasons = Counter(one["reason"] for one in found.skipped)
    raise DataError(
        "There are no images or tables in it.",
        (
            f"{len(found.skipped):,} other files were found: {reasons.most_common(1)[0][0]}."
            if found.skipped
            else "It is empty."
        ),
        LAYOUT_HELP,
    )


def _contents(root: Path, limits: Limits) -> Contents:
    found = Contents(root)
    for name in _walk(found, limits):
        suffix = name.suffix.lower()
        if suffix in images.SUFFIXES or (not suffix and _is_picture(root / name)):
            found.pictures.append(name)
        elif suffix in PLAIN_TEXTS or (not suffix.strip(".0123456789") and _is_text(root / name)):
            found.texts.append(name)
        elif suffix in tables.SUFFIXES or is_renamed(root / name):
            found.tables.append(name)
        else:
            found.skip(name, _why_not(suffix))
    return found


def _is_picture(path: Path) -> bool:
    """Whether a file without an ending is a picture by its first bytes."""
    try:
        with path.open("rb") as handle:
            return bool(images.picture_kind(handle.read(32)))
    except OSError:
        return False


def _is_text(path: Path) -> bool:
    """Whether a file without a telling ending begins like a text."""
    try:
        with path.open("rb") as handle:
            head = handle.read(512)
    except OSError:
        return False
    return bool(head.strip()) and not any(byte < 9 or 13 < byte < 32 for byte in head)


def _why_not(suffix: str) -> str:
    if suffix in (*_PACKED, ".zip"):
        return "a packed file inside; unpack it first"
    return _OTHERS[suffix][0].rstrip(".") if suffix in _OTHERS else "not an image or table"


def _walk(found: Contents, limits: Limits) -> Iterator[PurePosixPath]:
    """Files below the root in sorted order; links and stray files are listed, not followed."""
    count = total = 0
    for folder, subfolders, files in os.walk(found.root):
        subfolders.sort()
        for file in sorted(files):
            path = Path(folder) / file
            name = PurePosixPath(path.relative_to(found.root).as_posix())
            if path.is_symlink() or not path.is_file():
                found.skip(name, "a link, not a file")
                continue
            if is_stray(name):
                found.skip(name, "a stray file of the system, not data")
                continue
            count, total = count + 1, total + path.stat().st_size
            if count > limits.items or total > limits.total_bytes:
                raise DataError(
                    "The folder holds more than this server allows.",
                    f"The limits are {limits.items:,} files and {limits.total_bytes / 1e9:.0f} GB.",
                    "Bring a part of it, or raise TL_MAX_ITEMS and TL_MAX_UNPACKED_MB.",
                )
            yield name
