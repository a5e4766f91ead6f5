"""One way to open an image, for intake, training and prediction alike."""

from __future__ import annotations

import io
import struct
import warnings
from functools import cache
from typing import TYPE_CHECKING

from tl_core.data.limits import LIMITS
from tl_core.errors import DataError

if TYPE_CHECKING:
    from PIL import Image

SUFFIXES = {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".avif", ".heic",
            ".heif"}
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "AVIF", "HEIF")
_MIN_SIDE, _ORIENTATION = 2, 0x0112


@cache
def _know_heif() -> None:
    """Teach Pillow the format of most phones."""
    import pi_heif

    pi_heif.register_heif_opener()


def open_image(data: bytes) -> Image.Image:
    """`data` as an upright RGB picture of its first frame.

    EXIF rotation is applied, transparency is laid on white, 16-bit grey is scaled to 8 bits.

    Raises:
        DataError: for anything that is not a whole picture of a supported format and sane size.
    """
    return _decode(data, 0)[0]


def open_small(data: bytes, at_least: int) -> tuple[Image.Image, tuple[int, int]]:
    """The picture, JPEG at the smallest fraction whose sides are both `at_least` long, and its real (width, height).

    All bytes are read and checked as in `open_image`, at a third of the time.

    Raises:
        DataError: as `open_image`.
    """
    return _decode(data, at_least)


def _decode(data: bytes, at_least: int) -> tuple[Image.Image, tuple[int, int]]:
    from PIL import Image, ImageOps, UnidentifiedImageError

    _know_heif()
    if len(data) > LIMITS.image_bytes:
        raise DataError("The image file is over 100 MB.", "", "Save a smaller copy.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image: Image.Image = Image.open(io.BytesIO(data), formats=FORMATS)
            width, height = image.size
            if width * height > LIMITS.image_pixels:
                raise DataError(f"The image has {width * height / 1e6:.0f} million pixels.",
                                "Pictures over 64 million could exhaust the memory.", "Save a smaller copy.")
            if min(width, height) < _MIN_SIDE:
                raise DataError(f"The image is {width} x {height} pixels.", "There is nothing in it to learn from.")
            if at_least and image.format == "JPEG":
                image.draft(None, (at_least, at_least))
            image.load()
            turned = image.getexif().get(_ORIENTATION, 1) in (5, 6, 7, 8)
            return _to_rgb(ImageOps.exif_transpose(image)), (height, width) if turned else (width, height)
    except UnidentifiedImageError as error:
        raise DataError("This is not an image in a supported format.", "",
                        "Use JPEG, PNG, WebP, GIF, BMP, TIFF, HEIC or AVIF.") from error
    except Image.DecompressionBombError as error:
        raise DataError("The image has hundreds of million pixels.", "It could exhaust the memory.",
                        "Save a smaller copy.") from error
    except MemoryError as error:
        raise DataError("The image asks for more memory than there is.", "", "Save a smaller copy.") from error
    except (OSError, ValueError, SyntaxError, TypeError, IndexError, KeyError, EOFError, OverflowError, RuntimeError,
            AttributeError, ArithmeticError, struct.error) as error:
        raise DataError("The image is damaged.", f"{str(error)[:200]}.", "Save it again from the original.") from error


def _to_rgb(image: Image.Image) -> Image.Image:
    from PIL import Image

    if image.mode.startswith("I") or image.mode == "F":
        import numpy as np

        values = np.asarray(image, dtype=np.float64)
        top = 65535.0 if values.max() > 255 else 255.0
        return Image.fromarray((values.clip(0, top) / top * 255).astype("uint8")).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        ground = Image.new("RGBA", image.size, (255, 255, 255, 255))
        return Image.alpha_composite(ground, image).convert("RGB")
    return image.convert("RGB")
