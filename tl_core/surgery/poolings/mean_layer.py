"""Mean pooling inside a native encoder: one appended layer whose attention is uniform.

With query and key zero every token attends equally to all unmasked ones; value and output
projections turn that into `scale` times the masked mean, and the feed-forward half adds nothing.
Position 0 then holds `LayerNorm(scale * mean + h_cls)`, the mean up to a cosine of .9999 for scale
100, where the architecture's own classification head reads it. No custom code is needed to load the
result.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from transformers import PreTrainedModel

SCALE = 100.0


class _LayerParts(NamedTuple):
    """The modules of one encoder layer, whatever an architecture calls them."""

    query: nn.Linear
    key: nn.Linear
    value: nn.Linear
    attention_output: nn.Linear
    attention_norm: nn.LayerNorm
    feed_forward_output: nn.Linear
    output_norm: nn.LayerNorm


class _PartNames(NamedTuple):
    """Where an architecture keeps them in its layer, in the order of `_LayerParts`."""

    query: str
    key: str
    value: str
    attention_output: str
    attention_norm: str
    feed_forward_output: str
    output_norm: str


_BERT = _PartNames(  # RoBERTa, XLM-R, CamemBERT and ELECTRA as well
    query="attention.self.query",
    key="attention.self.key",
    value="attention.self.value",
    attention_output="attention.output.dense",
    attention_norm="attention.output.LayerNorm",
    feed_forward_output="output.dense",
    output_norm="output.LayerNorm",
)
_DEBERTA = _BERT._replace(
    query="attention.self.query_proj",
    key="attention.self.key_proj",
    value="attention.self.value_proj",
)
_DISTILBERT = _PartNames(
    query="attention.q_lin",
    key="attention.k_lin",
    value="attention.v_lin",
    attention_output="attention.out_lin",
    attention_norm="sa_layer_norm",
    feed_forward_output="ffn.lin2",
    output_norm="output_layer_norm",
)


def layers_of(model: PreTrainedModel) -> nn.ModuleList:
    """The encoder's layers, by either of the two names that our families use."""
    base = model.base_model
    layers: nn.ModuleList = (
        base.transformer.layer if hasattr(base, "transformer") else base.encoder.layer
    )
    return layers


def _parts(layer: nn.Module) -> _LayerParts:
    inside = dict(layer.named_modules())
    names = next(names for names in (_BERT, _DEBERTA, _DISTILBERT) if names.query in inside)
    return _LayerParts._make(inside[name] for name in names)


def _fill(linear: nn.Linear, gain: float) -> None:
    nn.init.eye_(linear.weight)
    with torch.no_grad():
        linear.weight.mul_(gain)
    nn.init.zeros_(linear.bias)


def append_mean_layer(model: PreTrainedModel) -> None:
    """Append the layer to `model` in place and raise the layer count of its config."""
    layers = layers_of(model)
    new = copy.deepcopy(layers[-1])
    parts = _parts(new)
    for linear in (parts.query, parts.key, parts.feed_forward_output):
        _fill(linear, 0.0)
    _fill(parts.value, 1.0)
    _fill(parts.attention_output, SCALE)
    for norm in (parts.attention_norm, parts.output_norm):
        nn.init.ones_(norm.weight)
        nn.init.zeros_(norm.bias)
    layers.append(new)
    config = model.config
    name = "n_layers" if "n_layers" in config.to_dict() else "num_hidden_layers"
    setattr(config, name, getattr(config, name) + 1)


def is_appended(layer: nn.Module) -> bool:
    """Whether a layer is such a one: nothing is asked and nothing is sought."""
    parts = _parts(layer)
    return not any(bool(linear.weight.any()) for linear in (parts.query, parts.key))


class Shortcut(nn.Module):
    """The closed form of the appended layer at position 0; other positions pass unchanged."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        parts = _parts(layer)
        self.norm, self.last_norm = parts.attention_norm, parts.output_norm
        self.attention_type = getattr(layer, "attention_type", None)
        self.mask: Tensor | None = None
        self.extra: tuple[None, ...] | None = None

    def forward(
        self, hidden_states: Tensor, *_: object, **__: object
    ) -> Tensor | tuple[Tensor | None, ...]:
        if self.mask is None:
            raise RuntimeError("The mask of the batch must be set before the forward pass.")
        weights = self.mask.unsqueeze(-1).float()
        mean = (hidden_states.float() * weights).sum(1) / weights.sum(1)
        first = self.last_norm(self.norm(SCALE * mean + hidden_states[:, 0].float()))
        out = torch.cat([first.unsqueeze(1).to(hidden_states.dtype), hidden_states[:, 1:]], dim=1)
        return out if self.extra is None else (out, *self.extra)


@contextmanager
def shortcut(model: PreTrainedModel, example: dict[str, Tensor]) -> Iterator[Shortcut]:
    """Replace the appended layer by its closed form while features are extracted, which saves a
    whole layer.

    The caller sets `.mask` (batch, tokens) before each forward pass; `example` is one encoded
    batch, used to see whether the layer returns a tensor or a tuple.
    """
    layers = layers_of(model)
    layer = layers[-1]
    outputs: list[Tensor | tuple[Tensor | None, ...]] = []
    handle = layer.register_forward_hook(lambda _m, _i, output: outputs.append(output))
    with torch.inference_mode():
        model(**example)
    handle.remove()
    replacement = Shortcut(layer)
    if isinstance(outputs[0], tuple):
        replacement.extra = (None,) * (len(outputs[0]) - 1)
    layers[-1] = replacement
    try:
        yield replacement
    finally:
        layers[-1] = layer


@contextmanager
def training_shortcut(model: PreTrainedModel) -> Iterator[nn.Module]:
    """The closed form in the place of the appended layer, which never learns, for a whole training:
    each forward pass of `model` hands it the mask.
    """
    some = next(model.parameters())
    example = {
        "input_ids": torch.ones((1, 4), dtype=torch.long, device=some.device),
        "attention_mask": torch.ones((1, 4), dtype=torch.long, device=some.device),
    }
    with shortcut(model, example) as short:
        handle = model.register_forward_pre_hook(
            lambda _module, _args, kwargs: setattr(short, "mask", kwargs["attention_mask"]),
            with_kwargs=True,
        )
        try:
            yield short
        finally:
            handle.remove()
