"""What settings of a network that is larger than the memory can go together."""

from __future__ import annotations

from tl_core.errors import ConfigError

SHARING = ("none", "fsdp")
ACTIVATIONS = ("keep", "recompute", "offload")
OPTIMIZERS = ("adamw", "adamw-8bit")
QUANTISED = ("none", "4bit")


def refuse_larger(
    *, sharing: str, optimizer: str, quantise: str, lora: bool, looks: bool, whole: bool
) -> None:
    """Refuse what would not work, before anything has begun.

    Args:
        sharing: one of `SHARING`.
        optimizer: one of `OPTIMIZERS`.
        quantise: one of `QUANTISED`.
        lora: whether LoRA learns.
        looks: whether something looks at whole weights or features.
        whole: whether something works on a network that one process has as a whole.

    Raises:
        ConfigError: in these cases.
    """
    if quantise != "none" and not lora:
        raise ConfigError(
            "quantise needs LoRA.",
            "Weights of 4 bits cannot be changed; LoRA learns matrices beside them.",
            "Set lora to true, or quantise to none.",
        )
    if sharing == "none":
        return
    if quantise != "none" or optimizer != "adamw":
        raise ConfigError(
            "sharing fsdp does not go together with quantise and adamw-8bit.",
            "Numbers of few bits come in blocks that cannot be cut for several processes.",
            "Set quantise to none and optimizer to adamw, or sharing to none.",
        )
    if looks:
        raise ConfigError(
            "sharing fsdp does not go together with what keeps the pretraining or adapts to a"
            " domain.",
            "That looks at whole weights or features, and each process has a part of them.",
            "Leave these settings out, or set sharing to none.",
        )
    if whole:
        raise ConfigError(
            "sharing fsdp does not go together with find_lr, compile and gradual.",
            "They work on a network that one process has as a whole.",
            "Set them to false, or sharing to none.",
        )
