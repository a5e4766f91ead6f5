"""One input on its way to a model: its name, the columns that came with it, and how it is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

ModelInput = str | Image.Image
"""What a network's processor reads: a text, or an upright RGB picture."""
Readable = str | Image.Image | Callable[[], Image.Image]
"""The same, or a call that opens the picture in a thread; it raises DataError for a damaged one."""


@dataclass
class Item:
    """One input: its row number or file name, the columns that came with it, what the model reads,
    or what is wrong.
    """

    name: int | str
    columns: dict[str, str]
    value: Readable
    error: str = ""


def opened(value: Readable) -> ModelInput:
    """What the model reads.

    Raises:
        DataError: when a picture cannot be read.
    """
    return value() if callable(value) else value
