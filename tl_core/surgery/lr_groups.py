"""How fast each layer moves, and which parameters are pulled towards zero.

Layer-wise decay as in timm's `param_groups_layer_decay`; discriminative learning rates as a
geometric slice, as in ULMFiT (Howard and Ruder, 2018) and fastai.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import TypedDict

from torch import nn

from tl_core.config import SurgeryPlan

_USUAL_BLOCKS = 12


class ParameterGroup(TypedDict):
    """A group as torch's optimisers take it, with the names of its parameters and its layer."""

    params: list[nn.Parameter]
    names: list[str]
    lr: float
    layer: str
    weight_decay: float


def scales(depths: int, plan: SurgeryPlan, head_scale: float) -> list[float]:
    """Learning-rate factors of depths 0 to `depths` - 1; the last is the classifier's.

    The block below the classifier has factor 1 unless the plan slices; each earlier one
    `layer_decay` times that of the one above it. Beyond twelve blocks the decay is spread, so that
    the first never has less than with twelve: the usual numbers come from networks of that depth,
    and .9 over MobileNet's 18 blocks hardly moved it. With a slice the factors grow in even
    geometric steps from 1 / lr_slice to 1 at the classifier.
    """
    top = depths - 1
    if plan.lr_slice > 1:
        return [float(plan.lr_slice ** (-(top - depth) / max(top, 1))) for depth in range(depths)]
    spread = min(1.0, _USUAL_BLOCKS / max(top - 1, 1))
    return [
        *(float(plan.layer_decay ** ((top - 1 - depth) * spread)) for depth in range(top)),
        head_scale,
    ]


def parameter_groups(
    model: nn.Module,
    scale_of: Mapping[str, float],
    group_of: Mapping[str, str],
    lr: float,
    weight_decay: float,
    spared: Set[str] = frozenset(),
) -> list[ParameterGroup]:
    """Optimiser groups: every parameter named in `scale_of` exactly once, by learning rate and
    decay.

    Parameters of one dimension (norms, biases, layer scales) are never pulled towards zero.

    Args:
        model: whose parameters are meant.
        scale_of: factor of each moving parameter, by name.
        group_of: name of the layer group of each.
        lr: the learning rate that a factor of 1 means.
        weight_decay: for parameters of two dimensions and more.
        spared: names of parameters that are not pulled towards zero either, all of a layer or none.
    """
    groups: dict[tuple[str, bool], ParameterGroup] = {}
    for name, parameter in model.named_parameters():
        if name not in scale_of:
            continue
        decays = parameter.ndim > 1 and not name.endswith(".bias")
        key = (group_of[name], decays)
        if key not in groups:
            groups[key] = {
                "params": [],
                "names": [],
                "lr": lr * scale_of[name],
                "layer": group_of[name],
                "weight_decay": weight_decay if decays and name not in spared else 0.0,
            }
        groups[key]["params"].append(parameter)
        groups[key]["names"].append(name)
    return list(groups.values())
