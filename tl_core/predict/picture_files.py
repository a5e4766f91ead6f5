"""Pictures that are to be predicted: every file of a folder has its place, also those that turn out
to be none.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from tl_core.data.limits import LIMITS
from tl_core.data.pictures.images import HEAD_BYTES, open_image, page_bytes, pages, picture_kind
from tl_core.data.preparation import Preparation
from tl_core.data.sources.names import readable
from tl_core.errors import DataError

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
}
"""Endings of what lies beside pictures and is none."""
_RAW = {".raw", ".cr2", ".cr3", ".nef", ".arw", ".dng", ".orf", ".rw2", ".raf"}


class Picture(NamedTuple):
    """A file that is to be read as a picture, or one page of it."""

    name: str
    path: Path
    page: int = 0
    reason: str = ""  # why it is not even tried


def find_pictures(
    files: list[Path], root: Path, preparation: Preparation, *, follow: bool
) -> Iterator[Picture]:
    """The pictures in `files`, named by their place below `root`, pages one by one where training
    took them so.

    Without `follow` links are not opened: they could point at other people's files.
    """
    for path in files:
        name = readable(path.relative_to(root).as_posix())
        if path.is_symlink() and not follow:
            yield Picture(
                name, path, reason="It is a link to another place, which is not followed."
            )
            continue
        count = _pages_of(path) if preparation.page == "all" else 1
        yield from (
            [Picture(name, path)]
            if count == 1
            else (Picture(f"{name}#{page + 1}", path, page) for page in range(count))
        )


def read_picture(picture: Picture, preparation: Preparation) -> Image.Image:
    """The RGB picture that the model reads.

    Raises:
        DataError: when the file is none.
    """
    try:
        if picture.path.stat().st_size > LIMITS.image_bytes:
            raise DataError("The image file is over 100 MB.", "", "Save a smaller copy.")
        data = picture.path.read_bytes()
    except OSError as error:
        raise DataError(f"The file cannot be read ({error.strerror}).") from error
    return open_page(data, picture.page, preparation, picture.path.suffix)


def open_page(data: bytes, page: int, preparation: Preparation, suffix: str = "") -> Image.Image:
    """A page of an encoded picture (0 is the first) as the model reads it.

    Raises:
        DataError: when it cannot be read; files of other kinds are called by their name.
    """
    if other := _other_kind(data, suffix.lower()):
        raise DataError(
            f"This is not an image in a supported format but {other}.",
            "",
            "Save it as PNG or JPEG.",
        )
    several = preparation.page == "all" and count_pages(data) > 1
    return open_image(page_bytes(data, page) if several else data, preparation.scale)


def count_pages(data: bytes) -> int:
    """Pages of a TIFF; 1 for every other file, and for those that cannot be read, which is said at
    their prediction.
    """
    try:
        return pages(data)
    except DataError:
        return 1


def _pages_of(path: Path) -> int:
    try:
        with path.open("rb") as handle:
            if (
                picture_kind(handle.read(HEAD_BYTES)) != "TIFF"
                or path.stat().st_size > LIMITS.image_bytes
            ):
                return 1
        return count_pages(path.read_bytes())
    except OSError:
        return 1


def _other_kind(data: bytes, suffix: str) -> str:
    if data[128:132] == b"DICM" or suffix in (".dcm", ".dicom"):
        return "a DICOM file"
    if data[:4] == b"%PDF" or suffix == ".pdf":
        return "a PDF document"
    return "a raw file of a camera" if suffix in _RAW else ""
