"""The network as its pretraining left it, read beside the one that is trained."""

from __future__ import annotations

import copy
from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from tl_core.surgery.layers import block_modules
from tl_core.train.objectives.head_input import HeadInput
from tl_core.train.objectives.objective import Step

if TYPE_CHECKING:
    from tl_core.backbones.backbone import Backbone

_DEPTHS = 4  # from which maps are taken; the paper takes the ends of a ResNet's four stages


class Maps:
    """Remembers what blocks of a network give in a forward pass."""

    def __init__(self, blocks: list[nn.Module]) -> None:
        self._seen: dict[nn.Module, Tensor] = {}
        self._blocks = blocks
        self._handles = [block.register_forward_hook(self._note) for block in blocks]

    def _note(self, block: nn.Module, _inputs: object, output: Tensor | tuple[Tensor]) -> None:
        self._seen[block] = output if isinstance(output, Tensor) else output[0]

    def now(self) -> list[Tensor]:
        """Of the pass that has just been made, from input to output."""
        return [self._seen[block] for block in self._blocks]

    def close(self) -> None:
        """Look no longer."""
        for handle in self._handles:
            handle.remove()
        self._seen.clear()


def read_blocks(backbone: Backbone, quarters: int = _DEPTHS) -> list[str]:
    """Names of the blocks after each of the first quarters of a network."""
    names = block_modules(backbone.model, backbone.family)
    if backbone.has_mean_layer:
        names = names[:-1]  # the appended one only pools
    ends = np.unique(np.ceil(np.arange(1, quarters + 1) * len(names) / _DEPTHS).astype(int))
    return [names[end - 1] for end in ends]


class SourceNetwork:
    """A frozen copy of an opened backbone, always in eval mode.

    Args:
        backbone: not yet operated on; it may be trained afterwards.
        blocks: names of the blocks whose maps are read.
        stack: at whose end it looks no longer.
    """

    def __init__(self, backbone: Backbone, blocks: list[str], stack: ExitStack) -> None:
        self._model = copy.deepcopy(backbone.model).eval().requires_grad_(False)
        self._maps = Maps([self._model.get_submodule(name) for name in blocks])
        self._head = HeadInput(self._model, backbone.port.names)
        stack.callback(self._maps.close)
        stack.callback(self._head.close)
        self._step: Step | None = None

    def _read(self, step: Step) -> None:
        """One pass over the inputs of a step, however many ask for it."""
        if self._step is step:
            return
        device = step.logits.device
        with torch.no_grad(), torch.autocast(device.type, torch.bfloat16, enabled=step.bf16):
            self._model(**step.inputs)
        self._step = step

    def maps(self, step: Step) -> list[Tensor]:
        """What its blocks give for the inputs of a step."""
        self._read(step)
        return self._maps.now()

    def features(self, step: Step) -> list[Tensor]:
        """What its classifier reads of them, float32 (batch, width) for each of its Linears."""
        self._read(step)
        return self._head.parts(step.inputs)
