"""Which examples make which step: shuffled by seed and epoch, like lengths together, shared out
over processes.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from tl_core.train.arrays import Floats, Ints
from tl_core.train.features.examples import Batch, Key

_LENGTH_GROUP = 50  # batches among which examples are sorted by length


class EpochBatches(torch.utils.data.Sampler[list[Key]]):
    """Lists of (epoch, position), one for each forward pass.

    A step's batch is taken in `accumulate` parts. The batches of an epoch differ by one example at
    most: a last one of a few examples would weigh each of them many times, and batch normalisation
    would take them for the whole.

    Args:
        count: number of examples.
        batch: most examples behind a step, all processes together (one more where the last would be
        alone).
        seed: of the order.
        accumulate: parts of each batch.
        lengths: of the examples; like ones are then put together, which saves padding.
        chances: how likely each example is drawn, with repetition; without it each is seen once an
        epoch.
        rank, world: this process and how many there are.
    """

    def __init__(
        self,
        count: int,
        batch: int,
        seed: int,
        *,
        accumulate: int = 1,
        lengths: Ints | None = None,
        chances: Floats | None = None,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        self.count, self.batch, self.seed = count, max(1, min(batch, count)), seed
        self.lengths, self.chances, self.rank, self.world = lengths, chances, rank, world
        self.accumulate = max(
            1, min(accumulate, min(self._sizes()) // (2 * world))
        )  # the same for every step
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called by the training loop before each epoch."""
        self._epoch = epoch

    @property
    def steps(self) -> int:
        """Steps in an epoch."""
        steps = -(-self.count // self.batch)
        return max(1, min(steps, self.count // (2 * self.world)))

    def __len__(self) -> int:
        return self.steps * self.accumulate

    def __iter__(self) -> Iterator[list[Key]]:
        for batch in self._batches():
            for part in np.array_split(batch, self.accumulate):
                yield [(self._epoch, int(place)) for place in part[self.rank :: self.world]]

    def _sizes(self) -> list[int]:
        less, longer = divmod(self.count, self.steps)
        return [less + 1] * longer + [less] * (self.steps - longer)

    def _batches(self) -> list[Ints]:
        draw = np.random.default_rng([self.seed, self._epoch])
        order = (
            draw.permutation(self.count)
            if self.chances is None
            else draw.choice(self.count, self.count, p=self.chances / self.chances.sum())
        )
        if self.lengths is not None:
            span = _LENGTH_GROUP * self.batch
            order = np.concatenate(
                [
                    part[np.argsort(-self.lengths[part], kind="stable")]
                    for part in np.split(order, range(span, self.count, span))
                ]
            )
        batches = np.split(order, np.cumsum(self._sizes())[:-1])
        return [batches[i] for i in draw.permutation(len(batches))]


class EpochLoader(torch.utils.data.DataLoader[Batch]):
    """A loader that tells its sampler the epoch, which the training loop asks for."""

    def set_epoch(self, epoch: int) -> None:
        """Pass it on."""
        self.batch_sampler.set_epoch(epoch)  # type: ignore[union-attr]
