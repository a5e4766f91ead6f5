"""Few bits through bitsandbytes: an optimiser whose state has 8 (Dettmers et al., 2022), and frozen
layers of 4 beside LoRA (QLoRA: Dettmers et al., 2023).
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from types import ModuleType
from typing import TYPE_CHECKING, Protocol, cast

import torch
from torch import Tensor, nn

from tl_core.errors import ConfigError

if TYPE_CHECKING:
    pass

BYTES_OF_4_BITS = 0.5 + 4 / 64  # a weight, and its share of a block's scale
BYTES_OF_8_BIT_STATE = 2 * (1 + 4 / 256)


class _FewBits(Protocol):
    """A layer of bitsandbytes."""

    weight: Tensor
    bias: nn.Parameter | None
    in_features: int
    out_features: int


def bitsandbytes(what: str) -> ModuleType:
    """The package.

    Raises:
        ConfigError: when it is not installed; `what` needs it.
    """
    try:
        return importlib.import_module("bitsandbytes")
    except ImportError as error:
        raise ConfigError(
            f"{what} needs the package bitsandbytes.",
            "It is not installed here.",
            "Install the extra few-bits, or choose another setting.",
        ) from error


def optimizer_of_8_bits(groups: list[dict[str, object]]) -> torch.optim.Optimizer:
    """AdamW whose state is kept in 8 bits."""
    made = bitsandbytes("optimizer adamw-8bit").optim.AdamW8bit(groups)
    return cast(torch.optim.Optimizer, made)


def in_4_bits(blocks: Iterable[nn.Module]) -> int:
    """Keep the frozen Linears of blocks in 4 bits (NF4), in place; gives how many weights that are.

    Raises:
        ConfigError: when there is none, or no bitsandbytes.
    """
    package, count = bitsandbytes("quantise 4bit"), 0
    for block in blocks:
        for name, layer in list(block.named_modules()):
            if type(layer) is nn.Linear and not layer.weight.requires_grad:
                device = layer.weight.device
                small = package.nn.Linear4bit(
                    layer.in_features,
                    layer.out_features,
                    bias=layer.bias is not None,
                    compute_dtype=torch.float32,
                    quant_type="nf4",
                )
                small.weight = package.nn.Params4bit(
                    layer.weight.data, requires_grad=False, quant_type="nf4"
                )
                small.bias = layer.bias
                block.set_submodule(name, small.to(device))
                count += layer.weight.numel()
    if not count:
        raise ConfigError(
            "There is no frozen layer that could be kept in 4 bits.",
            "The blocks of this backbone hold no Linear that LoRA leaves alone.",
            "Set quantise to none.",
        )
    return count


def in_full(model: nn.Module) -> None:
    """Make layers of 4 bits ordinary ones again, with the weights that the training has seen."""
    for name, layer in list(model.named_modules()):
        if type(layer).__name__ == "Linear4bit":
            small = cast(_FewBits, layer)
            state = getattr(small.weight, "quant_state", None)
            package = bitsandbytes("quantise 4bit")
            weight = package.functional.dequantize_4bit(small.weight.data, state).float()
            plain = nn.Linear(small.in_features, small.out_features, small.bias is not None)
            plain.weight = nn.Parameter(
                weight.reshape(small.out_features, small.in_features), requires_grad=False
            )
            if small.bias is not None:
                plain.bias = small.bias
            model.set_submodule(name, plain)
