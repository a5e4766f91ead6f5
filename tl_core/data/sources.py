"""Recognising what a person brought: class folders, pictures with a table, or tables; folder, zip or single file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from tl_core.data import images, tables
from tl_core.data.archive import is_stray, unpack
from tl_core.data.columns import image_column
from tl_core.data.limits import LIMITS, Limits
from tl_core.data.names import SPLIT_NAMES
from tl_core.data.text_facts import clean_label
from tl_core.errors import DataError

_LAYOUT_HELP = ("Make one folder for each class and put its images in it, or bring a table (CSV, XLSX, JSONL or "
                "Parquet) with one row for each text.")
_PACKED = {".rar": "RAR", ".7z": "7-Zip", ".gz": "gzip", ".tgz": "tar", ".tar": "tar", ".bz2": "bzip2", ".xz": "xz"}
_OTHERS = {
    ".xls": ("It is Excel's format from before 2007.", "Open it and save it as XLSX."),
    ".ods": ("It is an OpenDocument sheet.", "Open it and save it as XLSX or CSV."),
    ".svg": ("SVG drawings can carry code.", "Save it as PNG."),
    **dict.fromkeys((".pkl", ".pickle", ".pt", ".pth", ".npy", ".joblib", ".bin"), (
        "Such files can run code when they are opened, so they are refused.", "Save the data as CSV or Parquet.")),
}


@dataclass(frozen=True)
class ImageFile:
    """One picture: a file, or bytes that a table carried."""

    path: Path
    name: str  # as shown to people: relative to the source
    label: str
    split: str  # "" when the source has no splits
    group: str = ""
    date: str = ""
    extra: dict[str, str] = field(default_factory=dict)
    data: bytes | None = None


@dataclass
class Source:
    """What was found: image files with their class, or tables by split ("" where there is no split).

    `image_tables` list pictures and their classes; then the classes of `images` are only those of their folders.
    """

    modality: str
    images: list[ImageFile] = field(default_factory=list)
    tables: dict[str, Path] = field(default_factory=dict)
    image_tables: list[Path] = field(default_factory=list)
    skipped: list[dict[str, str]] = field(default_factory=list)
    limits: Limits = LIMITS
    root: Path = Path()

    @property
    def splits(self) -> set[str]:
        found = {image.split for image in self.images} | set(self.tables)
        return found - {""}


def open_source(path: Path, staging: Path, limits: Limits) -> Source:
    """Recognise the source at `path`; a zip is unpacked below `staging` first.

    Raises:
        DataError: when there is nothing to learn from, in words that say what to bring instead.
    """
    if not path.exists():
        raise DataError(f"There is no file or folder {str(path)!r}.", "", "Check the spelling.")
    skipped: list[dict[str, str]] = []
    suffix = path.suffix.lower()
    if path.is_file() and suffix == ".zip":
        target = staging / "unpacked"
        skipped = unpack(path, target, limits)
        path = target
    if path.is_dir():
        source = _open_folder(path, limits)
    elif suffix in tables.SUFFIXES:
        source = _open_table(path)
    elif suffix in _PACKED:
        raise DataError(f"{path.name!r} is packed with {_PACKED[suffix]}.", "Only zip is unpacked here.",
                        "Unpack it and bring the folder as a zip.")
    else:
        why, mend = _OTHERS.get(suffix, (f"Its ending is {path.suffix or 'missing'}.", _LAYOUT_HELP))
        raise DataError(f"{path.name!r} is not a kind of file that can be learnt from.", why, mend)
    source.skipped[:0] = skipped
    source.limits = limits
    return source


def _open_table(path: Path) -> Source:
    """A table of texts, or one that lists pictures lying beside it or holds them."""
    from tl_core.data.image_tables import holds_pictures, lists_files_beside

    if path.suffix.lower() == ".parquet" and holds_pictures(path):
        return Source("image", tables={"": path}, root=path.parent)
    if path.suffix.lower() != ".parquet" and lists_files_beside(path):
        return Source("image", image_tables=[path], root=path.parent)
    return Source("text", tables={"": path})


def _open_folder(root: Path, limits: Limits) -> Source:
    from tl_core.data.image_tables import holds_pictures

    skipped: list[dict[str, str]] = []
    pictures: list[PurePosixPath] = []
    sheets: list[PurePosixPath] = []
    for name in _walk(root, limits, skipped):
        suffix = name.suffix.lower()
        if suffix in images.SUFFIXES:
            pictures.append(name)
        elif suffix in tables.SUFFIXES and (suffix != ".json" or not pictures):
            sheets.append(name)
        else:
            skipped.append({"item": str(name), "reason": _why_not(suffix)})
    if pictures:
        return _pictures(root, pictures, sheets, skipped)
    if sheets:
        found = _named_tables(root, _without_notes(sheets, skipped))
        pictured = all(path.suffix.lower() == ".parquet" and holds_pictures(path) for path in found.values())
        return Source("image" if pictured else "text", tables=found, skipped=skipped, root=root)
    raise DataError("There are no images or tables in it.", f"{len(skipped):,} other files were found."
                    if skipped else "It is empty.", _LAYOUT_HELP)


def _why_not(suffix: str) -> str:
    if suffix in (*_PACKED, ".zip"):
        return "a packed file inside; unpack it first"
    return _OTHERS[suffix][0].rstrip(".") if suffix in _OTHERS else "not an image or table"


def _without_notes(sheets: list[PurePosixPath], skipped: list[dict[str, str]]) -> list[PurePosixPath]:
    """Text files beside real tables are notes: README.txt, licence.txt."""
    real = [name for name in sheets if name.suffix.lower() != ".txt"]
    if real and len(real) < len(sheets):
        skipped += [{"item": str(name), "reason": "a note beside tables"} for name in sheets if name not in real]
    return real or sheets


def _pictures(root: Path, pictures: list[PurePosixPath], sheets: list[PurePosixPath],
              skipped: list[dict[str, str]]) -> Source:
    """Pictures whose classes stand in a table beside them, or in their folders."""
    listing = []
    for name in sheets:
        if _lists_pictures(root / name):
            listing.append(root / name)
        else:
            skipped.append({"item": str(name), "reason": "a table beside class folders"})
    if not listing:
        return _class_folders(root, pictures, skipped)
    found = [ImageFile(root / name, str(name), "", _split_of_folders(name)) for name in pictures]
    return Source("image", images=found, image_tables=listing, skipped=skipped, root=root)


def _lists_pictures(path: Path) -> bool:
    """Whether one of the table's columns names image files, or its name says so and its ids have no endings."""
    try:
        head = next(tables.read_table(path)).cells.slice(0, 200).to_pandas()
    except DataError:
        return False
    named = path.stem.lower() in ("metadata", "labels", "train", "train_labels", "annotations")
    return bool(image_column(head)) or (named and len(head.columns) >= 2
                                        and str(head.columns[0]).lower() in ("id", "id_code", "image_id", "image"))


