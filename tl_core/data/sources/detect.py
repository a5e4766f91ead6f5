"""Recognising what a person brought: class folders, pictures with a table, documents or tables;
folder, zip or file.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from tl_core.data.dataset_version import ImportOptions
from tl_core.data.item_kind import ItemKind, kinds
from tl_core.data.layouts.table_sources import open_table, open_tables
from tl_core.data.limits import Limits
from tl_core.data.readers.disguise import is_renamed
from tl_core.data.sources.archive import is_stray, unpack
from tl_core.data.sources.file_kind import FILE_KINDS
from tl_core.data.sources.names import readable
from tl_core.data.sources.types import LAYOUT_HELP, Contents, Source
from tl_core.data.tables.reading import SUFFIXES as TABLE_SUFFIXES
from tl_core.errors import DataError
from tl_core.modalities import MODALITIES, items_of

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
    **dict.fromkeys(
        (".m4a", ".aac", ".wma", ".amr", ".webm", ".mp4", ".mka", ".3gp", ".m4b", ".ape"),
        (
            "Its sound is packed in a way that cannot be read here.",
            "Save the recordings as WAV, FLAC, OGG or MP3.",
        ),
    ),
    ".dcm": ("It is a DICOM file of a medical device.", "Save the pictures as PNG."),
    **dict.fromkeys(
        (".pkl", ".pickle", ".pt", ".pth", ".npy", ".joblib", ".bin"),
        (
            "Such files can run code when they are opened, so they are refused.",
            "Save the data as CSV or Parquet.",
        ),
    ),
}


def open_source(
    path: Path, staging: Path, limits: Limits, options: ImportOptions | None = None
) -> Source:
    """Recognise the source at `path`; a zip is unpacked below `staging` first.

    Raises:
        AmbiguousError: when it can be read in ways that give different classes or splits.
        DataError: when there is nothing to learn from, in words that say what to bring instead.
    """
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
    elif suffix in TABLE_SUFFIXES or is_renamed(path):
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
    contents = _contents(root, limits)
    for kind in _likeliest(contents):
        if source := kind.open_files(contents, limits, options):
            _tell_others(contents, source)
            return source
    if contents.tables or contents.texts:
        return open_tables(contents, limits, options)
    reasons = Counter(one["reason"] for one in contents.skipped)
    raise DataError(
        f"There are no {', '.join(one.items for one in MODALITIES.values())} or tables in it.",
        (
            f"{len(contents.skipped):,} other files were found: {reasons.most_common(1)[0][0]}."
            if contents.skipped
            else "It is empty."
        ),
        LAYOUT_HELP,
    )


def _likeliest(contents: Contents) -> list[ItemKind]:
    """The kinds in the order in which a folder is held to be of them: of those whose items are
    files the one with the most files first.
    """
    ranked = sorted(
        kinds().items(),
        key=lambda one: -len(contents.items[one[0]]) if one[0] in FILE_KINDS else 0,
    )
    return [kind for _, kind in ranked]


def _tell_others(contents: Contents, source: Source) -> None:
    """Set aside the files of other kinds: a dataset holds one."""
    for name, kind in FILE_KINDS.items():
        if name != source.modality:
            reason = f"a {kind.one} beside {items_of(source.modality)}"
            source.skipped += [
                {"item": readable(str(other)), "reason": reason} for other in contents.items[name]
            ]


def _contents(root: Path, limits: Limits) -> Contents:
    contents = Contents(root)
    known = kinds().items()
    for name in _walk(contents, limits):
        suffix = name.suffix.lower()
        modality = next((one for one, kind in known if kind.is_item(root / name)), "")
        if modality:
            contents.items[modality].append(name)
        elif suffix in TABLE_SUFFIXES or is_renamed(root / name):
            contents.tables.append(name)
        else:
            contents.skip(name, _why_not(suffix))
    return contents


def _why_not(suffix: str) -> str:
    if suffix in (*_PACKED, ".zip"):
        return "a packed file inside; unpack it first"
    known = _OTHERS.get(suffix, ("not an image, recording or table", ""))
    return known[0].rstrip(".")


def _walk(contents: Contents, limits: Limits) -> Iterator[PurePosixPath]:
    """Files below the root in sorted order; links and stray files are listed, not followed."""
    count = total = 0
    for folder, subfolders, files in os.walk(contents.root):
        subfolders.sort()
        for file in sorted(files):
            path = Path(folder) / file
            name = PurePosixPath(path.relative_to(contents.root).as_posix())
            if path.is_symlink() or not path.is_file():
                contents.skip(name, "a link, not a file")
                continue
            if is_stray(name):
                contents.skip(name, "a stray file of the system, not data")
                continue
            count, total = count + 1, total + path.stat().st_size
            if count > limits.items or total > limits.total_bytes:
                raise DataError(
                    "The folder holds more than this server allows.",
                    f"The limits are {limits.items:,} files and {limits.total_bytes / 1e9:.0f} GB.",
                    "Bring a part of it, or raise TL_MAX_ITEMS and TL_MAX_UNPACKED_MB.",
                )
            yield name
