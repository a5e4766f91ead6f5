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
from typing import Any

import torch
from torch import Tensor, nn

SCALE = 100.0


def layers_of(model: Any) -> nn.ModuleList:  # noqa: ANN401
    """The encoder's layers, by either of the two names that our families use."""
    base = model.base_model
    layers: nn.ModuleList = (
        base.transformer.layer if hasattr(base, "transformer") else base.encoder.layer
    )
    return layers


def _parts(layer: Any) -> tuple[Any, ...]:  # noqa: ANN401
    """Query, key, value, attention output, its norm, feed-forward output, its norm."""
    attention = layer.attention
    if hasattr(layer, "sa_layer_norm"):  # DistilBERT
        return (
            attention.q_lin,
            attention.k_lin,
            attention.v_lin,
            attention.out_lin,
            layer.sa_layer_norm,
            layer.ffn.lin2,
            layer.output_layer_norm,
        )
    own = attention.self
    names = (
        ("query", "key", "value")
        if hasattr(own, "query")
        else ("query_proj", "key_proj", "value_proj")
    )
    return (
        *(getattr(own, name) for name in names),
        attention.output.dense,
        attention.output.LayerNorm,
        layer.output.dense,
        layer.output.LayerNorm,
    )


def _fill(linear: nn.Linear, gain: float) -> None:
    nn.init.eye_(linear.weight)
    with torch.no_grad():
        linear.weight.mul_(gain)
    nn.init.zeros_(linear.bias)


def append_mean_layer(model: Any) -> None:  # noqa: ANN401
    """Append the layer to `model` in place and raise the layer count of its config."""
    layers = layers_of(model)
    new = copy.deepcopy(layers[-1])
    query, key, value, out, norm, ffn, last_norm = _parts(new)
    for linear in (query, key, ffn):
        _fill(linear, 0.0)
    _fill(value, 1.0)
    _fill(out, SCALE)
    for one in (norm, last_norm):
        nn.init.ones_(one.weight)
        nn.init.zeros_(one.bias)
    layers.append(new)
    config = model.config
    name = "n_layers" if "n_layers" in config.to_dict() else "num_hidden_layers"
    setattr(config, name, getattr(config, name) + 1)


class _Shortcut(nn.Module):
    """The closed form of the appended layer at position 0; other positions pass unchanged."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.norm, self.last_norm = _parts(layer)[4], _parts(layer)[6]
        self.attention_type = getattr(layer, "attention_type", None)
        self.mask: Tensor | None = None
        self.extra: tuple[Any, ...] | None = None

    def forward(self, hidden_states: Tensor, *_: Any, **__: Any) -> Any:  # noqa: ANN401
        weights = self.mask.unsqueeze(-1).float()  # type: ignore[union-attr]
        mean = (hidden_states.float() * weights).sum(1) / weights.sum(1)
        first = self.last_norm(self.norm(SCALE * mean + hidden_states[:, 0].float()))
        out = torch.cat([first.unsqueeze(1).to(hidden_states.dtype), hidden_states[:, 1:]], dim=1)
        return out if self.extra is None else (out, *self.extra)


@contextmanager
def shortcut(model: Any, example: dict[str, Tensor]) -> Iterator[_Shortcut]:  # noqa: ANN401
    """Replace the appended layer by its closed form while features are extracted, which saves a
    whole layer.

    The caller sets `.mask` (batch, tokens) before each forward pass; `example` is one encoded
    batch, used to see whether the layer returns a tensor or a tuple.
    """
    layers = layers_of(model)
    layer = layers[-1]
    seen: list[Any] = []
    handle = layer.register_forward_hook(lambda _m, _i, out: seen.append(out))
    with torch.inference_mode():
        model(**example)
    handle.remove()
    replacement = _Shortcut(layer)
    if isinstance(seen[0], tuple):
        replacement.extra = tuple(None for _ in seen[0][1:])
    layers[-1] = replacement
    try:
        yield replacement
    finally:
        layers[-1] = layer


@contextmanager
def training_shortcut(model: Any) -> Iterator[nn.Module]:  # noqa: ANN401
    """The closed form in the place of the appended layer, which never learns, for a whole training:
    each forward pass of `model` tells it the mask.
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
