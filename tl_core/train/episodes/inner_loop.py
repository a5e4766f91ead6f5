"""The inner loop of MAML (Finn et al., 2017): a few steps of gradient descent from meta-learnt
weights, which the outer loop can differentiate through.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Weights = dict[str, Tensor]


def adapt(
    loss: Callable[[Weights], Tensor],
    weights: Weights,
    rate: Tensor | float,
    steps: int,
    *,
    first_order: bool,
) -> Weights:
    """Weights after some steps down the gradient of a loss.

    Args:
        loss: of weights on the labels at hand, a scalar.
        weights: to begin with; they are not changed.
        rate: of the steps.
        steps: how many.
        first_order: take the gradient for a constant, as first-order MAML does: the outer gradient
            is then that at the adapted weights, and costs no second derivatives.
    """
    for _ in range(steps):
        gradient = torch.func.grad(loss)(weights)
        if first_order:
            gradient = {name: part.detach() for name, part in gradient.items()}
        weights = {name: part - rate * gradient[name] for name, part in weights.items()}
    return weights
