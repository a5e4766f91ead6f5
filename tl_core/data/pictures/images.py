"""One way to open an image, for intake, training and prediction alike."""

from __future__ import annotations

import io
import re
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from tl_core.data.limits import LIMITS
from tl_core.data.pictures.deep_pictures import (
    colour_png,
    colour_values,
    halved,
    in_planes,
    scaled_colours,
)
from tl_core.data.preparation import range_scale, to_rgb
from tl_core.errors import DataError

if TYPE_CHECKING:
    from PIL import Image

SUFFIXES = {
    ".jpg",
    ".jpeg",
    ".jpe",
    ".jfif",
    ".png",
    ".gif",
    ".bmp",
    ".webp",
    ".tif",
    ".tiff",
    ".avif",
    ".heic",
    ".heif",
    ".ppm",
    ".pgm",
    ".pbm",
    ".pnm",
}
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "AVIF", "HEIF", "PPM")
HEAD_BYTES = 512
_MIN_SIDE, _ORIENTATION, _SUBFILE, _COPY_OR_MASK = 2, 0x0112, 0x00FE, 0b101
_MOST_PAGES = 10_000
_KEPT = ("1", "L", "P", "LA", "RGB", "RGBA", "I;16", "I;16B", "I;16L")
_STARTS = (
    ("JPEG", b"\xff\xd8\xff"),
    ("PNG", b"\x89PNG\r\n\x1a\n"),
    ("GIF", b"GIF87a"),
    ("GIF", b"GIF89a"),
    ("TIFF", b"II*\0"),
    ("TIFF", b"MM\0*"),
    ("TIFF", b"II+\0"),
    ("TIFF", b"MM\0+"),
)
_AVIF = {b"avif", b"avis"}
_HEIF = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
_BMP_HEADERS = {size.to_bytes(4, "little") for size in (12, 40, 52, 56, 64, 108, 124)}
_PNM = re.compile(rb"P[1-6](?:\s|#[^\n]*\n)+\d+(?:\s|#[^\n]*\n)+\d+\s|Pf\s+\d+\s+\d+\s")


@cache
def _know_heif() -> None:
    """Teach Pillow the format of most phones."""
    import pi_heif

    pi_heif.register_heif_opener()


def open_image(data: bytes, scale: tuple[float, ...] = ()) -> Image.Image:
    """`data` as an upright RGB picture of its first frame.

    EXIF rotation is applied, transparency is laid on white, more than 8 bits are brought to 8.

    Args:
        data: the file.
        scale: darkest and brightest value of pictures with more than 8 bits; without it each
        picture's own depth.

    Raises:
        DataError: for anything that is not a whole picture of a supported format and sane size.
    """
    return _decode(data, 0, scale)[0]


def open_small(
    data: bytes, at_least: int, scale: tuple[float, ...] = ()
) -> tuple[Image.Image, tuple[int, int]]:
    """The picture, JPEG at the smallest fraction whose sides are both `at_least` long, and its real
    (width, height).

    All bytes are read and checked as in `open_image`, at a third of the time.

    Raises:
        DataError: as `open_image`.
    """
    return _decode(data, at_least, scale)


def eight_bits(data: bytes, scale: tuple[float, ...] = ()) -> bytes:
    """A PNG of 8 bits of a picture with more of them, upright, so that nobody has to know the scale
    any more.

    Raises:
        DataError: as `open_image`.
    """
    picture = open_image(data, scale)
    red, green, blue = picture.split()
    grey = red.tobytes() == green.tobytes() == blue.tobytes()
    return _png(red if grey else picture)


def _decode(
    data: bytes, at_least: int, scale: tuple[float, ...]
) -> tuple[Image.Image, tuple[int, int]]:
    from PIL import ImageOps

    with _opened(data) as image:
        width, height = image.size
        if at_least and image.format == "JPEG":
            image.draft(None, (at_least, at_least))
        raw = halved(image)
        image.load()
        turn = image.getexif().get(_ORIENTATION, 1)
        size = (height, width) if turn in (5, 6, 7, 8) else (width, height)
        if not raw:
            return to_rgb(ImageOps.exif_transpose(image), scale), size
        values = colour_values(data, raw)
        low, high = scale or range_scale(0, float(values[..., :3].max()), whole=True)
        return _turned(scaled_colours(values, low, high), turn), size


