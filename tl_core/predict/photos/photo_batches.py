"""Pictures in batches that stay inside a machine's caches, decoded where they are computed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, cast

from PIL import Image

from tl_core.backbones.encoding import encode_images
from tl_core.errors import DataError
from tl_core.machine import best_batch
from tl_core.predict.one_item import Readable, opened
from tl_core.predict.tensors import Batch

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import BaseImageProcessor


class PhotoBatches:
    """Cuts pictures into batches for the processor's network on `device`.

    On a CPU they hold as many as are about eight of 224 x 224, which stay inside its caches.
    """

    def __init__(self, processor: BaseImageProcessor, device: str) -> None:
        self._processor, self._size = processor, best_batch("image")
        if device == "cpu":
            example = encode_images(processor, [Image.new("RGB", (64, 64))])
            height, width = example["pixel_values"].shape[-2:]
            self._size = min(max(self._size * 224**2 // (height * width), 1), 32)

    def __call__(self, pictures: Sequence[Readable], places: list[int]) -> Iterator[Batch]:
        """Pictures in their order; a damaged one is named in its place."""
        for start in range(0, len(places), self._size):
            chosen = places[start : start + self._size]

            def decode(chosen: list[int] = chosen) -> tuple[dict[str, Tensor], dict[int, str]]:
                good: list[Image.Image] = []
                wrong: dict[int, str] = {}
                for place in chosen:
                    try:
                        good.append(cast("Image.Image", opened(pictures[place])))
                    except DataError as error:
                        wrong[place] = error.what
                return encode_images(self._processor, good) if good else {}, wrong

            yield Batch(chosen, decode)
