"""Picture files by their first bytes, and the pages inside them, each with all its bits."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from tests_support.deep_files import SHAPE, noise, pnm, saved, shown, tiff

from tl_core.data.pictures.images import open_image, page_bytes, pages, picture_kind
from tl_core.data.pictures.picture_range import RangeReader, deep_kind
from tl_core.errors import DataError

STARTS = [
    ("JPEG", saved(noise(255).astype("uint8"), "JPEG")),
    ("PNG", saved(noise(255).astype("uint8"), "PNG")),
    ("GIF", saved(noise(255).astype("uint8"), "GIF")),
    ("BMP", saved(noise(255).astype("uint8"), "BMP")),
    ("WEBP", saved(noise(255, (*SHAPE, 3)).astype("uint8"), "WEBP")),
    ("TIFF", tiff(noise(255))),
    ("TIFF", tiff(noise(255), ">")),
    ("PPM", pnm(noise(255), 255)),
    ("PPM", b"P2 2 2 255 1 2 3 4"),
    ("AVIF", saved(noise(255, (*SHAPE, 3)).astype("uint8"), "AVIF")),
    ("", b"BM is a short text about bitmaps"),
    ("", b"P5 is a level of proof, 3 of 4"),
    ("", b"id,label\n1,a\n"),
    ("", b""),
    ("", b"%PDF-1.7"),
    ("", b"RIFF....WAVEfmt "),
    ("", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom"),
]


@pytest.mark.parametrize(("kind", "data"), STARTS)
def test_pictures_are_known_by_their_first_bytes(kind, data):
    assert picture_kind(data[:512]) == kind


@pytest.mark.parametrize(
    "data",
    [
        b"P1\n2 2\n1 0\n0 1\n",
        b"P4\n16 2\n\xff\x00\xff\x00",
        b"P2\n2 2\n255\n0 255 0 255\n",
        b"P3\n2 2\n255\n" + b"0 255 0 " * 4,
        pnm(noise(255), 255),
    ],
)
def test_the_netpbm_formats_are_read(data):
    assert open_image(data).mode == "RGB"


def paged(pictures, **options):
    buffer = io.BytesIO()
    images = [Image.fromarray(picture) for picture in pictures]
    images[0].save(buffer, "TIFF", save_all=True, append_images=images[1:], **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "pictures",
    [
        [noise(255, seed=s).astype("uint8") for s in range(3)],
        [noise(255, (*SHAPE, 3), s).astype("uint8") for s in range(2)],
        [noise(4095, seed=s).astype("uint16") for s in range(4)],
        [noise(3000, seed=s, low=-1000).astype("int32") for s in range(2)],
        [(noise(1000, seed=s) / 1000).astype("float32") for s in range(2)],
        [noise(255, seed=0).astype("uint8"), noise(4095, seed=1).astype("uint16")],
    ],
)
def test_each_page_becomes_a_picture_with_all_its_bits(pictures):
    data = paged(pictures)
    assert pages(data) == len(pictures)
    for number, values in enumerate(pictures):
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(page_bytes(data, number)))), values)
    with pytest.raises(DataError, match="no page"):
        page_bytes(data, len(pictures))


def test_a_page_of_deep_colour_keeps_its_bits():
    values = noise(4095, (*SHAPE, 3))
    for order in "<>":
        page = page_bytes(tiff(values, order, 2), 0)
        assert deep_kind(page) == "whole"
        assert np.abs(shown(page, (0, 4095)) - values / 4095 * 255).max() <= 0.51


def test_the_scale_of_all_pages_is_asked_for():
    data = paged([noise(100, seed=0).astype("uint16"), noise(4095, seed=1).astype("uint16")])
    for every, scale in ((False, (0, 255)), (True, (0, 4095))):
        reader = RangeReader()
        reader.add(data, every_page=every)
        assert reader.scale() == scale


def test_a_tiff_on_disk_is_judged_by_its_first_bytes_and_its_header(tmp_path):
    path = tmp_path / "a.tif"
    for values, kind in (
        (noise(4095), "whole"),
        (noise(4095) / 4095, "fraction"),
        (noise(255).astype("uint8"), ""),
    ):
        data = saved(
            values.astype({"whole": "uint16", "fraction": "float32", "": "uint8"}[kind]), "TIFF"
        )
        path.write_bytes(data)
        assert deep_kind(data[:64], path) == deep_kind(data[:64], data=data) == kind


def test_small_copies_inside_a_tiff_are_no_pages():
    pictures = [noise(255).astype("uint8"), noise(255).astype("uint8")[::2, ::2]]
    images = [Image.fromarray(picture) for picture in pictures]
    buffer = io.BytesIO()
    images[1].encoderinfo = {"tiffinfo": {254: 1}}
    images[0].save(buffer, "TIFF", save_all=True, append_images=[images[1]])
    assert pages(buffer.getvalue()) == 1


def test_films_count_as_one():
    frames = [Image.fromarray(noise(255, seed=s).astype("uint8")) for s in range(3)]
    for kind in ("GIF", "PNG", "WEBP"):
        buffer = io.BytesIO()
        frames[0].save(buffer, kind, save_all=True, append_images=frames[1:])
        assert pages(buffer.getvalue()) == 1
