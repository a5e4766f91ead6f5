"""Pictures of 12 and 16 bits and of fractions come out as bright as they are, on one scale for a
set.
"""

from __future__ import annotations

import io
import time

import numpy as np
import pytest
from PIL import Image
from tests_support.deep_files import SHAPE, colour_png, noise, pnm, saved, scale_of, shown, tiff

from tl_core.data.checks.image_facts import picture_facts
from tl_core.data.pictures.images import eight_bits, open_image, open_small
from tl_core.data.pictures.picture_range import RangeReader, deep_kind
from tl_core.errors import DataError

GREY = {
    "12 bits in a PNG": (noise(4095), lambda v: saved(v.astype("uint16"), "PNG"), 0, 4095),
    "12 bits in a TIFF": (noise(4095), lambda v: saved(v.astype("uint16"), "TIFF"), 0, 4095),
    "12 bits in a TIFF of a big-endian machine": (noise(4095), lambda v: tiff(v, ">"), 0, 4095),
    "12 bits in a packed TIFF": (noise(4000), lambda v: tiff(v, compression=8), 0, 4095),
    "10 bits": (noise(1000), lambda v: saved(v.astype("uint16"), "PNG"), 0, 1023),
    "14 bits": (noise(16000), lambda v: saved(v.astype("uint16"), "PNG"), 0, 16383),
    "all 16 bits": (noise(65535), lambda v: saved(v.astype("uint16"), "PNG"), 0, 65535),
    "16 bits whose brightest value is 240": (
        noise(240),
        lambda v: saved(v.astype("uint16"), "PNG"),
        0,
        255,
    ),
    "a mask of ones in 16 bits": (noise(1), lambda v: saved(v.astype("uint16"), "PNG"), 0, 1),
    "signed 16 bits of a scanner": (
        noise(3071, low=-1024),
        lambda v: tiff(v, kind="i2"),
        -1024,
        3071,
    ),
    "signed 32 bits": (
        noise(3000, low=-1000),
        lambda v: saved(v.astype("int32"), "TIFF"),
        -1000,
        3000,
    ),
    "fractions from 0 to 1": (
        noise(1000) / 1000,
        lambda v: saved(v.astype("float32"), "TIFF"),
        0,
        1,
    ),
    "fractions a little beyond 1": (
        noise(1030) / 1000,
        lambda v: saved(v.astype("float32"), "TIFF"),
        0,
        1,
    ),
    "fractions from 0 to 255": (
        noise(2549) / 10,
        lambda v: saved(v.astype("float32"), "TIFF"),
        0,
        255,
    ),
    "whole numbers kept as fractions": (
        noise(4095),
        lambda v: saved(v.astype("float32"), "TIFF"),
        0,
        4095,
    ),
    "dark fractions": (
        noise(400) / 1000 / 8,
        lambda v: saved(v.astype("float32"), "TIFF"),
        0,
        0.05,
    ),
    "fractions below zero": (
        noise(2000, low=-1000) / 1000,
        lambda v: saved(v.astype("float32"), "TIFF"),
        -1,
        2,
    ),
    "16 bits in a PGM": (noise(65535), pnm, 0, 65535),
    "12 bits in a PGM of 16": (noise(4095), pnm, 0, 4095),
}


@pytest.mark.parametrize("name", GREY)
def test_grey_pictures_come_out_as_bright_as_they_are(name):
    values, encode, low, high = GREY[name]
    data = encode(values)
    assert deep_kind(data)
    scale = scale_of(data)
    assert scale == pytest.approx((low, high))
    wanted = np.clip((values - low) / (high - low), 0, 1) * 255
    assert np.abs(shown(data, scale)[..., 0] - wanted).max() <= 0.51
    stored = Image.open(io.BytesIO(eight_bits(data, scale)))
    assert stored.mode == "L"
    assert np.array_equal(np.asarray(stored), shown(data, scale)[..., 0])
    assert picture_facts(eight_bits(data, scale)).light == pytest.approx(wanted.mean(), abs=1)


