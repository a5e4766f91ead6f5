"""Facts of photos that should not tell their class: size, light, borders, file format, names."""

from __future__ import annotations

import io

import numpy as np

from tl_core.data.versions.store import DatasetVersion
from tl_core.train.arrays import Floats, Ints
from tl_core.train.items.name_numbers import name_numbers

_FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
_MODES = ("1", "L", "P", "RGB", "RGBA", "CMYK", "LA")


def photo_nuisances(version: DatasetVersion, rows: Ints) -> dict[str, Floats]:
    """Groups of such facts (rows, numbers) by name."""
    known = {name: values[rows] for name, values in version.facts().items()}
    width, height = known["width"].astype(np.float64), known["height"].astype(np.float64)
    colours = known["colours"].reshape(-1, 4, 4, 3)
    border = np.ones((4, 4), dtype=bool)
    border[1:3, 1:3] = False
    return {
        "size and shape": np.column_stack([width, height, width / height]),
        "brightness, contrast and sharpness": (
            np.column_stack([known[name] for name in ("light", "contrast", "sharpness")]).astype(
                np.float64
            )
        ),
        "the colours along the border": (
            colours[:, border].reshape(len(rows), -1).astype(np.float64)
        ),
        "file format and camera data": np.array(
            [_file_facts(version.image_bytes(int(row))) for row in rows]
        ),
        "the numbers in file names": name_numbers(version, rows),
    }


def _file_facts(data: bytes) -> list[float]:
    """Format, colour mode, bytes for each pixel and number of EXIF entries, from the header
    alone.
    """
    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        return [
            float(_FORMATS.index(image.format) if image.format in _FORMATS else len(_FORMATS)),
            float(_MODES.index(image.mode) if image.mode in _MODES else len(_MODES)),
            len(data) / max(image.width * image.height, 1),
            float(len(image.getexif())),
        ]
