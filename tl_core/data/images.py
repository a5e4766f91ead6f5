"""One way to open an image, for intake, training and prediction alike."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

from tl_core.errors import DataError

if TYPE_CHECKING:
    from PIL import Image

SUFFIXES = {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".avif"}
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "AVIF")
MAX_BYTES = 100 << 20
MAX_PIXELS = 64_000_000
_MIN_SIDE = 2


def open_image(data: bytes) -> Image.Image:
    """Decode `data` to an upright RGB picture of its first frame.

    EXIF rotation is applied, transparency is laid on white, 16-bit grey is scaled to 8 bits.

    Raises:
        DataError: for anything that is not a whole picture of a supported format and sane size.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    if len(data) > MAX_BYTES:
        raise DataError("The image file is over 100 MB.", "", "Save a smaller copy.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image: Image.Image = Image.open(io.BytesIO(data), formats=FORMATS)
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise DataError(f"The image has {width * height / 1e6:.0f} million pixels.",
                                "Pictures over 64 million could exhaust the memory.", "Save a smaller copy.")
            if min(width, height) < _MIN_SIDE:
                raise DataError(f"The image is {width} x {height} pixels.", "There is nothing in it to learn from.")
            image.load()
            return _to_rgb(ImageOps.exif_transpose(image))
    except UnidentifiedImageError as error:
        raise DataError("This is not an image in a supported format.", "",
                        "Use JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF.") from error
    except Image.DecompressionBombError as error:
        raise DataError("The image has hundreds of million pixels.", "It could exhaust the memory.",
                        "Save a smaller copy.") from error
    except (OSError, ValueError, SyntaxError, TypeError, IndexError, KeyError, EOFError) as error:
        raise DataError("The image is damaged.", f"{error}.", "Save it again from the original.") from error


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
