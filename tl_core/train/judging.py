"""What a model says of held-out examples, and which of its states was best."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float64]
Scores = dict[str, float]


def probabilities(model: Any, examples: Any, batch: int, lengths: NDArray[np.int64] | None = None) -> Floats:  # noqa: ANN401
    """Probabilities (examples, classes) in float32 arithmetic, each example once, in the examples' order.

    Args:
        model: any classifier; it is put into eval mode and back.
        examples: a dataset of this package, without chance.
        batch: examples that go through together.
        lengths: of texts, to put like ones together.
    """
    order = np.arange(len(examples)) if lengths is None else np.argsort(-lengths, kind="stable")
    device, was_training = next(model.parameters()).device, model.training
    model.eval()
    parts = []
    with torch.inference_mode():
        for start in range(0, len(order), batch):
            inputs = examples.__getitems__([(0, int(place)) for place in order[start:start + batch]])
            inputs.pop("labels")
            logits = model(**{name: value.to(device) for name, value in inputs.items()}).logits
            parts.append(torch.softmax(logits.double(), dim=-1).cpu().numpy())
    model.train(was_training)
    found: Floats = np.empty((len(order), parts[0].shape[1]))
    found[order] = np.concatenate(parts)
    return found


class Best:
    """The best state so far by one score, ties broken by log loss; and when to give up hope.

    Args:
        by: accuracy, macro_f1 or log_loss.
        patience: judgements without a better one before it is time to stop; 0 never.
    """

    def __init__(self, by: str, patience: int) -> None:
        self.by, self._patience = by, patience
        self.scores: Scores = {}
        self.step, self.waited = 0, 0
        self.state: dict[str, Tensor] = {}

    def hear(self, scores: Scores, step: int, state: Callable[[], dict[str, Tensor]]) -> bool:
        """Take note of a judgement; gives whether patience has run out. `state` is asked for only when it is best."""
        if not self.scores or self._key(scores) > self._key(self.scores):
            self.scores, self.step, self.waited = scores, step, 0
            self.state = {name: value.detach().clone() for name, value in state().items()}
        else:
            self.waited += 1
        return bool(self._patience) and self.waited >= self._patience

    def _key(self, scores: Scores) -> tuple[float, float]:
        lead = -scores["log_loss"] if self.by == "log_loss" else scores[self.by]
        return round(lead, 9), -scores["log_loss"]

    def facts(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"scores": self.scores, "step": self.step, "waited": self.waited}

    def restore(self, facts: dict[str, Any], state: dict[str, Tensor]) -> None:
        """From a checkpoint."""
        self.scores, self.step, self.waited, self.state = facts["scores"], facts["step"], facts["waited"], state