@contextmanager
def _opened(data: bytes) -> Iterator[Image.Image]:
    """A picture whose header was read and found sane; whatever goes wrong with it then is told in
    plain words.
    """
    from PIL import Image, UnidentifiedImageError

    _know_heif()
    if len(data) > LIMITS.image_bytes:
        raise DataError("The image file is over 100 MB.", "", "Save a smaller copy.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(data), formats=FORMATS)
            _check(image)
            yield image
    except UnidentifiedImageError as error:
        if picture_kind(data[:HEAD_BYTES]) == "TIFF":
            raise DataError(
                "This kind of TIFF is not supported.",
                "It may be cut off, hold colours as fractions or "
                "32 bits, or more channels than a picture has.",
                "Save it as PNG, or as TIFF with 8 or 16 bits, grey or RGB.",
            ) from error
        raise DataError(
            "This is not an image in a supported format.",
            "",
            "Use JPEG, PNG, WebP, GIF, BMP, TIFF, HEIC or AVIF.",
        ) from error
    except Image.DecompressionBombError as error:
        raise DataError(
            "The image has hundreds of million pixels.",
            "It could exhaust the memory.",
            "Save a smaller copy.",
        ) from error
    except MemoryError as error:
        raise DataError(
            "The image asks for more memory than there is.", "", "Save a smaller copy."
        ) from error
    except (
        OSError,
        ValueError,
        SyntaxError,
        TypeError,
        IndexError,
        KeyError,
        EOFError,
        OverflowError,
        RuntimeError,
        AttributeError,
        ArithmeticError,
        struct.error,
    ) as error:
        raise DataError(
            "The image is damaged.", f"{str(error)[:200]}.", "Save it again from the original."
        ) from error


def _check(image: Image.Image) -> None:
    width, height = image.size
    if width * height > LIMITS.image_pixels:
        raise DataError(
            f"The image has {width * height / 1e6:.0f} million pixels.",
            "Pictures over 64 million could exhaust the memory.",
            "Save a smaller copy.",
        )
    if min(width, height) < _MIN_SIDE:
        raise DataError(
            f"The image is {width} x {height} pixels.", "There is nothing in it to learn from."
        )
    if in_planes(image):
        raise DataError(
            "The TIFF keeps its 16-bit colours in separate planes.",
            "They would be read wrongly.",
            "Save it with interleaved colours, or as PNG.",
        )


def _turned(image: Image.Image, orientation: int) -> Image.Image:
    """`image` as EXIF says that it stands upright."""
    from PIL import ImageOps

    if orientation == 1:
        return image
    image.getexif()[_ORIENTATION] = orientation
    return ImageOps.exif_transpose(image)


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()


def picture_kind(head: bytes) -> str:
    """The format of a picture by its first `HEAD_BYTES` bytes, "" for anything else; no name is
    needed.
    """
    for kind, start in _STARTS:
        if head.startswith(start):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[4:8] == b"ftyp":
        brands = {
            head[8:12],
            *(head[place : place + 4] for place in range(16, min(len(head), head[3] or 16), 4)),
        }
        return "AVIF" if brands & _AVIF else "HEIF" if brands & _HEIF else ""
    if head[:2] == b"BM" and head[6:10] == bytes(4) and head[14:18] in _BMP_HEADERS:
        return "BMP"
    return "PPM" if _PNM.match(head) else ""


def pages(data: bytes) -> int:
    """How many pages a TIFF holds, without smaller copies and masks of them; 1 for any other
    picture.

    Animations count as one: they are films, of which the first frame is taken.

    Raises:
        DataError: as `open_image`, and for files of more than 10,000 pages.
    """
    return len(_pages(data)) if picture_kind(data[:HEAD_BYTES]) == "TIFF" else 1


def page_bytes(data: bytes, number: int) -> bytes:
    """One page of a TIFF as a picture of its own, upright, with all its bits; the first one is
    number 0.

    Raises:
        DataError: as `open_image`, and when there is no such page.
    """
    from PIL import Image, ImageOps

    frames = _pages(data)
    if not 0 <= number < len(frames):
        raise DataError(f"There is no page {number + 1}.", f"The file has {len(frames)}.")
    with _opened(data) as image:
        image.seek(frames[number])
        _check(image)
        raw = halved(image)
        if raw:
            return colour_png(
                colour_values(data, raw, frames[number])
            )  # Pillow turns a TIFF upright by itself
        upright = ImageOps.exif_transpose(image)
        if upright.mode in ("I", "F"):  # PNG has no room for signs and fractions
            buffer = io.BytesIO()
            Image.fromarray(np.asarray(upright)).save(buffer, "TIFF", compression="tiff_deflate")
            return buffer.getvalue()
        return _png(upright if upright.mode in _KEPT else to_rgb(upright))


def _pages(data: bytes) -> list[int]:
    """The frames of a TIFF that are pages."""
    frames = []
    with _opened(data) as image:
        for place in range(_MOST_PAGES + 1):
            try:
                image.seek(place)
            except EOFError:
                break
            if not int(getattr(image, "tag_v2", {}).get(_SUBFILE, 0)) & _COPY_OR_MASK:
                frames.append(place)
        else:
            raise DataError(
                f"The file has over {_MOST_PAGES:,} pages.", "", "Split it into smaller files."
            )
    return frames or [0]
