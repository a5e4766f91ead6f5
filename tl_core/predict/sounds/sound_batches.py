"""Sounds in batches, decoded where they are computed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, cast

from tl_core.backbones.inputs.input_kind import in_batches
from tl_core.backbones.inputs.sound_inputs import SOUND_INPUTS
from tl_core.data.sounds.decoding import Sound
from tl_core.errors import DataError
from tl_core.machine import best_batch
from tl_core.modalities.audio import AUDIO
from tl_core.predict.one_item import Readable, opened
from tl_core.predict.tensors import Batch

if TYPE_CHECKING:
    from torch import Tensor

    from tl_core.backbones.encoding import Processor


class SoundBatches:
    """Cuts sounds into batches for the processor's network on `device`.

    How long they are is known once they are decoded; where only sounds of one length may be
    computed together, each is a batch of its own.
    """

    def __init__(self, processor: Processor, device: str) -> None:
        self._processor = processor
        alone = SOUND_INPUTS.needs_equal_sizes(processor)
        self._size = 1 if alone else best_batch(AUDIO.name)
        del device

    def __call__(self, sounds: Sequence[Readable], places: list[int]) -> Iterator[Batch]:
        """Sounds in their order; a damaged one is named in its place."""
        for chosen in in_batches(places, self._size):

            def decode(chosen: list[int] = chosen) -> tuple[dict[str, Tensor], dict[int, str]]:
                good: list[Sound] = []
                wrong: dict[int, str] = {}
                for place in chosen:
                    try:
                        good.append(cast("Sound", opened(sounds[place])))
                    except DataError as error:
                        wrong[place] = error.what
                return SOUND_INPUTS.encode(self._processor, good) if good else {}, wrong

            yield Batch(chosen, decode)
