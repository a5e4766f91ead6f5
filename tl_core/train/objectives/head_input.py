"""What a classifier reads, while the network is trained."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from tl_core.backbones.encoding import last_token
from tl_core.surgery.lora import plain_name
from tl_core.train.features.examples import Batch

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class HeadInput:
    """Remembers what enters the classifier in a forward pass.

    Args:
        model: that is called; with LoRA, the wrapped one.
        roots: names of the classifier's modules in the native model, which read the features.

    Attributes:
        width: of the features of all roots.
    """

    def __init__(self, model: PreTrainedModel, roots: Iterable[str]) -> None:
        self._seen: dict[str, Tensor] = {}
        self._roots = tuple(roots)
        self._pad: int | None = getattr(model.config, "pad_token_id", None)
        # LoRA's wrapping and what it wraps have the same plain name, and read the same
        heads = [
            (plain_name(name), module)
            for name, module in model.named_modules()
            if plain_name(name) in self._roots
        ]
        self._handles = [  # before any dropout of the head
            head.register_forward_pre_hook(partial(self._note, root), prepend=True)
            for root, head in heads
        ]
        self.width = sum({root: _width(head) for root, head in heads}.values())

    def _note(self, root: str, _module: nn.Module, given: tuple[Tensor, ...]) -> None:
        self._seen[root] = given[0]

    def parts(self, inputs: Batch) -> list[Tensor]:
        """For each of the roots, float32 (batch, width), of the pass that has just been made."""
        found = [self._seen[root] for root in self._roots]
        if found[0].ndim == 3:  # a decoder, which answers at every token
            rows = torch.arange(len(found[0]), device=found[0].device)
            last = last_token(inputs, self._pad if self._pad is not None else -1)
            found = [part[rows, last] for part in found]
        return [part.float() for part in found]

    def features(self, inputs: Batch) -> Tensor:
        """The same side by side, float32 (batch, width)."""
        return torch.cat(self.parts(inputs), dim=1)

    def close(self) -> None:
        """Look no longer."""
        for handle in self._handles:
            handle.remove()
        self._seen.clear()


def _width(head: nn.Module) -> int:
    """How many numbers a classifier reads: as many as the first Linear in it."""
    return next(one.in_features for one in head.modules() if isinstance(one, nn.Linear))
