"""What settings of a network that is larger than the memory can go together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tl_core.errors import ConfigError

if TYPE_CHECKING:
    from tl_core.config.finetune import FinetuneSettings

SHARING = ("none", "fsdp")
ACTIVATIONS = ("keep", "recompute", "offload")
OPTIMIZERS = ("adamw", "adamw-8bit")
QUANTISED = ("none", "4bit")


def refuse_larger(settings: FinetuneSettings) -> None:
    """Refuse what would not work, before anything has begun.

    Raises:
        ConfigError: in these cases.
    """
    if settings.quantise != "none" and not settings.lora:
        raise ConfigError(
            "quantise needs LoRA.",
            "Weights of 4 bits cannot be changed; LoRA learns matrices beside them.",
            "Set lora to true, or quantise to none.",
        )
    if settings.sharing == "none":
        return
    if settings.quantise != "none" or settings.optimizer != "adamw":
        raise ConfigError(
            "sharing fsdp does not go together with quantise and adamw-8bit.",
            "Numbers of few bits come in blocks that cannot be cut for several processes.",
            "Set quantise to none and optimizer to adamw, or sharing to none.",
        )
    looks = settings.delta or settings.bss or settings.needs_source_classes
    if looks or settings.penalty != "none" or settings.reads_target or settings.mix_style:
        raise ConfigError(
            "sharing fsdp does not go together with what keeps the pretraining or adapts to a"
            " domain.",
            "That looks at whole weights or features, and each process has a part of them.",
            "Leave these settings out, or set sharing to none.",
        )
    if settings.find_lr or settings.compile or settings.gradual:
        raise ConfigError(
            "sharing fsdp does not go together with find_lr, compile and gradual.",
            "They work on a network that one process has as a whole.",
            "Set them to false, or sharing to none.",
        )
