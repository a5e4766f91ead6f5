"""Pictures of more than 8 bits, some made by hand as Pillow writes none, and how they are shown."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image

from tl_core.data.pictures.images import open_image
from tl_core.data.pictures.picture_range import RangeReader

SHAPE = (24, 32)


def noise(high, shape=SHAPE, seed=0, low=0):
    values = np.random.default_rng(seed).integers(low, high + 1, shape)
    values[0, :8], values[1, :8] = (
        high,
        low,
    )  # so that the range is reached by more than a few pixels
    return values


def saved(values, kind, **options):
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, kind, **options)
    return buffer.getvalue()


def colour_png(values):
    """A 16-bit PNG made by hand, as Pillow writes none."""
    channels = values.shape[2]
    lines = b"".join(b"\0" + line.astype(">u2").tobytes() for line in values)
    header = struct.pack(
        ">IIBBBBB", values.shape[1], values.shape[0], 16, {2: 4, 3: 2, 4: 6}[channels], 0, 0, 0
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in ((b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b""))
    )


def tiff(values, order="<", photometric=1, kind="u2", planes=1, compression=1):
    """A TIFF made by hand, of any byte order and kind of numbers."""
    samples = values.shape[2] if values.ndim == 3 else 1
    parts = [values] if planes == 1 else [values[..., place] for place in range(samples)]
    strips = [part.astype(order + kind).tobytes() for part in parts]
    strips = [zlib.compress(strip) for strip in strips] if compression == 8 else strips
    bits, fmt = 8 * int(kind[1]), {"u": 1, "i": 2, "f": 3}[kind[0]]

    def head(start):
        places = [start + sum(map(len, strips[:number])) for number in range(len(strips))]
        entries = [
            (256, 3, [values.shape[1]]),
            (257, 3, [values.shape[0]]),
            (258, 3, [bits] * samples),
            (259, 3, [compression]),
            (262, 3, [photometric]),
            (273, 4, places),
            (277, 3, [samples]),
            (278, 3, [values.shape[0]]),
            (279, 4, [len(strip) for strip in strips]),
            (284, 3, [planes]),
            (339, 3, [fmt] * samples),
        ]
        body, lines, offset = b"", b"", 8 + 2 + 12 * len(entries) + 4
        for tag, size, numbers in entries:
            packed = struct.pack(order + {3: "H", 4: "I"}[size] * len(numbers), *numbers)
            if len(packed) > 4:
                place, body = offset + len(body), body + packed
                packed = struct.pack(order + "I", place)
            lines += struct.pack(order + "HHI", tag, size, len(numbers)) + packed.ljust(4, b"\0")
        return (
            {"<": b"II*\0", ">": b"MM\0*"}[order]
            + struct.pack(order + "IH", 8, len(entries))
            + lines
            + struct.pack(order + "I", 0)
            + body
        )

    return head(len(head(0))) + b"".join(strips)


def pnm(values, top=65535):
    kind = b"P6" if values.ndim == 3 else b"P5"
    head = b"\n# made here\n%d %d\n%d\n" % (values.shape[1], values.shape[0], top)
    return kind + head + values.astype(">u2").tobytes()


def scale_of(*pictures):
    reader = RangeReader()
    assert all(reader.add(picture) for picture in pictures)
    return reader.scale()


def shown(data, scale):
    return np.asarray(open_image(data, scale)).astype(int)
