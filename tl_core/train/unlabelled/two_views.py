"""SimCLR (Chen et al., ICML 2020): two variations of one item are pulled together, those of all
others in the batch pushed apart.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from tl_core.backbones.backbone import Backbone
from tl_core.config import SurgeryPlan
from tl_core.surgery.apply import apply_plan
from tl_core.train.arrays import Ints
from tl_core.train.features.examples import Examples, Key, inputs_of
from tl_core.train.loop.pair_tuning import embedding

_PROJECTED = 128  # numbers in which two views are compared, as in the paper


def nt_xent(first: Tensor, second: Tensor, temperature: float) -> Tensor:
    """Normalised temperature-scaled cross-entropy of pairs (items, width) each, a scalar.

    Each of the 2 n vectors has to tell its partner from the 2 n - 2 others by the cosine.
    """
    both = functional.normalize(torch.cat([first, second]).float(), dim=1)
    likeness = both @ both.T / temperature
    likeness = likeness.masked_fill(
        torch.eye(len(both), dtype=torch.bool, device=both.device), float("-inf")
    )
    partners = torch.arange(len(both), device=both.device).roll(len(first))
    return functional.cross_entropy(likeness, partners)


class TwoViews:
    """The objective: NT-Xent of two variations of each item of a batch.

    Args:
        backbone: of items that can be varied; it learns in place.
        examples: items that are varied anew in each epoch.
        temperature: that likenesses are divided by.
        seed: of the projection.
    """

    name = "contrastive learning of two views (SimCLR)"
    fresh_head = True

    def __init__(
        self, backbone: Backbone, examples: Examples, temperature: float, seed: int
    ) -> None:
        self._backbone, self._examples, self._temperature = backbone, examples, temperature
        model, _ = apply_plan(backbone, SurgeryPlan(), fitted_head=True, seed=seed)
        for head in backbone.port.names:
            model.get_submodule(head).requires_grad_(requires_grad=False)
        width = backbone.port.width
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            projection = nn.Sequential(
                nn.Linear(width, width), nn.ReLU(), nn.Linear(width, _PROJECTED)
            )
        self._projection = projection.to(next(model.parameters()).device)
        self.module = nn.ModuleDict({"network": model, "projection": self._projection})

    def __len__(self) -> int:
        return len(self._examples)

    @property
    def lengths(self) -> Ints | None:
        """What each item takes in a batch, where they differ in that."""
        return self._examples.lengths

    def settle(self, share_done: float) -> None:
        """All of the network learns from the first step on."""

    def loss(self, keys: list[Key]) -> Tensor:
        """Of these items."""
        views = [(2 * epoch + view, place) for view in (0, 1) for epoch, place in keys]
        device = next(self.module.parameters()).device
        inputs, _ = inputs_of(self._examples.__getitems__(views), device)
        with embedding(self._backbone) as embed:
            first, second = self._projection(embed(inputs).float()).chunk(2)
        return nt_xent(first, second, self._temperature)

    def give_back(self) -> None:
        """The network has learnt in place; the projection is thrown away."""
