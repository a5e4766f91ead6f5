"""Training examples that say which domain each comes from."""

from __future__ import annotations

import torch

from tl_core.train.arrays import Ints
from tl_core.train.features.examples import Batch, Examples, Key


class Marked(Examples):
    """The same examples, with `domains` in each batch.

    Args:
        examples: as they are.
        domains: number of the domain of each (examples,).
    """

    def __init__(self, examples: Examples, domains: Ints) -> None:
        self.labels, self._examples, self._domains = examples.labels, examples, domains

    @property
    def lengths(self) -> Ints | None:
        return self._examples.lengths

    def __getitems__(self, keys: list[Key]) -> Batch:
        batch = self._examples.__getitems__(keys)
        places = [place for _, place in keys]
        return {**batch, "domains": torch.from_numpy(self._domains[places])}
