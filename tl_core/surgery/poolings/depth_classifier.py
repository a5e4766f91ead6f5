"""Features from any depth of a backbone: after one block, or after all of them side by side.

Multi-layer features are those of Head2Toe (Evci et al., ICML 2022): what each block says, averaged
over its positions and brought to length one. A `DepthClassifier` is a graft (see `grafts`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from tl_core.errors import ConfigError
from tl_core.surgery.layers import block_modules
from tl_core.surgery.poolings.pooled_classifier import mask_of

if TYPE_CHECKING:
    from transformers import PreTrainedModel
    from transformers.modeling_outputs import SequenceClassifierOutput

KIND = "depth:"  # before the number of a block from 1 on, or `all`


class _Enough(Exception):
    """The wanted block has spoken; what follows need not be computed."""


class DepthClassifier(nn.Module):
    """A backbone read after one of its blocks, or after all, and a linear classifier on that.

    Args:
        native: the classifier of transformers.
        family: its `model_type`.
        kind: `depth:3` or `depth:all`.
        widths: length of what each block says, where it is known; else `example` is read.
        example: a batch.

    Raises:
        ConfigError: for a block that the backbone has not.
    """

    base_model_prefix = "backbone"

    def __init__(
        self,
        native: PreTrainedModel,
        family: str,
        kind: str,
        widths: list[int] | None = None,
        example: dict[str, Tensor] | None = None,
    ) -> None:
        super().__init__()
        self.config, self.backbone, self._family = native.config, native, family
        self._names = block_modules(native, family)
        self._last = _block_number(kind, len(self._names))
        self._channels_last = (
            getattr(getattr(native, "timm_model", None), "output_fmt", "") == "NHWC"
        )
        self.widths = widths or [vectors.shape[1] for vectors in self._read(example or {})]
        self.classifier = nn.Linear(sum(self.widths), self.config.num_labels)

    @property
    def blocks(self) -> int:
        """How many blocks the backbone has."""
        return len(self._names)

    def at(self, number: int) -> DepthClassifier:
        """The same network, not a copy, read after block `number` alone.

        Raises:
            ConfigError: where there is no such block.
        """
        return DepthClassifier(
            self.backbone, self._family, f"{KIND}{number}", widths=self.widths[number - 1 : number]
        )

    def get_input_embeddings(self) -> nn.Module:
        """The encoder's table of words, asked for as of every model of transformers."""
        return cast("nn.Module", self.backbone.get_input_embeddings())

    def forward(self, **inputs: Tensor) -> SequenceClassifierOutput:
        from transformers.modeling_outputs import SequenceClassifierOutput

        return SequenceClassifierOutput(
            logits=self.classifier(torch.cat(self._read(inputs), dim=1))
        )

    def _read(self, inputs: dict[str, Tensor]) -> list[Tensor]:
        """What the wanted blocks say, each (batch, width) of length one."""
        wanted = [self._last] if self._last else range(1, len(self._names) + 1)
        pooled: dict[int, Tensor] = {}

        def keep(number: int, output: Tensor | tuple[Tensor, ...]) -> None:
            hidden = output[0] if isinstance(output, tuple) else output
            # pooled now: later layers may write over it
            pooled[number] = self._pooled(hidden, inputs.get("attention_mask"))
            # an export cannot follow an exception
            if number == self._last and not torch.compiler.is_exporting():
                raise _Enough

        handles = [
            self.backbone.get_submodule(name).register_forward_hook(
                lambda _m, _i, output, number=number: keep(number, output)
            )
            for number, name in enumerate(self._names, 1)
        ]
        try:
            self.backbone(**inputs)
        except _Enough:
            pass
        finally:
            for handle in handles:
                handle.remove()
        return [functional.normalize(pooled[number], dim=-1) for number in wanted]

    def _pooled(self, hidden: Tensor, mask: Tensor | None) -> Tensor:
        if hidden.ndim == 4:
            return hidden.mean((1, 2) if self._channels_last else (2, 3))
        mask = mask_of(self.backbone, mask, hidden.shape[1])
        if mask is None or mask.shape[1] != hidden.shape[1]:
            return hidden.mean(1)
        weights = mask.unsqueeze(-1).to(hidden.dtype)
        return (hidden * weights).sum(1) / weights.sum(1).clamp_min(1)


def _block_number(kind: str, blocks: int) -> int:
    """The block that `kind` names, 0 for all of them."""
    wanted = kind.removeprefix(KIND)
    if wanted == "all":
        return 0
    if not re.fullmatch(r"[1-9]\d{0,3}", wanted) or int(wanted) > blocks:
        raise ConfigError(
            f"There is no block {wanted}.",
            f"This backbone has {blocks} blocks.",
            f"Set depth to a number from 1 to {blocks}, to 0 for the whole network, or to -1 for"
            " all blocks side by side.",
        )
    return int(wanted)
