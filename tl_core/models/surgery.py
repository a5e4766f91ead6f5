"""Carrying out a surgery plan: what is replaced, what moves, how fast, and a report of all of
it.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import nn

from tl_core.config import SurgeryPlan
from tl_core.errors import ConfigError
from tl_core.models import grafts, heads, lr_groups
from tl_core.models.depth import HEAD, POOLING, TOP, LayerGroup, head_modules, layer_groups
from tl_core.models.families import LAYOUTS
from tl_core.models.modes import ModeKeeper

_LORA_PARTS = re.compile(
    r"^base_model\.model\.|\.base_layer|\.lora_(A|B|embedding_A|embedding_B)\.default"
    r"|\.modules_to_save\.default|\.original_module"
)
_HEAD_SCALE = 10.0  # of a fresh head, as in TLlib's fine-tuning recipes
_BESIDE_LORA = 0.1  # low-rank matrices take steps that would tear a whole layer apart


@dataclass(frozen=True)
class GroupReport:
    """One layer group: how many weights it has, how many move, how fast, and how many of those
    decay.
    """

    name: str
    depth: int
    pattern: str
    parameters: int
    trainable: int
    lr_scale: float
    decayed: int


@dataclass(frozen=True)
class SurgeryReport:
    """What the surgery did. `scale_of` and `group_of` name every parameter that moves at some
    time.
    """

    groups: list[GroupReport]
    reinitialised: list[dict[str, Any]]
    missing: list[str]
    unexpected: list[str]
    notes: list[str]
    scale_of: dict[str, float] = field(repr=False, default_factory=dict)
    group_of: dict[str, str] = field(repr=False, default_factory=dict)

    @property
    def trainable(self) -> int:
        return sum(group.trainable for group in self.groups)

    @property
    def total(self) -> int:
        return sum(group.parameters for group in self.groups)

    def as_dict(self) -> dict[str, Any]:
        """For reports and pages: without the names of single parameters."""
        return {
            "trainable": self.trainable,
            "total": self.total,
            "groups": [asdict(group) for group in self.groups],
            "reinitialised": self.reinitialised,
            "missing": self.missing,
            "unexpected": self.unexpected[:20],
            "notes": self.notes,
        }


def apply(
    backbone: Any,  # noqa: ANN401
    plan: SurgeryPlan,
    *,
    fitted_head: bool = False,
    seed: int = 0,
) -> tuple[Any, SurgeryReport]:
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
    model = backbone.model
    reinitialised = list(backbone.replaced)
    if plan.head == "mlp":
        reinitialised.append(_graft_mlp(backbone, plan, seed))
    elif plan.head_dropout:
        _drop_before(model, backbone.port.names, plan.head_dropout)
    groups = layer_groups(
        model,
        backbone.family,
        head_modules(model, backbone.family, _head_roots(backbone), backbone.fresh),
        mean_layer=backbone.has_mean_layer,
        unknown=plan.unknown_layers,
    )
    blocks = [group for group in groups if group.is_block]
    if plan.reinit_top:
        reinitialised += _start_anew(model, blocks[-plan.reinit_top :], seed)
    moving = _choose(model, groups, plan)
    if plan.lora:
        model = _add_lora(model, backbone, groups, plan)
        moving = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name in moving)
    head_scale = plan.head_lr or (1.0 if fitted_head else _HEAD_SCALE) * (
        _BESIDE_LORA if plan.lora else 1.0
    )
    report = _report(model, groups, moving, plan, head_scale, backbone, reinitialised)
    backbone.keeper = ModeKeeper(model, moving, plan.batchnorm, frozen_dropout=plan.frozen_dropout)
    if not any(parameter.is_meta for parameter in model.parameters()):
        heads.assert_finite(model, backbone.family)
    return model, report


def plain_name(name: str) -> str:
    """The name that a parameter has without LoRA's wrappings."""
    return _LORA_PARTS.sub("", name)


def merge(model: Any) -> Any:  # noqa: ANN401
    """The native model with LoRA merged into its weights; other models stay as they are."""
    return model.merge_and_unload() if hasattr(model, "merge_and_unload") else model


def _head_roots(backbone: Any) -> tuple[str, ...]:  # noqa: ANN401
    return (backbone.mlp["at"],) if backbone.mlp else tuple(backbone.port.names)


