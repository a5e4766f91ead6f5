"""How the learning rate changes over a training: a factor for each step."""

from __future__ import annotations

import math

_DIV, _FINAL_DIV = 25.0, 1e4  # of one-cycle, as in Smith and Topin (2018) and torch's OneCycleLR


def factor(step: int, total: int, kind: str, warmup: float) -> float:
    """Learning rate of `step` (from 0) over the highest one.

    Args:
        step: 0 to total - 1.
        total: steps of the whole training.
        kind: linear, cosine, constant or one-cycle.
        warmup: share of the steps in which it rises; one-cycle rises from 1/25, the others from 0.
    """
    if kind == "one-cycle":
        return _one_cycle(step, total, warmup or 0.3)
    rising = warmup * total
    if step < rising:
        return step / max(rising, 1.0)
    if kind == "constant":
        return 1.0
    done = (step - rising) / max(total - rising, 1.0)
    return (
        max(0.0, 1 - done) if kind == "linear" else 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))
    )


def _one_cycle(step: int, total: int, warmup: float) -> float:
    """Cosine up to 1, then cosine down to almost nothing."""
    top, last = warmup * total - 1, total - 1
    if step <= top:
        return _between(1 / _DIV, 1.0, step / max(top, 1e-9))
    return _between(1.0, 1 / _DIV / _FINAL_DIV, (step - top) / max(last - top, 1e-9))


def _between(start: float, end: float, share: float) -> float:
    return end + (start - end) / 2 * (1 + math.cos(math.pi * min(share, 1.0)))


def past_peak(total: int, kind: str, warmup: float) -> int:
    """The last step before the learning rate has fallen to half of its peak; that of the peak where
    it never falls.
    """
    factors = [factor(step, total, kind, warmup) for step in range(total)]
    top = max(range(total), key=lambda step: factors[step], default=0)
    return next((step for step in range(top, total) if factors[step] <= 0.5), top)
