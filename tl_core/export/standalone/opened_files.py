"""Files of pictures and sounds, opened as training opened them. What does that is code of the
training, which lies beside this file.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

    from tl_core.data.preparation import Preparation
    from tl_core.export.standalone.inputs import Picture

    Code = Callable[[str], ModuleType]  # gives a module of the bundle by its name

ORIENTATION = 0x0112


def open_sound(path: Path, code: Code) -> NDArray[np.float32]:
    """The samples (samples,) of a recording: mono, 16,000 a second.

    Raises:
        ValueError: when it is damaged, too long, or none.
        OSError: when there is no such file.
    """
    code("limits")  # which the decoder reads
    errors = code("errors")
    try:
        sound: NDArray[np.float32] = code("decoding").decoded(path.read_bytes())
    except errors.UserError as error:
        raise ValueError(str(error)) from error
    return sound


def open_picture(source: Picture, preparation: Preparation, code: Code) -> Image.Image:
    """An upright RGB picture, transparency on white, more than 8 bits scaled as in training.

    Raises:
        ValueError: when it is damaged.
        OSError: when it is no picture.
    """
    from PIL import Image

    path, frame = source if isinstance(source, tuple) else (source, 0)
    try:
        if isinstance(path, Image.Image):
            return _as_rgb(path, preparation)
        with Image.open(path) as image:
            image.seek(frame)
            raw: str = code("deep_pictures").halved(image)
            image.load()
            if raw:
                return _colours(Path(path), frame, raw, image, preparation, code)
            return _as_rgb(image, preparation)
    except (
        SyntaxError,
        TypeError,
        IndexError,
        KeyError,
        EOFError,
        RuntimeError,
        ArithmeticError,
        struct.error,
        MemoryError,
        Image.DecompressionBombError,
    ) as error:
        raise ValueError(f"The image is damaged: {error}") from error


def _as_rgb(image: Image.Image, preparation: Preparation) -> Image.Image:
    from PIL import ImageOps

    picture: Image.Image = preparation.rgb(ImageOps.exif_transpose(image))
    return picture


def _colours(
    path: Path,
    frame: int,
    raw: str,
    image: Image.Image,
    preparation: Preparation,
    code: Code,
) -> Image.Image:
    """Colours of 16 bits, of which Pillow keeps the upper 8 alone."""
    from PIL import ImageOps

    deep = code("deep_pictures")
    values = deep.colour_values(path.read_bytes(), raw, frame)
    low, high = preparation.scale or code("preparation").range_scale(
        0, float(values[..., :3].max()), whole=True
    )
    picture: Image.Image = deep.scaled_colours(values, low, high)
    picture.getexif()[ORIENTATION] = image.getexif().get(ORIENTATION, 1)
    return ImageOps.exif_transpose(picture)
