"""Recognising what a person brought: class folders or tables, in a folder, a zip or a single file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from tl_core.data import images, tables
from tl_core.data.archive import Limits, is_stray, unpack
from tl_core.errors import DataError

SPLIT_NAMES = {
    "train": "train", "training": "train", "val": "validation", "valid": "validation", "validation": "validation",
    "dev": "validation", "eval": "validation", "test": "test", "testing": "test", "holdout": "test",
}
_LAYOUT_HELP = ("Make one folder for each class and put its images in it, or bring a table (CSV, XLSX, JSONL or "
                "Parquet) with one row for each text.")


@dataclass(frozen=True)
class ImageFile:
    path: Path
    name: str  # as shown to people: relative to the source
    label: str
    split: str  # "" when the source has no split folders


@dataclass
class Source:
    """What was found: image files with their class, or tables by split ("" where there is no split)."""

    modality: str
    images: list[ImageFile] = field(default_factory=list)
    tables: dict[str, Path] = field(default_factory=dict)
    skipped: list[dict[str, str]] = field(default_factory=list)

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
    if path.is_file() and path.suffix.lower() == ".zip":
        target = staging / "unpacked"
        skipped = unpack(path, target, limits)
        path = target
    if path.is_dir():
        source = _open_folder(path, limits)
    elif path.suffix.lower() in tables.SUFFIXES:
        source = Source("text", tables={"": path})
    else:
        raise DataError(f"{path.name!r} is not a kind of file that can be learnt from.",
                        f"Its ending is {path.suffix or 'missing'}.", _LAYOUT_HELP)
    source.skipped[:0] = skipped
    return source


def _open_folder(root: Path, limits: Limits) -> Source:
    skipped: list[dict[str, str]] = []
    pictures: list[PurePosixPath] = []
    sheets: list[PurePosixPath] = []
    for name in _walk(root, limits, skipped):
        suffix = name.suffix.lower()
        if suffix in images.SUFFIXES:
            pictures.append(name)
        elif suffix in tables.SUFFIXES:
            sheets.append(name)
        else:
            reason = ("SVG drawings can carry code" if suffix == ".svg" else "not an image or table")
            skipped.append({"item": str(name), "reason": reason})
    if pictures:
        skipped += [{"item": str(name), "reason": "a table beside class folders"} for name in sheets]
        return _class_folders(root, pictures, skipped)
    if sheets:
        return Source("text", tables=_named_tables(root, sheets), skipped=skipped)
    raise DataError("There are no images or tables in it.", f"{len(skipped):,} other files were found."
                    if skipped else "It is empty.", _LAYOUT_HELP)


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
        found.append(ImageFile(root / name, str(name), inner[0].strip(), split))
    if not found:
        raise DataError(f"It holds {len(names):,} images but no folders, so there are no class names.", "",
                        "Put the images of each class into a folder of their own, named like the class.")
    return Source("image", images=found, skipped=skipped)


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
