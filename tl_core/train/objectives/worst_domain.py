"""GroupDRO: domains on which the loss is high count more."""

from __future__ import annotations

import torch
from torch import Tensor

from tl_core.train.objectives.objective import Step


class WorstDomains:
    """Puts the loss of the domains, weighted, in the place of the mean over examples (Sagawa et
    al., ICLR 2020): it adds the difference of both.

    After each pass the weight of a domain grows with its loss, q <- q exp(rate * loss), then all
    are brought to the sum 1. Domains that a batch does not hold keep their weight and do not count
    in it.

    Args:
        domains: how many there are.
        rate: of the weights (eta of the paper, 0.01).
    """

    by_example = False

    def __init__(self, domains: int, rate: float) -> None:
        self._rate = rate
        self.weights = torch.full((domains,), 1 / domains)

    def __call__(self, step: Step) -> Tensor:
        domains = step.extras["domains"]
        here = torch.unique(domains)
        losses = torch.stack([step.losses[domains == one].mean() for one in here])
        self.weights = self.weights.to(losses.device)
        if step.moment is not None:
            self.weights[here] *= torch.exp(self._rate * losses.detach())
            self.weights /= self.weights.sum()
        counted = self.weights[here] / self.weights[here].sum()
        return (counted * losses).sum() - step.losses.mean()

    def stepped(self) -> None:
        """Weights have moved with the passes."""

    def state(self) -> dict[str, Tensor]:
        """The weights of the domains."""
        return {"weights": self.weights}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Put back what `state` gave."""
        self.weights = state["weights"].clone()
