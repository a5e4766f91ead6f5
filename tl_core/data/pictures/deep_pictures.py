"""Pictures with more than 8 bits a channel: which they are, and their values as numbers.

Pillow keeps all bits of grey pictures, but only the upper 8 of 16-bit colour, which leaves 12-bit
colour black; here the lower ones are read as well.
"""

from __future__ import annotations

import io
import re
import struct
import sys
import warnings
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tl_core.data.preparation import is_deep

if TYPE_CHECKING:
    from PIL import Image, ImageFile

Values = NDArray[Any]
_PNG, _TIFFS = b"\x89PNG\r\n\x1a\n", (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_PNM = re.compile(rb"P([2356])(?:\s|#[^\n]*\n)+(\d+)(?:\s|#[^\n]*\n)+\d+(?:\s|#[^\n]*\n)+(\d+)\s")
_GREY_OF = {b"6": b"5", b"3": b"2"}
_OPAQUE = 65535
_BITS, _SAMPLES, _PLANES = 258, 277, 284  # tags of TIFF


def deep_kind(head: bytes, path: Path | None = None, data: bytes | None = None) -> str:
    """`whole` or `fraction` numbers of more than 8 bits a channel, "" for an ordinary picture.

    Args:
        head: the first bytes, which tell it of all formats but TIFF.
        path: the file, for a TIFF, whose header may stand at its end; its pixels are not read.
        data: all bytes instead of `path`; without both, `head` is taken for all of them.
    """
    if head.startswith(_PNG):
        return "whole" if len(head) > 24 and head[24] == 16 else ""
    if head.startswith(_TIFFS):
        return _tiff_kind(path or io.BytesIO(data or head))
    if head.startswith(b"Pf"):
        return "fraction"
    if head[:1] == b"P":
        header = _PNM.match(head[:1024])
        return "whole" if header and int(header[3]) > 255 else ""
    return ""


def _tiff_kind(file: Path | io.BytesIO) -> str:
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(file, formats=("TIFF",)) as image:
                if image.mode == "F":
                    return "fraction"
                return "whole" if is_deep(image) or halved(image) else ""
    except Exception:  # noqa: BLE001  damaged headers raise anything; opening it in earnest says what is wrong
        return ""


def halved(image: Image.Image) -> str:
    """How a colour picture that was opened but not yet loaded has 16 bits a channel; "" when it has
    not.
    """
    if image.format == "PPM":
        return "PNM" if _deep_pnm(image) else ""
    tiles = _tiles(image)
    if (
        image.mode not in ("RGB", "RGBA", "RGBX")
        or image.format not in ("PNG", "TIFF")
        or not tiles
    ):
        return ""
    raw = _raw_mode(tiles[0])
    return (
        raw if ";16" in raw and not raw.startswith("RGBa") else ""
    )  # multiplied by alpha, the bytes depend


def in_planes(image: Image.Image) -> bool:
    """Whether a TIFF keeps 16-bit colours in one plane each, which Pillow takes for 8 bits without
    a word.
    """
    tags = getattr(image, "tag_v2", {})
    return bool(
        image.format == "TIFF"
        and tags.get(_PLANES, 1) == 2
        and tags.get(_SAMPLES, 1) > 1
        and max(tags.get(_BITS, (8,))) > 8
    )


def _deep_pnm(image: Image.Image) -> bool:
    """Whether Pillow will scale samples of 16 bits down on its own."""
    tiles = _tiles(image)
    arguments = tiles[0].args if tiles else ()
    return bool(
        image.mode == "RGB"
        and isinstance(arguments, tuple)
        and len(arguments) > 1
        and arguments[1] > 255
    )


def _tiles(image: Image.Image) -> list[ImageFile._Tile]:
    """What is left to decode of a picture that was opened from a file."""
    return list(getattr(image, "tile", []))


def _raw_mode(tile: ImageFile._Tile) -> str:
    return str(tile.args[0] if isinstance(tile.args, tuple) else tile.args)


def colour_values(data: bytes, raw: str, frame: int = 0) -> Values:
    """All 16 bits of a colour picture, as rows of RGB or RGBA; a PNG without regard to its
    orientation.

    Args:
        data: the file.
        raw: what `halved` said of it.
        frame: which picture of a TIFF.
    """
    if raw == "PNM":
        return _colour_pnm(data)
    if raw == "LA;16B":  # grey with alpha: both bytes of both come as four channels
        four = np.asarray(_loaded(data, "RGBA", frame)).astype(np.uint16)
        grey, alpha = four[..., 0] << 8 | four[..., 1], four[..., 2] << 8 | four[..., 3]
        return np.stack([grey, grey, grey, alpha], axis=-1)
    high, low = (
        np.asarray(_loaded(data, wanted, frame)).astype(np.uint16) for wanted in ("", "lower")
    )
    colours: Values = high << 8 | low
    return colours[..., :3] if raw.startswith("RGBX") else colours


def _loaded(data: bytes, wanted: str, frame: int) -> Image.Image:
    """The picture with its bytes taken for `wanted`, the upper ones of each pair for "", the others
    for `lower`.
    """
    from PIL import Image

    image = Image.open(io.BytesIO(data), formats=("PNG", "TIFF"))
    if frame:
        image.seek(frame)
    image.tile = [_retold(tile, wanted) for tile in image.tile] if wanted else image.tile
    image.load()
    return image


def _retold(tile: ImageFile._Tile, wanted: str) -> ImageFile._Tile:
    raw = _raw_mode(tile)
    little = raw.endswith("L") or (raw.endswith("N") and sys.byteorder == "little")
    name = raw[:-1] + ("B" if little else "L") if wanted == "lower" else wanted
    return tile._replace(args=(name, *tile.args[1:]) if isinstance(tile.args, tuple) else name)


def _colour_pnm(data: bytes) -> Values:
    """A colour file read as a grey one of three times the width: its samples lie side by side."""
    from PIL import Image

    header = _PNM.match(data)
    if header is None:
        raise OSError("its header is damaged")
    width = int(header[2])
    start, end = header.span(2)
    grey = b"P" + _GREY_OF[header[1]] + data[2:start] + str(3 * width).encode() + data[end:]
    with Image.open(io.BytesIO(grey), formats=("PPM",)) as image:
        return np.asarray(image).reshape(image.height, width, 3)


def scaled_colours(values: Values, low: float, high: float) -> Image.Image:
    """Colours between `low` and `high` as 8 bits; what is transparent lies on white."""
    from PIL import Image

    spread = high - low if high > low else 1.0
    colours = ((values[..., :3].astype(np.float64) - low) / spread * 255).clip(0, 255)
    if values.shape[-1] == 4:
        share = values[..., 3:].astype(np.float64) / _OPAQUE
        colours = colours * share + 255 * (1 - share)
    return Image.fromarray(colours.round().astype("uint8"))


def colour_png(values: Values) -> bytes:
    """RGB or RGBA of 16 bits as a PNG, which Pillow cannot write."""
    height, width, channels = values.shape
    lines = np.zeros((height, 1 + width * channels * 2), dtype=np.uint8)
    lines[:, 1:] = np.ascontiguousarray(values.astype(">u2")).view(np.uint8).reshape(height, -1)
    header = struct.pack(">IIBBBBB", width, height, 16, 6 if channels == 4 else 2, 0, 0, 0)
    return _PNG + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in (
            (b"IHDR", header),
            (b"IDAT", zlib.compress(lines.tobytes(), 3)),
            (b"IEND", b""),
        )
    )
