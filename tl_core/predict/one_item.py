"""One input on its way to a model: its name, the columns that came with it, and how it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain, islice

from PIL import Image

from tl_core.data.preparation import Preparation
from tl_core.data.sounds.decoding import Sound
from tl_core.errors import DataError

ModelInput = str | Image.Image | Sound
"""What a network's processor reads: a text, an upright RGB picture, or a mono sound at 16 kHz."""
Readable = ModelInput | Callable[[], Image.Image] | Callable[[], Sound]
"""The same, or a call that opens the file in a thread; it raises DataError for a damaged one."""
_SHOWN = 3  # rows of the plan's sample


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
        DataError: when a file cannot be read.
    """
    return value() if callable(value) else value


@dataclass(frozen=True)
class Inputs:
    """Items of a source in their order, the same windows each time; `total` counts all of them.

    `key` names what `Item.name` is. `show` tells people what the model reads. `preparation` is what
    is done to each row; `skipped` are records that get no line, with their reasons.
    """

    key: str
    total: int
    windows: Callable[[], Iterator[list[Item]]]
    preparation: Preparation
    show: Callable[[ModelInput], dict[str, str]]
    skipped: list[dict[str, str]] = field(default_factory=list)

    def sample(self) -> list[dict[str, str]]:
        """A few rows as the model reads them."""
        rows: list[dict[str, str]] = []
        for item in islice(chain.from_iterable(islice(self.windows(), 1)), 100):
            if not item.error and len(rows) < _SHOWN:
                with suppress(DataError):
                    rows.append({self.key: str(item.name), **self.show(opened(item.value))})
        return rows