def test_the_top_that_a_pgm_names_is_kept():
    values = noise(4095)
    data = pnm(values, 4095)
    assert np.abs(shown(data, scale_of(data))[..., 0] - values / 4095 * 255).max() <= 0.51


COLOUR = {
    "a PNG": colour_png,
    "a TIFF": lambda v: tiff(v, photometric=2),
    "a TIFF of a big-endian machine": lambda v: tiff(v, ">", 2),
    "a packed TIFF": lambda v: tiff(v, photometric=2, compression=8),
    "a packed TIFF of a big-endian machine": lambda v: tiff(v, ">", 2, compression=8),
    "a PPM": pnm,
}


@pytest.mark.parametrize("name", COLOUR)
@pytest.mark.parametrize("top", [4095, 65535])
def test_sixteen_bit_colours_keep_their_lower_bits(name, top):
    values = noise(top, (*SHAPE, 3))
    data = COLOUR[name](values)
    assert deep_kind(data) == "whole"
    scale = scale_of(data)
    assert scale == (0, top)
    assert np.abs(shown(data, scale) - values / top * 255).max() <= 0.51
    assert np.abs(shown(data, ()) - values / top * 255).max() <= 0.51


def test_transparent_deep_pictures_lie_on_white():
    values = noise(4095, (*SHAPE, 3))
    alpha = np.full((*SHAPE, 1), 65535)
    alpha[:5] = 0
    alpha[5] = 32768
    wanted = values / 4095 * 255 * (alpha / 65535) + 255 * (1 - alpha / 65535)
    for channels in (1, 3):
        found = shown(colour_png(np.concatenate([values[..., :channels], alpha], -1)), (0, 4095))
        assert np.abs(found - wanted[..., :channels]).max() <= 0.51


def test_colours_in_planes_are_refused_and_not_read_wrongly():
    for compression in (1, 8):
        with pytest.raises(DataError, match="planes"):
            open_image(
                tiff(noise(4095, (*SHAPE, 3)), photometric=2, planes=2, compression=compression)
            )


@pytest.mark.parametrize(
    "data",
    [tiff(noise(100) / 100, kind="f8"), tiff(noise(100, (*SHAPE, 3)), photometric=2, kind="f4")],
)
def test_a_tiff_that_cannot_be_read_is_named_as_such(data):
    with pytest.raises(DataError, match="TIFF"):
        open_image(data)


def test_one_scale_serves_the_whole_set():
    dark, bright = noise(300), noise(4095, seed=1)
    scale = scale_of(*(saved(values.astype("uint16"), "PNG") for values in (dark, bright)))
    assert scale == (0, 4095)
    assert shown(saved(dark.astype("uint16"), "PNG"), scale).max() == round(300 / 4095 * 255)


@pytest.mark.parametrize("hot", [65535, 20000])
def test_hot_pixels_do_not_turn_a_set_dark(hot):
    pictures = [noise(4095, (64, 64), seed).astype("uint16") for seed in range(20)]
    for picture in pictures[:15]:
        picture[5, 5:7] = hot
    assert scale_of(*(saved(picture, "PNG") for picture in pictures)) == (0, 4095)


def test_one_odd_picture_in_two_hundred_does_not_turn_a_set_dark():
    pictures = [saved(noise(4095, (16, 16), seed).astype("uint16"), "PNG") for seed in range(199)]
    assert scale_of(*pictures, saved(noise(65535, (16, 16)).astype("uint16"), "PNG")) == (0, 4095)
    few = [saved(noise(65535, (16, 16), seed).astype("uint16"), "PNG") for seed in range(9)]
    assert scale_of(*pictures, *few) == (0, 65535)


