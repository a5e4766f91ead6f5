"""Samples that need no network: handwritten digits as pictures, and customer messages in two
languages.
"""

from __future__ import annotations

from pathlib import Path

from tl_core.errors import DataError, nearest

SAMPLES = {
    "digits": "Handwritten digits: 1,797 small pictures in 10 classes (from scikit-learn)",
    "messages": (
        "Customer messages: short texts to an online shop in 6 classes (written for this project)"
    ),
    "messages-zh": (
        "Chinese customer messages: short texts to an online shop in 6 classes (written for this"
        " project)"
    ),
}
_SCALE = 4  # 8 x 8 digits are drawn as 32 x 32 pictures


def sample_source(name: str, staging: Path) -> Path:
    """A path to the sample's data, made below `staging` where it has to be made.

    Raises:
        DataError: for an unknown sample.
    """
    if name in ("messages", "messages-zh"):
        return Path(__file__).parent / f"{name.replace('-', '_')}.csv"
    if name == "digits":
        return _draw_digits(staging / "digits")
    raise DataError(f"There is no sample {name!r}.", "", nearest(name, SAMPLES))


def _draw_digits(root: Path) -> Path:
    """The digits of scikit-learn as PNG files in class folders."""
    from PIL import Image
    from sklearn.datasets import load_digits

    digits = load_digits()
    for number, (pixels, label) in enumerate(zip(digits.images, digits.target, strict=True)):
        folder = root / str(label)
        folder.mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray((255 - pixels * 15.9375).astype("uint8"))
        picture.resize((8 * _SCALE, 8 * _SCALE), Image.Resampling.BICUBIC).save(
            folder / f"digit_{number:04}.png"
        )
    return root
