"""An encoder with a pooling that its native classifier has not: cls, mean, max or concat."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from tl_core.errors import BackboneError

if TYPE_CHECKING:
    from transformers import PreTrainedModel
    from transformers.modeling_outputs import SequenceClassifierOutput


class PooledClassifier(nn.Module):
    """An encoder, a pooling over its positions, and a linear classifier.

    Positions are tokens of a text (padding is left out), patches or places of a picture, including
    a class token where the encoder has one. Input as for the native classifier; output has `logits`
    (batch, classes).
    """

    base_model_prefix = "backbone"  # where peft looks for the encoder

    def __init__(self, native: PreTrainedModel, pooling: str) -> None:
        super().__init__()
        self.config, self.pooling = native.config, pooling
        width = _width(native)
        base = native.timm_model if hasattr(native, "timm_model") else native.base_model
        self.backbone = native.vision_model if base is native else base
        if hasattr(native, "timm_model"):
            self.backbone.reset_classifier(0)
        elif _has_weights(getattr(self.backbone, "pooler", None)):
            # never read here, and a part that never learns would be counted as one
            self.backbone.pooler = None
        self.classifier = nn.Linear(
            width * (2 if pooling == "concat" else 1), self.config.num_labels
        )
        self._width = width

    def get_input_embeddings(self) -> nn.Module:
        """The encoder's table of words, asked for as of every model of transformers."""
        return cast("nn.Module", self.backbone.get_input_embeddings())

    def forward(
        self, attention_mask: Tensor | None = None, **inputs: Tensor
    ) -> SequenceClassifierOutput:
        from transformers.modeling_outputs import SequenceClassifierOutput

        if hasattr(self.backbone, "forward_features"):
            hidden = self.backbone.forward_features(inputs["pixel_values"])
        else:
            masks = {} if attention_mask is None else {"attention_mask": attention_mask}
            hidden = self.backbone(**inputs, **masks).last_hidden_state
        positions = self._positions(hidden)
        mask = mask_of(self.backbone, attention_mask, positions.shape[1])
        return SequenceClassifierOutput(logits=self.classifier(pool(positions, mask, self.pooling)))

    def _positions(self, hidden: Tensor) -> Tensor:
        """(batch, positions, width), whatever way the encoder orders its axes."""
        if hidden.ndim == 3:
            return hidden
        if hidden.shape[1] == self._width:
            hidden = hidden.permute(0, 2, 3, 1)
        return hidden.flatten(1, 2)


def mask_of(encoder: nn.Module, mask: Tensor | None, positions: int) -> Tensor | None:
    """The mask over an encoder's positions, of the mask over what it reads: networks for sounds
    make one position of some hundred samples. None where it cannot be known.
    """
    if mask is None or mask.shape[1] == positions:
        return mask
    shorten = getattr(encoder, "_get_feature_vector_attention_mask", None)
    return None if shorten is None else cast("Tensor", shorten(positions, mask))


def pool(hidden: Tensor, mask: Tensor | None, kind: str) -> Tensor:
    """Positions (batch, positions, width) as one vector each: cls, mean, max, or concat of mean and
    max.
    """
    if kind == "cls":
        return hidden[:, 0]
    weights = (
        torch.ones_like(hidden[..., :1]) if mask is None else mask.unsqueeze(-1).to(hidden.dtype)
    )
    mean = (hidden * weights).sum(1) / weights.sum(1).clamp_min(1e-6)
    if kind == "mean":
        return mean
    largest = hidden.masked_fill(weights == 0, torch.finfo(hidden.dtype).min).amax(1)
    return largest if kind == "max" else torch.cat([mean, largest], dim=-1)


def _has_weights(module: nn.Module | None) -> bool:
    return module is not None and any(True for _ in module.parameters())


def _width(native: PreTrainedModel) -> int:
    """Length of the vector that the encoder gives for each position."""
    if hasattr(native, "timm_model"):
        return int(native.timm_model.num_features)
    config = native.config
    config = getattr(config, "vision_config", config)
    for name in ("hidden_size", "dim", "n_embd", "hidden_dim"):
        if value := getattr(config, name, None):
            return int(value)
    if sizes := getattr(config, "hidden_sizes", None):
        return int(sizes[-1])
    if isinstance(getattr(native, "classifier", None), nn.Linear):
        return int(native.classifier.in_features)
    raise BackboneError(
        f"The width of the architecture {config.model_type!r} is not known.",
        "",
        "Set pooling to auto.",
    )
