"""DANN: a classifier tries to tell two domains apart by the features; through gradient reversal the
network learns to make that hard.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from tl_core.train.objectives.objective import Step
from tl_core.train.objectives.target_reading import TargetReader

_HIDDEN, _RATE = 256, 1e-3
_STEEPNESS = 10.0  # of the paper's schedule


class _Reversed(torch.autograd.Function):
    """The identity, whose gradient is turned round and scaled."""

    @staticmethod
    def forward(ctx, values: Tensor, scale: float) -> Tensor:  # type: ignore[no-untyped-def]  # noqa: ANN001
        ctx.scale = scale
        return values.view_as(values)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:  # type: ignore[no-untyped-def]  # noqa: ANN001
        return -ctx.scale * gradient, None


def reversed_gradient(values: Tensor, scale: float) -> Tensor:
    """The same values; their gradient comes back times -`scale`."""
    turned: Tensor = _Reversed.apply(values, scale)  # type: ignore[no-untyped-call]
    return turned


def adaptation_share(share: float) -> float:
    """How much of the reversed gradient counts after this share of the training: from 0 to 1, as
    2 / (1 + exp(-10 p)) - 1 (Ganin et al., 2016).
    """
    return 2 / (1 + math.exp(-_STEEPNESS * share)) - 1


class DomainAdversary:
    """Cross-entropy of a small network that tells the domains apart by features, times `strength`;
    the network below gets its reversed gradient.

    The small network has an optimiser of its own; checkpoints hold both.

    Args:
        target: items of it.
        width: of the features.
        strength: of what the network below gets; 0 is 1.
        seed: of the small network.
        device: where it computes.
    """

    by_example = False

    def __init__(
        self, target: TargetReader, width: int, strength: float, seed: int, device: torch.device
    ) -> None:
        self._target, self._strength = target, strength or 1.0
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = nn.Sequential(
                nn.Linear(width, _HIDDEN),
                nn.ReLU(),
                nn.Linear(_HIDDEN, _HIDDEN),
                nn.ReLU(),
                nn.Linear(_HIDDEN, 1),
            ).to(device)
        self._optimizer = torch.optim.AdamW(self.network.parameters(), _RATE)

    def __call__(self, step: Step) -> Tensor:
        if step.moment is None or step.moment.begins:
            self._optimizer.zero_grad()
        scale = self._strength * adaptation_share(step.moment.share if step.moment else 1.0)
        both = torch.cat([step.features, self._target(step)[0]])
        wanted = (torch.arange(len(both), device=both.device) < len(step.features)).float()
        said = self.network(reversed_gradient(both, scale)).squeeze(1)
        return functional.binary_cross_entropy_with_logits(said, wanted)

    def stepped(self) -> None:
        """The small network learns from what the step has shown."""
        self._optimizer.step()

    def state(self) -> dict[str, Tensor]:
        """Its weights and its optimiser's memory."""
        memory = self._optimizer.state_dict()["state"]
        return {
            **{f"network.{name}": value for name, value in self.network.state_dict().items()},
            **{
                f"memory.{place}.{name}": value
                for place, values in memory.items()
                for name, value in values.items()
            },
        }

    def restore(self, state: dict[str, Tensor]) -> None:
        """Put back what `state` gave."""
        start = "network."
        weights = {name.removeprefix(start): one for name, one in state.items() if start in name}
        self.network.load_state_dict(weights)
        memory: dict[int, dict[str, Tensor]] = {}
        for name, value in state.items():
            if name.startswith("memory."):
                _, place, what = name.split(".")
                memory.setdefault(int(place), {})[what] = value
        whole = self._optimizer.state_dict()
        self._optimizer.load_state_dict({**whole, "state": memory})
