"""Carrying out a surgery plan: what is replaced, what moves, how fast, and a report of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from tl_core.config import SurgeryPlan
from tl_core.errors import ConfigError
from tl_core.surgery import grafts, heads, lr_groups
from tl_core.surgery.facts import Reinitialised
from tl_core.surgery.layers import LayerGroup, head_modules, layer_groups
from tl_core.surgery.lora import add_lora
from tl_core.surgery.modes import ModeKeeper
from tl_core.surgery.network import Network
from tl_core.surgery.report import SurgeryReport, report_surgery
from tl_core.surgery.trainable import choose_trainable, names_in

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_HEAD_SCALE = 10.0  # of a fresh head, as in TLlib's fine-tuning recipes
_BESIDE_LORA = 0.1  # low-rank matrices take steps that would tear a whole layer apart


def apply_plan(
    backbone: Network, plan: SurgeryPlan, *, fitted_head: bool = False, seed: int = 0
) -> tuple[PreTrainedModel, SurgeryReport]:
    """Carry `plan` out on an opened backbone, in place.

    Args:
        backbone: as `load_backbone` gives it, opened with the plan's pooling and `scratch`; it may
            lie on the meta device, where only shapes count.
        plan: what to do.
        fitted_head: whether the head holds a fitted probe, which must stay.
        seed: for re-initialised layers.

    Returns:
        The model to train (a `PeftModel` with LoRA), its `requires_grad` set and its modes kept by
        a hook, and the report. Missing layers always move.

    Raises:
        BackboneError: for an unknown family, or weights that are not finite float32 numbers.
        ConfigError: when the plan names nothing, or what this architecture has not.
    """
    reinitialised = list(backbone.replaced)
    if plan.head == "mlp":
        reinitialised.append(_graft_mlp(backbone, plan, seed))
    elif plan.head_dropout:
        _drop_before(backbone.model, backbone.port.names, plan.head_dropout)
    groups = layer_groups(
        backbone.model,
        backbone.family,
        head_modules(backbone.model, backbone.family, backbone.head_roots, backbone.fresh),
        mean_layer=backbone.has_mean_layer,
        unknown=plan.unknown_layers,
    )
    if plan.reinit_top:
        blocks = [group for group in groups if group.is_block]
        reinitialised += _start_anew(backbone.model, blocks[-plan.reinit_top :], seed)
    model, moving = _free(backbone, groups, plan)
    factors = lr_groups.scales(len(groups), plan, _head_scale(plan, fitted_head=fitted_head))
    report = report_surgery(backbone, model, groups, moving, factors, reinitialised)
    backbone.keeper = ModeKeeper(model, moving, plan.batchnorm, frozen_dropout=plan.frozen_dropout)
    if not any(parameter.is_meta for parameter in model.parameters()):
        heads.assert_finite(model, backbone.family)
    return model, report


def _free(
    backbone: Network, groups: list[LayerGroup], plan: SurgeryPlan
) -> tuple[PreTrainedModel, set[str]]:
    """The model to train, all of it frozen but what the plan moves, and the names of that."""
    model = backbone.model
    moving = choose_trainable(model, groups, plan)
    if plan.lora:
        model = add_lora(backbone, groups, plan)
        moving = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name in moving)
    return model, moving


def _head_scale(plan: SurgeryPlan, *, fitted_head: bool) -> float:
    """How many times the learning rate the classifier gets."""
    usual = (1.0 if fitted_head else _HEAD_SCALE) * (_BESIDE_LORA if plan.lora else 1.0)
    return plan.head_lr or usual


def _graft_mlp(backbone: Network, plan: SurgeryPlan, seed: int) -> Reinitialised:
    """Put hidden layers before the classifier, and make the last of the new layers the head."""
    if len(backbone.port.names) > 1:
        raise ConfigError(
            "This backbone averages two classifiers.",
            "Hidden layers cannot be put before both.",
            "Set head to linear.",
        )
    at = backbone.port.names[0]
    old = heads.linear_at(backbone.model, at)
    backbone.mlp = {
        "at": at,
        "hidden": [int(width) for width in plan.hidden],
        "activation": plan.activation,
        "dropout": plan.head_dropout,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        last = grafts.replace_head(backbone.model, backbone.mlp)
    backbone.port = heads.port_at(backbone.model, (last,))
    return {
        "name": at,
        "old": list(old.weight.shape),
        "new": [old.in_features, *backbone.mlp["hidden"], old.out_features],
    }


def _drop_before(model: nn.Module, names: tuple[str, ...], share: float) -> None:
    for name in names:
        model.get_submodule(name).register_forward_pre_hook(
            lambda module, inputs: (
                nn.functional.dropout(inputs[0], share, module.training),
                *inputs[1:],
            )
        )


def _start_anew(model: PreTrainedModel, blocks: list[LayerGroup], seed: int) -> list[Reinitialised]:
    """Random weights for whole blocks, drawn as the architecture itself draws them (Zhang et al.,
    2021).
    """
    names = names_in(blocks)
    initialise = getattr(model, "_init_weights", None)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for path, module in model.named_modules():
            own = [f"{path}.{name}" for name, _ in module.named_parameters(recurse=False)]
            if not own or not names.issuperset(own):
                continue
            for parameter in module.parameters(recurse=False):
                parameter._is_hf_initialized = False
            if hasattr(module, "reset_parameters"):
                module.reset_parameters()
            if initialise:
                initialise(module)
    return [{"name": block.name, "old": "pretrained", "new": "random"} for block in blocks]