def _graft_mlp(backbone: Any, plan: SurgeryPlan, seed: int) -> dict[str, Any]:  # noqa: ANN401
    if len(backbone.port.names) > 1:
        raise ConfigError(
            "This backbone averages two classifiers.",
            "Hidden layers cannot be put before both.",
            "Set head to linear.",
        )
    at = backbone.port.names[0]
    old = backbone.model.get_submodule(at)
    backbone.mlp = {
        "at": at,
        "hidden": [int(width) for width in plan.hidden],
        "activation": plan.activation,
        "dropout": plan.head_dropout,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        last = grafts.replace_head(backbone.model, backbone.mlp)
    new: Any = backbone.model.get_submodule(last)
    backbone.port = heads.HeadPort((last,), int(new.in_features), new.bias is not None)
    return {
        "name": at,
        "old": list(old.weight.shape),
        "new": [int(old.in_features), *backbone.mlp["hidden"], int(old.out_features)],
    }


def _drop_before(model: nn.Module, names: tuple[str, ...], share: float) -> None:
    for name in names:
        model.get_submodule(name).register_forward_pre_hook(
            lambda module, inputs: (
                nn.functional.dropout(inputs[0], share, module.training),
                *inputs[1:],
            )
        )


def _start_anew(model: Any, blocks: list[LayerGroup], seed: int) -> list[dict[str, Any]]:  # noqa: ANN401
    """Random weights for whole blocks, drawn as the architecture itself draws them (Zhang et al.,
    2021).
    """
    names = {name for block in blocks for name in block.parameters}
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


def _choose(model: nn.Module, groups: list[LayerGroup], plan: SurgeryPlan) -> set[str]:
    """Names of the parameters that move under the plan, LoRA aside."""
    if plan.tune == "nothing":
        return set()
    head = {name for group in groups if group.name == HEAD for name in group.parameters}
    rest = [group for group in groups if group.name not in (HEAD, POOLING)]
    blocks = [group for group in rest if group.is_block]
    if plan.tune == "head":
        return head
    if plan.tune == "all":
        return head.union(*(group.parameters for group in rest))
    if plan.tune == "last":
        return head.union(
            *(
                group.parameters
                for group in [
                    *blocks[-plan.blocks :],
                    *(group for group in rest if group.name == TOP),
                ]
            )
        )
    if plan.tune == "first":
        early = [group for group in rest if group.depth < (blocks[0].depth if blocks else 1)]
        return head.union(*(group.parameters for group in [*early, *blocks[: plan.blocks]]))
    everything = [name for group in rest for name in group.parameters]
    if plan.tune == "norms":
        norms = {
            f"{path}.{name}"
            for path, module in model.named_modules()
            if _is_norm(module)
            for name, _ in module.named_parameters(recurse=False)
        }
        return head | (norms & set(everything))
    found = {name for name in everything if re.search(plan.pattern, name)}
    if not found:
        raise ConfigError(
            f"No layer's name matches the pattern {plan.pattern!r}.",
            f"Names look like {everything[0]!r} and {everything[-1]!r}.",
            "See `backbones show` for the names.",
        )
    return head | found


def _is_norm(module: nn.Module) -> bool:
    return "norm" in type(module).__name__.lower()


def _add_lora(model: nn.Module, backbone: Any, groups: list[LayerGroup], plan: SurgeryPlan) -> Any:  # noqa: ANN401
    """Low-rank matrices beside the attention (or the dense convolutions) of the blocks that the
    plan moves.
    """
    import warnings

    from peft import LoraConfig, get_peft_model

    wanted = (
        _choose(model, groups, plan)
        if plan.tune != "all"
        else {
            name
            for group in groups
            if group.name not in (HEAD, POOLING)
            for name in group.parameters
        }
    )
    leaves = LAYOUTS[backbone.family].lora if backbone.family in LAYOUTS else ()
    inside = {name for group in groups if group.is_block for name in group.parameters} & wanted
    layers = [
        (path, module) for path, module in model.named_modules() if f"{path}.weight" in inside
    ]
    targets = [
        path
        for path, module in layers
        if path.rsplit(".", 1)[-1] in leaves or (not leaves and _dense(module))
    ]
    if not targets:
        raise ConfigError(
            "There is no layer in the chosen blocks that LoRA can work beside.",
            "",
            "Set tune to all, or lora to false.",
        )
    keep = head_modules(model, backbone.family, _head_roots(backbone), backbone.fresh)
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", UserWarning
        )  # about fan_in_fan_out, which peft then sets by itself
        warnings.simplefilter(
            "ignore", FutureWarning
        )  # peft still asks for an old name of checkpointing
        wrapped = get_peft_model(
            model,
            LoraConfig(
                r=plan.lora_rank,
                lora_alpha=plan.lora_alpha,
                bias="none",
                lora_dropout=plan.lora_dropout,
                target_modules=targets,
                modules_to_save=keep,
            ),
        )
    for module in wrapped.modules():
        base = getattr(module, "base_layer", None)
        if isinstance(base, nn.Conv2d):  # MobileNet's padding asks the layer for these
            module.stride, module.kernel_size, module.dilation = (
                base.stride,
                base.kernel_size,
                base.dilation,
            )
    return wrapped


def _dense(module: nn.Module) -> bool:
    """Layers that mix all channels: what LoRA is for in networks without attention projections of
    known name.
    """
    return isinstance(module, nn.Linear) or (isinstance(module, nn.Conv2d) and module.groups == 1)


def _report(
    model: nn.Module,
    groups: list[LayerGroup],
    moving: set[str],
    plan: SurgeryPlan,
    head_scale: float,
    backbone: Any,  # noqa: ANN401
    reinitialised: list[dict[str, Any]],
) -> SurgeryReport:
    factors = lr_groups.scales(len(groups), plan, head_scale)
    place = {name: group for group in groups for name in group.parameters}
    scale_of: dict[str, float] = {}
    group_of: dict[str, str] = {}
    counts = {group.name: [0, 0, 0] for group in groups}
    for name, parameter in model.named_parameters():
        plain = plain_name(name)
        group = place[plain]
        size = parameter.numel()
        counts[group.name][0] += 0 if ".original_module." in name else size
        if name in moving:
            scale_of[name], group_of[name] = factors[group.depth], group.name
            counts[group.name][1] += size
            counts[group.name][2] += size if parameter.ndim > 1 else 0
    rows = []
    for group in groups:
        total, moves, decays = counts[group.name]
        rows.append(
            GroupReport(
                group.name,
                group.depth,
                _common_start(group.parameters),
                total,
                moves,
                factors[group.depth] if moves else 0.0,
                decays,
            )
        )
    return SurgeryReport(
        rows,
        reinitialised,
        sorted(backbone.missing),
        sorted(backbone.unexpected),
        list(backbone.notes),
        scale_of,
        group_of,
    )


def _common_start(names: tuple[str, ...]) -> str:
    """What the names of a group have in common, up to a dot."""
    import os

    start = os.path.commonprefix(list(names))
    return start if len(names) == 1 else start.rpartition(".")[0] + ".*" if "." in start else "*"
