"""GroupDRO: domains on which the loss is high count more."""

from __future__ import annotations

import torch
from torch import Tensor

from tl_core.train.arrays import Floats
from tl_core.train.objectives.objective import Step


class WorstDomains:
    """Puts the loss of the domains, weighted, in the place of the mean over examples (Sagawa et
    al., ICLR 2020): it adds the difference of both.

    After each step the weight of a domain grows with its loss, q <- q exp(rate * loss), then all
    are brought to the sum 1. The paper draws as many examples of each domain; here they come as
    often as they are, so that a rare domain would hardly ever grow nor count. Instead the loss of a
    domain that a step does not hold is the one that it had last, and an example counts by q over
    the share of its domain: on average over batches that is the paper's sum of q times the domain's
    loss, in however many parts a batch passes.

    Args:
        shares: of the domains among the training examples (domains,), above 0, summing to 1.
        rate: of the weights (eta of the paper, 0.01).
    """

    by_example = True

    def __init__(self, shares: Floats, rate: float) -> None:
        self._rate, self._shares = rate, torch.from_numpy(shares).float()
        self.weights = torch.full((len(shares),), 1 / len(shares))
        self._last = torch.zeros(len(shares))
        self._sums, self._counts = torch.zeros(len(shares)), torch.zeros(len(shares))

    def __call__(self, step: Step) -> Tensor:
        domains = step.extras["domains"].to(step.losses.device)
        if step.moment is not None:
            self._take_in(step, domains, begins=step.moment.begins)
        counted = (self.weights / self._shares).to(step.losses.device)[domains]
        return ((counted - 1) * step.losses).mean()

    def _take_in(self, step: Step, domains: Tensor, *, begins: bool) -> None:
        if begins:
            self._sums, self._counts = torch.zeros_like(self._sums), torch.zeros_like(self._counts)
        here, losses = domains.cpu(), step.losses.detach().float().cpu()
        self._sums.index_add_(0, here, losses)
        self._counts.index_add_(0, here, torch.ones_like(losses))

    def stepped(self) -> None:
        """The weights move by what the step has shown."""
        here = self._counts > 0
        self._last[here] = self._sums[here] / self._counts[here]
        self.weights = self.weights * torch.exp(self._rate * self._last)
        self.weights = self.weights / self.weights.sum()

    def state(self) -> dict[str, Tensor]:
        """The weights of the domains, and their losses."""
        return {"weights": self.weights, "last": self._last}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Put back what `state` gave."""
        self.weights, self._last = state["weights"].cpu().clone(), state["last"].cpu().clone()
