"""Low-rank matrices beside the layers of a network (Hu et al., 2022), through peft."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING

from torch import nn

from tl_core.config import SurgeryPlan
from tl_core.errors import ConfigError
from tl_core.surgery.architectures import LAYOUTS
from tl_core.surgery.layers import LayerGroup, head_modules
from tl_core.surgery.network import Network
from tl_core.surgery.trainable import below_head, choose_trainable, names_in

if TYPE_CHECKING:
    from peft import PeftModel
    from transformers import PreTrainedModel

_WRAPPINGS = re.compile(
    r"^base_model\.model\.|\.base_layer|\.lora_(A|B|embedding_A|embedding_B)\.default"
    r"|\.modules_to_save\.default|\.original_module"
)


def add_lora(network: Network, groups: list[LayerGroup], plan: SurgeryPlan) -> PeftModel:
    """Matrices beside the attention (or the dense convolutions) of the blocks that the plan moves;
    the classifier learns whole.

    Raises:
        ConfigError: when the blocks hold no layer for that.
    """
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        r=plan.lora_rank,
        lora_alpha=plan.lora_alpha,
        bias="none",
        lora_dropout=plan.lora_dropout,
        target_modules=_targets(network, groups, plan),
        modules_to_save=head_modules(
            network.model, network.family, network.head_roots, network.fresh
        ),
    )
    with warnings.catch_warnings():
        # about fan_in_fan_out, which peft then sets by itself
        warnings.simplefilter("ignore", UserWarning)
        # peft still asks for an old name of checkpointing
        warnings.simplefilter("ignore", FutureWarning)
        wrapped = get_peft_model(network.model, config)
    for module in wrapped.modules():
        base = getattr(module, "base_layer", None)
        if isinstance(base, nn.Conv2d):  # MobileNet's padding asks the layer for these
            module.stride, module.kernel_size, module.dilation = (
                base.stride,
                base.kernel_size,
                base.dilation,
            )
    return wrapped


def plain_name(name: str) -> str:
    """The name that a parameter has without LoRA's wrappings."""
    return _WRAPPINGS.sub("", name)


def merge_lora(model: PreTrainedModel | PeftModel) -> PreTrainedModel:
    """The native model with LoRA merged into its weights; other models stay as they are."""
    return model.merge_and_unload() if hasattr(model, "merge_and_unload") else model


def _targets(network: Network, groups: list[LayerGroup], plan: SurgeryPlan) -> list[str]:
    """Paths of the layers that get matrices."""
    wanted = (
        names_in(below_head(groups))
        if plan.tune == "all"
        else choose_trainable(network.model, groups, plan)
    )
    inside = names_in(group for group in groups if group.is_block) & wanted
    leaves = LAYOUTS[network.family].lora if network.family in LAYOUTS else ()
    targets = [
        path
        for path, module in network.model.named_modules()
        if f"{path}.weight" in inside
        and (path.rsplit(".", 1)[-1] in leaves or (not leaves and _mixes_channels(module)))
    ]
    if not targets:
        raise ConfigError(
            "There is no layer in the chosen blocks that LoRA can work beside.",
            "",
            "Set tune to all, or lora to false.",
        )
    return targets


def _mixes_channels(module: nn.Module) -> bool:
    """Layers that mix all channels: what LoRA is for in networks without attention projections of
    known name.
    """
    return isinstance(module, nn.Linear) or (isinstance(module, nn.Conv2d) and module.groups == 1)
