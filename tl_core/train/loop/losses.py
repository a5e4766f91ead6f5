"""Training losses: one for each example."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def losses_of(
    logits: Tensor,
    labels: Tensor,
    *,
    weights: Tensor | None = None,
    gamma: float = 0.0,
    smoothing: float = 0.0,
) -> Tensor:
    """Cross-entropy of each example (batch,), in float32.

    Args:
        logits: (batch, classes).
        labels: class numbers (batch,).
        weights: of the classes.
        gamma: of focal loss (Lin et al., 2017): times (1 - p)^gamma; 0 is plain cross-entropy.
        smoothing: share of certainty spread over all classes (Szegedy et al., 2016).
    """
    logits = logits.float()
    loss = functional.cross_entropy(
        logits, labels, weight=weights, reduction="none", label_smoothing=smoothing
    )
    if gamma:
        sure = functional.softmax(logits, dim=-1).gather(1, labels.unsqueeze(1)).squeeze(1)
        loss = loss * (1 - sure) ** gamma
    return loss


def binary_losses(
    logits: Tensor, labels: Tensor, *, gamma: float = 0.0, smoothing: float = 0.0
) -> Tensor:
    """Binary cross-entropy of each answer (batch, classes), in float32; focal with a `gamma`.

    Args:
        logits: (batch, classes).
        labels: 0 or 1, or a mixture (batch, classes).
        gamma: of focal loss (Lin et al., 2017): times (1 - p)^gamma.
        smoothing: share of certainty given to the other answer.
    """
    logits, wanted = logits.float(), labels.float()
    soft = wanted * (1 - smoothing) + smoothing / 2
    loss = functional.binary_cross_entropy_with_logits(logits, soft, reduction="none")
    if gamma:
        said = torch.sigmoid(logits)
        loss = loss * (1 - torch.where(wanted > 0.5, said, 1 - said)) ** gamma
    return loss


def asymmetric_losses(
    logits: Tensor, labels: Tensor, *, away: float = 4.0, margin: float = 0.05
) -> Tensor:
    """Asymmetric loss (Ridnik et al., ICCV 2021) of each answer (batch, classes), in float32.

    A yes has plain cross-entropy. Of a no the probability is first lowered by `margin`, so that
    easy ones cost nothing, then focused by p^`away`: with many classes most answers are a no.
    """
    logits, wanted = logits.float(), labels.float()
    shifted = (torch.sigmoid(logits) - margin).clamp(min=0)
    no = -torch.log1p(-shifted.clamp(max=1 - 1e-7)) * shifted**away
    return wanted * -functional.logsigmoid(logits) + (1 - wanted) * no
