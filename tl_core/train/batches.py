"""Which examples make which step: shuffled by seed and epoch, like lengths together, shared out over processes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tl_core.train.tokens import Key

_LENGTH_GROUP = 50  # batches among which examples are sorted by length


class EpochBatches(torch.utils.data.Sampler[list[Key]]):
    """Lists of (epoch, position), one for each forward pass.

    A step's batch is taken in `accumulate` parts; only the last batch of an epoch may be short, and it never leaves
    a single example to any part, which batch normalisation could not bear.

    Args:
        count: number of examples.
        batch: examples behind each step, all processes together.
        seed: of the order.
        accumulate: parts of each batch.
        lengths: of the examples; like ones are then put together, which saves padding.
        chances: how likely each example is drawn, with repetition; without it each is seen once an epoch.
        rank, world: this process and how many there are.
    """

    def __init__(self, count: int, batch: int, seed: int, *, accumulate: int = 1,
                 lengths: NDArray[np.int64] | None = None, chances: NDArray[np.float64] | None = None, rank: int = 0,
                 world: int = 1) -> None:
        self.count, self.batch, self.seed = count, max(1, min(batch, count)), seed
        self.accumulate = max(1, min(accumulate, self.batch // (2 * world)))
        self.lengths, self.chances, self.rank, self.world = lengths, chances, rank, world
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Called by the training loop before each epoch."""
        self._epoch = epoch

    @property
    def steps(self) -> int:
        """Steps in an epoch."""
        whole, rest = divmod(self.count, self.batch)
        return max(1, whole + (rest >= 2 * self.world))

    def __len__(self) -> int:
        return (self.steps - 1) * self.accumulate + len(self._parts(self._size_of_last()))

    def __iter__(self) -> Iterator[list[Key]]:
        for batch in self._batches():
            edges = np.cumsum([0, *self._parts(len(batch))])
            for start, end in zip(edges[:-1], edges[1:], strict=True):
                part = batch[start:end][self.rank::self.world]
                yield [(self._epoch, int(place)) for place in part]

    def _size_of_last(self) -> int:
        return self.count - (self.steps - 1) * self.batch

    def _parts(self, size: int) -> list[int]:
        count = min(self.accumulate, max(1, size // (2 * self.world)))
        return [len(part) for part in np.array_split(np.arange(size), count)]

    def _batches(self) -> list[NDArray[np.int64]]:
        draw = np.random.default_rng([self.seed, self._epoch])
        order = (draw.permutation(self.count) if self.chances is None else
                 draw.choice(self.count, self.count, p=self.chances / self.chances.sum()))
        if self.lengths is not None:
            span = _LENGTH_GROUP * self.batch
            order = np.concatenate([part[np.argsort(-self.lengths[part], kind="stable")]
                                    for part in np.split(order, range(span, self.count, span))])
        edges = [self.batch * number for number in range(1, self.steps)]
        batches = np.split(order, edges)
        last = batches.pop()
        return [*(batches[i] for i in draw.permutation(len(batches))), last]


class EpochLoader(torch.utils.data.DataLoader[Any]):
    """A loader that tells its sampler the epoch, which the training loop asks for."""

    def set_epoch(self, epoch: int) -> None:
        """Pass it on."""
        self.batch_sampler.set_epoch(epoch)  # type: ignore[union-attr]
