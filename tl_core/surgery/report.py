"""What a surgery did, layer group by layer group."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from torch import nn

from tl_core.surgery.facts import LayerGroupFacts, Reinitialised, SurgeryFacts
from tl_core.surgery.layers import LayerGroup
from tl_core.surgery.lora import plain_name
from tl_core.surgery.network import Network


@dataclass(frozen=True)
class SurgeryReport:
    """What the surgery did. `scale_of` and `group_of` name every parameter that moves at some
    time.
    """

    groups: list[LayerGroupFacts]
    reinitialised: list[Reinitialised]
    missing: list[str]
    unexpected: list[str]
    notes: list[str]
    scale_of: dict[str, float] = field(repr=False, default_factory=dict)
    group_of: dict[str, str] = field(repr=False, default_factory=dict)

    @property
    def trainable(self) -> int:
        return sum(group["trainable"] for group in self.groups)

    @property
    def total(self) -> int:
        return sum(group["parameters"] for group in self.groups)

    def as_dict(self) -> SurgeryFacts:
        """For reports and pages: without the names of single parameters."""
        return {
            "trainable": self.trainable,
            "total": self.total,
            "groups": self.groups,
            "reinitialised": self.reinitialised,
            "missing": self.missing,
            "unexpected": self.unexpected[:20],
            "notes": self.notes,
        }


@dataclass
class _Count:
    """Numbers of weights of one group."""

    parameters: int = 0
    trainable: int = 0
    decayed: int = 0


def report_surgery(
    network: Network,
    model: nn.Module,
    groups: list[LayerGroup],
    moving: set[str],
    factors: Sequence[float],
    reinitialised: list[Reinitialised],
) -> SurgeryReport:
    """The report on a network whose layers are `groups`.

    Args:
        network: what was opened.
        model: what is trained, which with LoRA lies around `network.model`.
        groups: the layers of the network.
        moving: names of the parameters that move.
        factors: of the learning rate, by depth.
        reinitialised: layers without the weights of their file.
    """
    home = {name: group for group in groups for name in group.parameters}
    moving_groups = {
        name: home[plain_name(name)] for name, _ in model.named_parameters() if name in moving
    }
    counts = _count(model, home, moving)
    return SurgeryReport(
        [_report_group(group, counts[group.name], factors[group.depth]) for group in groups],
        reinitialised,
        sorted(network.missing),
        sorted(network.unexpected),
        list(network.notes),
        {name: factors[group.depth] for name, group in moving_groups.items()},
        {name: group.name for name, group in moving_groups.items()},
    )


def _count(model: nn.Module, home: Mapping[str, LayerGroup], moving: set[str]) -> dict[str, _Count]:
    """Weights by the name of their group; what LoRA keeps of a replaced layer counts nowhere."""
    counts = {group.name: _Count() for group in home.values()}
    for name, parameter in model.named_parameters():
        count, size = counts[home[plain_name(name)].name], parameter.numel()
        count.parameters += 0 if ".original_module." in name else size
        if name in moving:
            count.trainable += size
            count.decayed += size if parameter.ndim > 1 else 0
    return counts


def _report_group(group: LayerGroup, count: _Count, factor: float) -> LayerGroupFacts:
    return LayerGroupFacts(
        name=group.name,
        depth=group.depth,
        pattern=_common_start(group.parameters),
        parameters=count.parameters,
        trainable=count.trainable,
        lr_scale=factor if count.trainable else 0.0,
        decayed=count.decayed,
    )


def _common_start(names: tuple[str, ...]) -> str:
    """What the names of a group have in common, up to a dot."""
    start = os.path.commonprefix(list(names))
    return start if len(names) == 1 else start.rpartition(".")[0] + ".*" if "." in start else "*"
