"""Items of another domain, read by the network beside each batch; without their labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from tl_core.train.arrays import Ints
from tl_core.train.features.examples import Examples, Key, inputs_of
from tl_core.train.objectives.head_input import HeadInput
from tl_core.train.objectives.objective import Step

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_FEWEST = 2  # examples of a pass: a batch has statistics


class TargetReader:
    """Gives what the network makes of as many items of the target as a batch has, other ones at
    each pass; which ones depends on the number of the pass alone, so that a resumed training takes
    the same.

    Args:
        model: that is trained.
        head_input: what its classifier reads.
        examples: of the target; their labels are never looked at.
        seed: of the order.
    """

    def __init__(
        self, model: PreTrainedModel, head_input: HeadInput, examples: Examples, seed: int
    ) -> None:
        self._model, self._head, self._examples = model, head_input, examples
        self._seed, self.width = seed, head_input.width
        self._step: Step | None = None
        self._read: tuple[Tensor, Tensor] | None = None

    def __call__(self, step: Step) -> tuple[Tensor, Tensor]:
        """Features (batch, width) and logits (batch, classes), float32; one pass for all who
        ask.
        """
        if self._step is not step or self._read is None:
            self._step, self._read = step, self._pass(step)
        return self._read

    def _pass(self, step: Step) -> tuple[Tensor, Tensor]:
        device = step.logits.device
        passes = step.moment.passes if step.moment else 0
        keys = self.keys(passes, max(_FEWEST, len(step.labels)))
        inputs, _ = inputs_of(self._examples.__getitems__(keys), device)
        with torch.autocast(device.type, torch.bfloat16, enabled=step.bf16):
            logits = self._model(**inputs).logits
        return self._head.features(inputs), logits.float()

    def keys(self, passes: int, size: int) -> list[Key]:
        """Which examples the pass of this number takes: all once in random order, then all again
        in another one.
        """
        count = len(self._examples)
        at = np.arange(passes * size, (passes + 1) * size)
        orders = {int(epoch): self._order(int(epoch)) for epoch in np.unique(at // count)}
        return [(int(one // count), int(orders[int(one // count)][one % count])) for one in at]

    def _order(self, epoch: int) -> Ints:
        order: Ints = np.random.default_rng([self._seed, epoch]).permutation(len(self._examples))
        return order