def _split_of_folders(name: PurePosixPath) -> str:
    return next((SPLIT_NAMES[part.lower()] for part in name.parts[:-1] if part.lower() in SPLIT_NAMES), "")


def _walk(root: Path, limits: Limits, skipped: list[dict[str, str]]) -> Iterator[PurePosixPath]:
    """Files below `root` in sorted order; links and stray files are listed, not followed."""
    count = total = 0
    for folder, subfolders, files in os.walk(root):
        subfolders.sort()
        for file in sorted(files):
            path = Path(folder) / file
            name = PurePosixPath(path.relative_to(root).as_posix())
            if path.is_symlink() or not path.is_file():
                skipped.append({"item": str(name), "reason": "a link, not a file"})
                continue
            if is_stray(name):
                skipped.append({"item": str(name), "reason": "a stray file of the system, not data"})
                continue
            count, total = count + 1, total + path.stat().st_size
            if count > limits.items or total > limits.total_bytes:
                raise DataError("The folder holds more than this server allows.",
                                f"The limits are {limits.items:,} files and {limits.total_bytes / 1e9:.0f} GB.",
                                "Bring a part of it, or raise TL_MAX_ITEMS and TL_MAX_UNPACKED_MB.")
            yield name


def _unwrapped(names: list[PurePosixPath]) -> int:
    """How many leading folders wrap everything: `photos/train/cat/1.jpg` and its like give 1."""
    depth = 0
    while all(len(name.parts) > depth + 2 for name in names) and len({name.parts[depth] for name in names}) == 1:
        if SPLIT_NAMES.get(names[0].parts[depth].lower()):
            break
        depth += 1
    return depth


def _class_folders(root: Path, names: list[PurePosixPath], skipped: list[dict[str, str]]) -> Source:
    """The first folder below the wrappers (and below a split folder) is the class; deeper ones are flattened."""
    depth = _unwrapped(names)
    tops = {name.parts[depth] for name in names if len(name.parts) > depth + 1}
    split_tops = {top for top in tops if top.lower() in SPLIT_NAMES}
    has_splits = bool(split_tops) and (len(split_tops) == len(tops) or len(split_tops) > 1) and all(
        len(name.parts) > depth + 2 for name in names if name.parts[depth] in split_tops)
    found = []
    for name in names:
        inner = name.parts[depth:]
        split = ""
        if has_splits:
            if inner[0] not in split_tops:
                skipped.append({"item": str(name), "reason": "outside the train, validation and test folders"})
                continue
            split, inner = SPLIT_NAMES[inner[0].lower()], inner[1:]
        if len(inner) < 2:
            skipped.append({"item": str(name), "reason": "in no class folder"})
            continue
        found.append(ImageFile(root / name, str(name), clean_label(inner[0]), split))
    if not found:
        raise DataError(f"It holds {len(names):,} images but no folders, so there are no class names.", "",
                        "Put the images of each class into a folder of their own, named like the class, or add a "
                        "table with the columns file_name and label.")
    return Source("image", images=found, skipped=skipped, root=root)


def _named_tables(root: Path, names: list[PurePosixPath]) -> dict[str, Path]:
    """One table, or tables named train, validation (val, dev) and test."""
    if len(names) == 1:
        return {"": root / names[0]}
    found: dict[str, Path] = {}
    for name in names:
        split = _split_in(name.stem)
        if not split or split in found:
            raise DataError(f"It holds {len(names)} tables and it is not clear how they belong together.",
                            f"{name.name!r} is not named after a split, or two are named alike.",
                            "Bring one table, or name them train, validation and test.")
        found[split] = root / name
    if "train" not in found:
        raise DataError("None of the tables is named train.", "", "Name the one to learn from 'train'.")
    return found


def _split_in(stem: str) -> str:
    words = "".join(c if c.isalnum() else " " for c in stem.lower()).split()
    return next((SPLIT_NAMES[word] for word in words if word in SPLIT_NAMES), "")