def test_what_is_no_number_has_no_say():
    values = (noise(1000) / 1000).astype("float32")
    values[3, :9], values[4, :9], values[5, :9] = np.nan, np.inf, -np.inf
    data = saved(values, "TIFF")
    assert scale_of(data) == (0, 1)
    found = shown(data, (0, 1))
    assert (found[4, :9] == 255).all()
    assert (found[5, :9] == 0).all()


def test_two_kinds_that_no_scale_fits_are_refused():
    reader = RangeReader()
    reader.add(saved(noise(4095).astype("uint16"), "PNG"), "a.png")
    reader.add(saved((noise(1000) / 1000).astype("float32"), "TIFF"), "b.tif")
    with pytest.raises(
        DataError, match=r"1 hold whole numbers between 0 and 4,095 \(such as a.png\)"
    ):
        reader.scale()


def test_two_kinds_on_one_scale_are_welcome():
    values = noise(4095)
    assert scale_of(
        saved(values.astype("uint16"), "PNG"), saved(values.astype("float32"), "TIFF")
    ) == (0, 4095)


def test_people_are_told_what_was_done():
    reader = RangeReader()
    assert (reader.sentence(), reader.scale()) == ("", ())
    for seed in range(3):
        reader.add(saved(noise(4095, seed=seed).astype("uint16"), "PNG"))
    assert (
        reader.sentence()
        == "3 pictures hold more than 8 bits; their values reach 4,095, so they are read as 12 "
        "bits."
    )
    reader.add(saved(noise(20).astype("uint16"), "PNG"))
    assert "1 of them are much darker" in reader.sentence()
    reader = RangeReader()
    reader.add(tiff(noise(3071, low=-1024), kind="i2"))
    assert (
        reader.sentence()
        == "1 picture holds more than 8 bits; their values lie between -1,024 and 3,071, so they "
        "are read on a scale from -1,024 to 3,071."
    )


def test_damaged_pictures_are_left_to_the_import():
    reader = RangeReader()
    whole = saved(noise(4095).astype("uint16"), "PNG")
    assert not reader.add(whole[:60])
    assert not reader.add(b"II*\0 no")
    assert not reader.add(saved(noise(255).astype("uint8"), "PNG"))
    assert reader.add(whole)


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGB", "RGBA"])
def test_ordinary_pictures_are_not_deep(mode):
    image = Image.fromarray(noise(255).astype("uint8")).convert(mode)
    for kind in ("PNG", "TIFF"):
        buffer = io.BytesIO()
        image.save(buffer, kind)
        assert deep_kind(buffer.getvalue()) == ""
    jpeg = saved(noise(255).astype("uint8"), "JPEG")
    for data in (jpeg, pnm(noise(255), 255), b"", b"P", b"P5", b"\x89PNG\r\n\x1a\n"):
        assert deep_kind(data) == ""


def test_looking_for_depth_costs_nothing():
    pictures = [saved(noise(255).astype("uint8"), kind) for kind in ("PNG", "JPEG")]
    start = time.perf_counter()
    for _ in range(1000):
        for data in pictures:
            deep_kind(data)
    assert (time.perf_counter() - start) / 2000 < 100e-6  # measured at 1 microsecond


def test_a_small_copy_has_the_same_scale():
    values = noise(4095).astype("uint16")
    image, size = open_small(saved(values, "PNG"), 8, (0, 4095))
    assert size == SHAPE[::-1]
    assert np.array_equal(np.asarray(image), shown(saved(values, "PNG"), (0, 4095)))


def test_deep_pictures_stand_upright():
    values = noise(4095).astype("uint16")
    exif = Image.Exif()
    exif[0x0112] = 6
    for kind in ("PNG", "TIFF"):
        found = shown(saved(values, kind, exif=exif), (0, 4095))[..., 0]
        assert np.array_equal(
            found, shown(saved(np.rot90(values, -1).copy(), "PNG"), (0, 4095))[..., 0]
        )
