"""What was done to a row before a network saw it. The same must be done to every row that it is
asked about.

A dataset version notes it, a trained model carries it as `preparation.json`, a bundle and its
server repeat it. This
file stands alone, because bundles take a copy of it along: nothing of this program is imported.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from PIL import Image

FILE = "preparation.json"
JOIN = "\n"
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f]")
_ZERO_WIDTH = re.compile(
    "[\u200b\u2060\ufeff\u00ad]"
)  # joiners (200c, 200d) carry meaning and stay


class PreparationFacts(TypedDict, total=False):
    """`Preparation` as JSON; keys of other releases may be missing or more."""

    columns: list[str]
    pixels: list[int]
    scale: list[float]
    page: str
    repair: bool


class MissingColumnError(ValueError):
    """A row lacks a column that the model was trained on; `args[0]` is its name."""


@dataclass(frozen=True)
class Preparation:
    """How a row becomes what the network reads.

    `columns` are joined in their order, by a line break, into a text; empty for pictures and for
    texts that came without names. `pixels` is (width, height, channels) where a row of numbers was
    read as a picture, with `columns` the ones that hold them. `scale` is the (darkest, brightest)
    value of pictures with more than 8 bits, () where there were none. `page` says what was taken of
    files with several pages. `repair` says that texts were repaired.
    """

    columns: tuple[str, ...] = ()
    pixels: tuple[int, ...] = ()
    scale: tuple[float, ...] = ()
    page: str = "first"
    repair: bool = False

    @classmethod
    def from_dict(cls, values: PreparationFacts) -> Preparation:
        return cls(
            tuple(values.get("columns", ())),
            tuple(values.get("pixels", ())),
            tuple(values.get("scale", ())),
            values.get("page", "first"),
            values.get("repair", False),
        )

    @classmethod
    def read(cls, folder: Path) -> Preparation | None:
        """What the model in `folder` was trained with; None for models from before this was
        kept.
        """
        path = folder / FILE
        return (
            cls.from_dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None
        )

    def as_dict(self) -> PreparationFacts:
        return {
            "columns": list(self.columns),
            "pixels": list(self.pixels),
            "scale": list(self.scale),
            "page": self.page,
            "repair": self.repair,
        }

    def write(self, folder: Path) -> None:
        (folder / FILE).write_text(
            json.dumps(self.as_dict(), ensure_ascii=False, indent=1), encoding="utf-8"
        )

    @property
    def joined(self) -> bool:
        """Whether one text alone cannot be what the model reads."""
        return len(self.columns) > 1 and not self.pixels

    def text(self, row: Mapping[str, str]) -> str:
        """The text of a row.

        Raises:
            MissingColumnError: when the row lacks one of the columns.
        """
        parts = []
        for name in self.columns:
            if name not in row:
                raise MissingColumnError(name)
            parts.append(row[name] or "")
        return self.one_text(JOIN.join(parts))

    def one_text(self, text: str) -> str:
        """A text that is joined already, as the network reads it."""
        return (repaired(text) if self.repair else text).strip()

    def picture(self, row: Mapping[str, str]) -> Image.Image:
        """The PIL picture of a row of pixel values.

        Raises:
            MissingColumnError: when the row lacks one of the columns.
            ValueError: when they are not the numbers of such a picture.
        """
        for name in self.columns:
            if name not in row:
                raise MissingColumnError(name)
        cells = (
            row[self.columns[0]].split()
            if len(self.columns) == 1
            else [row[name] for name in self.columns]
        )
        return pixels_to_picture(cells, self.pixels)

    def rgb(self, image: Image.Image) -> Image.Image:
        """A PIL picture as the network's processor gets it: 8-bit RGB, transparency on white."""
        return to_rgb(image, self.scale)


def repaired(text: str) -> str:
    """`text` without wrongly decoded signs, HTML entities, control characters and zero-width signs
    (by ftfy).
    """
    import ftfy

    config = ftfy.TextFixerConfig(
        unescape_html=True,
        remove_terminal_escapes=True,
        fix_encoding=True,
        restore_byte_a0=True,
        replace_lossy_sequences=True,
        decode_inconsistent_utf8=True,
        fix_c1_controls=True,
        fix_latin_ligatures=False,
        fix_character_width=False,
        uncurl_quotes=False,
        fix_line_breaks=True,
        fix_surrogates=True,
        remove_control_chars=True,
        normalization=None,
        explain=False,
    )
    return _ZERO_WIDTH.sub("", _CONTROL.sub("", ftfy.fix_text(text, config)))


def pixels_to_picture(cells: list[str], shape: tuple[int, ...]) -> Image.Image:
    """Values row by row, channels innermost, as a grey or RGB picture.

    Raises:
        ValueError: for another number of values, or values that are no numbers of a picture.
    """
    import numpy as np
    from PIL import Image

    width, height, channels = shape
    if len(cells) != width * height * channels:
        raise ValueError(f"{len(cells)} pixel values instead of {width * height * channels}")
    values = np.array([float(cell) for cell in cells])
    if not np.isfinite(values).all() or values.min() < 0 or values.max() > 255:
        raise ValueError("pixel values lie between 0 and 255")
    whole = values * 255 if values.max() <= 1 and (values % 1).any() else values
    pixels = (
        whole.round()
        .astype("uint8")
        .reshape((height, width, channels)[: 2 if channels == 1 else 3])
    )
    return Image.fromarray(pixels)


def is_deep(image: Image.Image) -> bool:
    """Whether a PIL picture holds more than 8 bits a channel, or numbers with a fraction."""
    return bool(image.mode.startswith("I") or image.mode == "F")


def range_scale(low: float, high: float, *, whole: bool) -> tuple[float, float]:
    """The scale of values that lie between `low` and `high`: the depth of the camera where it can
    be told, else these.

    Args:
        low: the smallest value seen.
        high: the largest value seen.
        whole: whether the values are whole numbers.
    """
    if low < 0:
        return low, high
    if not whole:  # a little beyond 1 by the overshoot of resizing
        return 0.0, 1.0 if high <= 1.25 else 255.0 if 128 <= high < 256 else high
    for bits in (8, 10, 12, 14, 16):
        if high < 2**bits:
            return 0.0, float(2**bits - 1)
    return 0.0, high


def to_rgb(image: Image.Image, scale: tuple[float, ...] = ()) -> Image.Image:
    """A PIL picture as 8-bit RGB, transparency on white.

    Args:
        image: of any mode.
        scale: darkest and brightest value of pictures with more than 8 bits; without it each
        picture's own depth.
    """
    from PIL import Image

    if is_deep(image):
        import numpy as np

        values = np.asarray(image, dtype=np.float64)
        finite = values[np.isfinite(values)] if np.isfinite(values).any() else np.zeros(1)
        low, high = scale or range_scale(
            float(finite.min()), float(finite.max()), whole=not (finite % 1).any()
        )
        values = np.nan_to_num(values, nan=low, posinf=high, neginf=low)
        spread = high - low if math.isfinite(high - low) and high > low else 1.0
        return Image.fromarray(
            ((values - low) / spread * 255).clip(0, 255).round().astype("uint8")
        ).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        ground = Image.new("RGBA", image.size, (255, 255, 255, 255))
        return Image.alpha_composite(ground, image).convert("RGB")
    return image.convert("RGB")
