"""Pictures of every kind come out upright and RGB; broken ones are listed, never invented."""

from __future__ import annotations

import io
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests_support.datasets import build, write_pictures

from tl_core.data.pictures.images import open_image
from tl_core.errors import DataError


def encoded(image, kind="PNG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def gradient(mode):
    values = np.tile(np.linspace(0, 255, 32), (16, 1)).astype("uint8")
    return Image.fromarray(values).convert(mode)


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("L", "PNG"),
        ("P", "PNG"),
        ("RGBA", "PNG"),
        ("LA", "PNG"),
        ("1", "PNG"),
        ("CMYK", "JPEG"),
        ("RGB", "WEBP"),
        ("RGB", "BMP"),
        ("RGB", "TIFF"),
        ("P", "GIF"),
    ],
)
def test_every_mode_becomes_rgb(mode, kind):
    found = open_image(encoded(gradient(mode), kind))
    assert (found.mode, found.size) == ("RGB", (32, 16))


def test_sixteen_bits_are_scaled_not_clipped():
    values = np.tile(np.linspace(0, 65535, 32), (16, 1)).astype("uint16")
    found = np.asarray(open_image(encoded(Image.fromarray(values))))
    assert found.max() == 255
    assert 100 < found[0, 16, 0] < 150


def test_exif_rotation_is_applied():
    exif = Image.Exif()
    exif[0x0112] = 6
    assert open_image(encoded(gradient("RGB"), "JPEG", exif=exif)).size == (16, 32)


def test_transparency_is_laid_on_white():
    clear = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    assert np.asarray(open_image(encoded(clear))).min() == 255


def test_animations_give_their_first_frame():
    frames = [Image.new("RGB", (8, 8), c) for c in ("red", "blue")]
    found = open_image(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert found.getpixel((0, 0)) == (255, 0, 0)


def test_the_format_of_phones_is_read():
    """`half-red.heic` was written by libheif's own encoder: 64 x 48, the left half red."""
    picture = open_image((Path(__file__).parent / "files" / "half-red.heic").read_bytes())
    assert picture.size == (64, 48)
    assert picture.getpixel((10, 20))[0] > 200 > 60 > picture.getpixel((10, 20))[1]
    assert min(picture.getpixel((50, 20))) > 220


def test_a_pixel_bomb_is_refused_without_decoding():
    header = encoded(Image.new("L", (8, 8)))
    bomb = bytearray(header)
    bomb[16:24] = (60000).to_bytes(4, "big") + (60000).to_bytes(4, "big")
    bomb[29:33] = zlib.crc32(bytes(bomb[12:29])).to_bytes(4, "big")
    with pytest.raises(DataError, match="million pixels"):
        open_image(bytes(bomb))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        b"<svg xmlns='x'/>",
        encoded(Image.new("RGB", (99, 99)))[:80],
        encoded(Image.new("RGB", (1, 1))),
    ],
)
def test_what_is_no_picture_is_refused(data):
    with pytest.raises(DataError):
        open_image(data)


def test_broken_images_are_quarantined_and_listed(tmp_path):
    root = write_pictures(tmp_path / "d")
    (root / "red" / "broken.png").write_bytes((root / "red" / "0.png").read_bytes()[:100])
    (root / "blue" / "empty.jpg").write_bytes(b"")
    version = build(root, tmp_path / "v")
    assert version.info.rows == 36
    assert {item["item"] for item in version.info.skipped} == {"red/broken.png", "blue/empty.jpg"}


def test_no_rows_left_is_an_error(tmp_path):
    for label in "ab":
        (tmp_path / "d" / label).mkdir(parents=True)
        (tmp_path / "d" / label / "x.png").write_bytes(b"no")
    with pytest.raises(DataError, match="No usable row"):
        build(tmp_path / "d", tmp_path / "v")
