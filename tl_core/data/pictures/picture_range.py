"""One scale from dark to bright for all deep pictures of a set, so that a dark one stays darker
than a bright one.
"""

from __future__ import annotations

import io
import warnings
from array import array

import numpy as np

from tl_core.data.limits import LIMITS
from tl_core.data.pictures.deep_pictures import Values, colour_values, halved
from tl_core.data.pictures.deep_pictures import deep_kind as deep_kind
from tl_core.data.pictures.images import HEAD_BYTES as HEAD_BYTES
from tl_core.data.pictures.images import eight_bits as eight_bits
from tl_core.data.pictures.images import page_bytes, pages
from tl_core.data.preparation import range_scale
from tl_core.errors import DataError

_FORMATS = ("PNG", "TIFF", "PPM")
_FAR = 4  # scales that differ by more than two bits make one of two kinds of pictures black
_DARK = 32  # pictures whose brightest value is this much below the scale come out almost black
_KINDS = {"whole": "whole numbers", "fraction": "numbers with fractions"}


class RangeReader:
    """Sees every deep picture of a set once and remembers three numbers of each.

    Single hot pixels must not turn a set dark. So in a picture one pixel in 10,000 (and up to four
    in a small one) may lie outside its range, and of the pictures one in 100 outside that of the
    set; all these come out black or white.
    """

    def __init__(self) -> None:
        self._lows = {kind: array("d") for kind in _KINDS}
        self._highs = {kind: array("d") for kind in _KINDS}
        self._names: dict[str, str] = {}
        self._tenths = False

    def add(self, data: bytes, name: str = "", *, every_page: bool = False) -> bool:
        """Take note of a picture; False when it is damaged or not deep, which leaves everything as
        it is.

        Args:
            data: the whole file.
            name: what to call it when it does not fit the others.
            every_page: whether all pages of a TIFF count, each as a picture.
        """
        try:
            count = pages(data) if every_page else 1
            return (
                sum(
                    self._add(page_bytes(data, number) if number else data, name)
                    for number in range(count)
                )
                > 0
            )
        except DataError:
            return False

    def _add(self, data: bytes, name: str) -> bool:
        kind = deep_kind(data)
        values = _values(data) if kind else None
        if values is None:
            return False
        if kind == "fraction":
            values = values[np.isfinite(values)]
            self._tenths |= bool((values % 1).any())
        if values.size:
            low, high = _inner_range(values.ravel())
            self._lows[kind].append(low)
            self._highs[kind].append(high)
            self._names.setdefault(kind, name)
        return True

    def scale(self) -> tuple[float, ...]:
        """Darkest and brightest value of the set; () when no picture was deep.

        Raises:
            DataError: when it holds pictures of two kinds whose scales lie far apart, such as
                fractions from 0 to 1 beside whole numbers up to 4,095.
        """
        if not any(map(len, self._highs.values())):
            return ()
        scales = {
            kind: self._scale_of(kind)
            for kind in _KINDS
            if any(self._highs[kind]) or any(self._lows[kind])
        }
        if not scales:
            return 0.0, 255.0
        spreads = sorted(high - low for low, high in scales.values())
        if spreads[-1] > _FAR * spreads[0]:
            parts = [
                f"{len(self._highs[kind]):,} hold {_KINDS[kind]} between {low:,g} and {high:,g}"
                + (f" (such as {self._names[kind]})" if self._names[kind] else "")
                for kind, (low, high) in scales.items()
            ]
            raise DataError(
                "The pictures are of two kinds that no single scale fits.",
                f"{', '.join(parts)}. One kind would come out black.",
                "Save all of them with the same depth, or bring them apart.",
            )
        return min(low for low, _ in scales.values()), max(high for _, high in scales.values())

    def sentence(self) -> str:
        """What was found and done, for people; "" when there was no deep picture."""
        scale = self.scale()
        if not scale:
            return ""
        low, high = scale
        highs = self._highs["whole"] + self._highs["fraction"]
        lowest = min(_lowest(part) for part in self._lows.values() if part)
        highest = max(_highest(part) for part in self._highs.values() if part)
        many = f"{len(highs):,} pictures hold" if len(highs) > 1 else "1 picture holds"
        what = "numbers with fractions" if self._tenths else "more than 8 bits"
        reach = (
            f"lie between {lowest:,g} and {highest:,g}"
            if lowest < 0 or self._tenths
            else f"reach {highest:,g}"
        )
        bits = int(high + 1).bit_length() - 1
        as_what = (
            f"as {bits} bits"
            if not low and high == 2**bits - 1 and bits > 1
            else f"on a scale from {low:,g} to {high:,g}"
        )
        text = f"{many} {what}; their values {reach}, so they are read {as_what}."
        dark = sum(value - low < (high - low) / _DARK for value in highs)
        return text + (
            f" {dark:,} of them are much darker than that and come out almost black."
            if dark
            else ""
        )

    def _scale_of(self, kind: str) -> tuple[float, float]:
        low, high = _lowest(self._lows[kind]), _highest(self._highs[kind])
        if low >= 0 and kind == "fraction" and self._tenths:
            return _fraction_scale(high)
        if 0 <= low and 0 < high < 64:  # less than 6 bits, as in masks
            return 0.0, high
        return range_scale(low, high, whole=True)


def _fraction_scale(high: float) -> tuple[float, float]:
    """Fractions end at 1 or at 255 by custom, or else where they end."""
    if 0.5 < high <= 1.25:  # beyond 1 by the overshoot of resizing
        return 0.0, 1.0
    return 0.0, 255.0 if 128 <= high < 256 else high if high > 0 else 1.0


def _values(data: bytes) -> Values | None:
    """The numbers of a deep picture, without its transparency."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(data), formats=_FORMATS)
            if image.width * image.height > LIMITS.image_pixels:
                return None
            raw = halved(image)
            return colour_values(data, raw)[..., :3] if raw else np.asarray(image)
    except Exception:  # noqa: BLE001  the import lists damaged pictures with their reasons
        return None


def _inner_range(values: Values) -> tuple[float, float]:
    """Smallest and largest value but for a few."""
    few = len(values) // 10_000 + min(4, len(values) // 256)
    if values.dtype.byteorder == ">":
        values = values.astype(values.dtype.newbyteorder("="))
    ordered = np.partition(values, (few, len(values) - 1 - few))
    return float(ordered[few]), float(ordered[len(values) - 1 - few])


def _lowest(values: array[float]) -> float:
    """The value that at most one picture in 100 goes below."""
    return sorted(values)[len(values) // 100]


def _highest(values: array[float]) -> float:
    return sorted(values)[len(values) - 1 - len(values) // 100]
