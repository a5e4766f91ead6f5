"""Which parameters move under a surgery plan, low-rank matrices aside."""

from __future__ import annotations

import re
from collections.abc import Iterable

from torch import nn

from tl_core.config import SurgeryPlan
from tl_core.errors import ConfigError
from tl_core.surgery.layers import HEAD, POOLING, TOP, LayerGroup


def choose_trainable(model: nn.Module, groups: list[LayerGroup], plan: SurgeryPlan) -> set[str]:
    """Names of the parameters that move.

    Raises:
        ConfigError: when the plan's pattern matches none.
    """
    if plan.tune == "nothing":
        return set()
    head = names_in(group for group in groups if group.name == HEAD)
    return head | _choose_below_head(model, groups, plan)


def below_head(groups: list[LayerGroup]) -> list[LayerGroup]:
    """The groups of the encoder; neither the classifier nor the mean layer, which never learns."""
    return [group for group in groups if group.name not in (HEAD, POOLING)]


def names_in(groups: Iterable[LayerGroup]) -> set[str]:
    """Names of all parameters of some groups."""
    return {name for group in groups for name in group.parameters}


def _choose_below_head(model: nn.Module, groups: list[LayerGroup], plan: SurgeryPlan) -> set[str]:
    encoder = below_head(groups)
    blocks = [group for group in encoder if group.is_block]
    if plan.tune == "head":
        return set()
    if plan.tune == "all":
        return names_in(encoder)
    if plan.tune == "last":
        top = [group for group in encoder if group.name == TOP]
        return names_in([*blocks[-plan.blocks :], *top])
    if plan.tune == "first":
        stem = [group for group in encoder if group.depth < (blocks[0].depth if blocks else 1)]
        return names_in([*stem, *blocks[: plan.blocks]])
    if plan.tune == "norms":
        return _norms(model) & names_in(encoder)
    return _matching(plan.pattern, [name for group in encoder for name in group.parameters])


def _norms(model: nn.Module) -> set[str]:
    return {
        f"{path}.{name}"
        for path, module in model.named_modules()
        if "norm" in type(module).__name__.lower()
        for name, _ in module.named_parameters(recurse=False)
    }


def _matching(pattern: str, names: list[str]) -> set[str]:
    matches = {name for name in names if re.search(pattern, name)}
    if not matches:
        raise ConfigError(
            f"No layer's name matches the pattern {pattern!r}.",
            f"Names look like {names[0]!r} and {names[-1]!r}.",
            "See `backbones show` for the names.",
        )
    return matches
