"""Items that are computed together: which ones, and how they become tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from tl_core.predict.one_item import Readable

if TYPE_CHECKING:
    from torch import Tensor


class Batch(NamedTuple):
    """Items that are computed together, by their places; `encode` gives their tensors and what is
    wrong with those that have none, by place.
    """

    places: list[int]
    encode: Callable[[], tuple[dict[str, Tensor], dict[int, str]]]


Cut = Callable[[Sequence[Readable], list[int]], Iterator[Batch]]
"""Cuts the items at the places given into batches."""
