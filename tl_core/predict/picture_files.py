"""Pictures that are to be predicted: every file of a folder has its place, also those that turn out to be none."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

from tl_core.data.images import open_image
from tl_core.data.limits import LIMITS
from tl_core.data.names import readable
from tl_core.data.preparation import Preparation
from tl_core.errors import DataError

NOTES = {".txt", ".md", ".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".xlsx", ".xls", ".ods", ".parquet", ".xml",
         ".yaml", ".yml", ".html", ".htm"}
"""Endings of what lies beside pictures and is none."""
_RAW = {".raw", ".cr2", ".cr3", ".nef", ".arw", ".dng", ".orf", ".rw2", ".raf"}
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


class Picture(NamedTuple):
    """A file that is to be read as a picture, or one page of it."""

    name: str
    path: Path
    page: int = 0
    reason: str = ""  # why it is not even tried


def find_pictures(files: list[Path], root: Path, preparation: Preparation) -> Iterator[Picture]:
    """The pictures in `files`, named by their place below `root`, pages one by one where training took them so."""
    for path in files:
        name = readable(path.relative_to(root).as_posix())
        if path.is_symlink() and path != root:
            yield Picture(name, path, reason="It is a link to another place, which is not followed.")
            continue
        pages = _pages_of(path) if preparation.page == "all" else 1
        yield from [Picture(name, path)] if pages == 1 else (
            Picture(f"{name}#{page + 1}", path, page) for page in range(pages))


def read_picture(picture: Picture, preparation: Preparation) -> Any:  # noqa: ANN401
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


def open_page(data: bytes, page: int, preparation: Preparation, suffix: str = "") -> Any:  # noqa: ANN401
    """A page of an encoded picture (0 is the first) as the model reads it.

    Raises:
        DataError: when it cannot be read; files of other kinds are called by their name.
    """
    if other := _other_kind(data, suffix.lower()):
        raise DataError(f"This is not an image in a supported format but {other}.", "", "Save it as PNG or JPEG.")
    return open_image(_one_page(data, page) if page else data, preparation.scale)


def count_pages(handle: IO[bytes]) -> int:
    """Pages of a TIFF; 1 for every other file, and for those that cannot be read."""
    from PIL import Image

    if handle.read(4) not in _TIFF:
        return 1
    handle.seek(0)
    try:
        with Image.open(handle, formats=("TIFF",)) as image:
            return max(int(getattr(image, "n_frames", 1)), 1)
    except Exception:  # noqa: BLE001 - whatever is wrong with it is said when it is opened for its prediction
        return 1


def _pages_of(path: Path) -> int:
    try:
        with path.open("rb") as handle:
            return count_pages(handle)
    except OSError:
        return 1


def _one_page(data: bytes, page: int) -> bytes:
    """A later page as a file of its own, its values untouched."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=("TIFF",)) as image:
            image.seek(page)
            if image.size[0] * image.size[1] > LIMITS.image_pixels:
                raise DataError(f"The page has {image.size[0] * image.size[1] / 1e6:.0f} million pixels.")
            out = io.BytesIO()
            image.copy().save(out, "TIFF")
            return out.getvalue()
    except (OSError, ValueError, EOFError, SyntaxError, KeyError, TypeError, RuntimeError, MemoryError) as error:
        raise DataError(f"Page {page + 1} is damaged.", f"{str(error)[:200]}.") from error


def _other_kind(data: bytes, suffix: str) -> str:
    if data[128:132] == b"DICM" or suffix in (".dcm", ".dicom"):
        return "a DICOM file"
    if data[:4] == b"%PDF" or suffix == ".pdf":
        return "a PDF document"
    return "a raw file of a camera" if suffix in _RAW else ""
