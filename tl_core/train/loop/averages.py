"""Weights between two states of a training: WiSE-FT (Wortsman et al., 2022)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypedDict

import numpy as np
from torch import Tensor, nn

from tl_core.errors import TrainingError
from tl_core.train.loop.best_state import Scores
from tl_core.train.loop.checkpoints import load_moving


class Mixture(TypedDict, total=False):
    """The share of the fine-tuned state, and the scores of all shares; empty without a mixture."""

    share: float
    tried: list[dict[str, float]]


def mix(start: dict[str, Tensor], end: dict[str, Tensor], share: float) -> dict[str, Tensor]:
    """(1 - share) of `start` plus `share` of `end`; counters are those of the end.

    Raises:
        TrainingError: when the two states have not the same parts.
    """
    if start.keys() != end.keys():
        raise TrainingError("The two states have different parts.", "They cannot be mixed.", "")
    return {
        name: start[name].lerp(end[name], share) if end[name].is_floating_point() else end[name]
        for name in end
    }


def choose_mix(
    model: nn.Module,
    start: dict[str, Tensor],
    end: dict[str, Tensor],
    judge: Callable[[], Scores],
    by: str,
) -> tuple[float, list[dict[str, float]]]:
    """Try shares 0, 0.1 ... 1 on the validation rows, leave the best one in `model`, and give it
    with all scores.
    """
    tried = []
    for share in np.linspace(0, 1, 11).round(1).tolist():
        load_moving(model, mix(start, end, share))
        tried.append({"share": share, **judge()})
    best = max(
        tried,
        key=lambda point: (
            -point["log_loss"] if by == "log_loss" else point[by],
            -point["log_loss"],
        ),
    )
    load_moving(model, mix(start, end, best["share"]))
    return best["share"], tried
