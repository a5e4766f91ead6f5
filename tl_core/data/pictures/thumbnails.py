"""Small pictures to look at."""

from __future__ import annotations

import io

from tl_core.data.pictures.images import open_image

_SIDE = 192


def thumbnail(data: bytes, side: int = _SIDE, *, whole: bool = False) -> bytes:
    """A small JPEG of an encoded picture, upright and RGB: a square from its middle, or all of
    it.
    """
    from PIL import ImageOps

    picture = (ImageOps.contain if whole else ImageOps.fit)(open_image(data), (side, side))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
