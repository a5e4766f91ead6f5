"""The layers of a backbone in their order: embeddings, blocks, what follows them, the classifier.

For the families in `LAYOUTS` blocks come from their table; timm networks name their own
(`group_matcher`); anything else is refused, or taken in the order of its modules when the plan says
so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import nn

from tl_core.errors import BackboneError
from tl_core.surgery.architectures import LAYOUTS, PRE_HEADS, TIMM_FAMILIES

if TYPE_CHECKING:
    from transformers import PreTrainedModel

HEAD, POOLING, STEM, TOP = "classifier", "pooling", "embeddings", "after the blocks"
_TIMM_LISTS = ("blocks", "stages", "layers", "features")
_TIMM_HEADS = {"fc", "head", "classifier", "head_dist", "global_pool", "AuxLogits"}


@dataclass(frozen=True)
class LayerGroup:
    """Parameters that lie equally deep; `depth` counts from 0 (nearest to the input) to the
    classifier.
    """

    name: str
    depth: int
    parameters: tuple[str, ...]

    @property
    def is_block(self) -> bool:
        return self.name.startswith("block ")


def layer_groups(
    model: nn.Module,
    family: str,
    heads: Iterable[str],
    *,
    mean_layer: bool = False,
    unknown: str = "refuse",
) -> list[LayerGroup]:
    """All parameters of `model`, each in exactly one group, from input to output.

    Args:
        model: a native classifier, on any device (the meta device included).
        family: its `model_type`.
        heads: names of the modules that are (or will be) trained anew as the classifier.
        mean_layer: whether the last block is the appended mean layer, which pools and never learns.
        unknown: refuse or "module order", for families that are not in the table.

    Raises:
        BackboneError: for an unknown family, unless `unknown` allows the fallback.
    """
    names = [name for name, _ in model.named_parameters()]
    head = [name for name in names if _under(name, heads)]
    rest = [name for name in names if name not in set(head)]
    if family in TIMM_FAMILIES:
        parts = _timm_blocks(model, rest)
    elif family in LAYOUTS:
        parts = _by_blocks(rest, _matching(model, LAYOUTS[family].blocks), LAYOUTS[family].early)
    elif unknown == "refuse":
        raise BackboneError(
            f"The order of the layers of the architecture {family!r} is not known here.",
            "Which blocks are early and which are late cannot be told for sure.",
            "Set unknown_layers to module order, which takes its modules as they come, or choose "
            "another backbone.",
        )
    else:
        parts = _by_blocks(rest, _largest_list(model), "")
    titles = [STEM, *(f"block {number}" for number in range(1, len(parts) - 1)), TOP, HEAD]
    if mean_layer:
        titles[-3] = POOLING
    named = zip(titles, [*parts, head], strict=True)
    kept = [(title, tuple(part)) for title, part in named if part]
    return [LayerGroup(title, depth, part) for depth, (title, part) in enumerate(kept)]


def block_modules(model: PreTrainedModel, family: str) -> list[str]:
    """Names of the blocks of a native classifier, from input to output; of timm networks the parts
    of their longest named list, else their stages.

    Raises:
        BackboneError: when no blocks are known.
    """
    if family == "timm_wrapper":
        blocks = _timm_stages(model.timm_model)
    else:
        blocks = _matching(model, LAYOUTS[family].blocks) if family in LAYOUTS else []
    if not blocks:
        raise BackboneError(
            f"The blocks of the architecture {family!r} are not known here.",
            "",
            "Set depth to 0, or choose another backbone.",
        )
    return blocks


def _timm_stages(network: nn.Module) -> list[str]:
    """Names of the parts of a timm network's longest named list, else of its stages."""
    lists = [name for name in _TIMM_LISTS if hasattr(network, name)]
    inside = network.get_submodule(lists[0]) if lists else network
    path = ".".join(["timm_model", *lists[:1]])
    return [
        f"{path}.{name}"
        for name, child in inside.named_children()
        if name not in _TIMM_HEADS
        and any(True for _ in child.parameters())
        and any(True for _ in child.children())
    ]


def head_modules(
    model: nn.Module, family: str, port_names: Iterable[str], fresh: Iterable[str] = ()
) -> list[str]:
    """Names of the modules that count as the classifier: the last Linear(s), the dense layer that
    families put before it, and every module without pretrained weights; the outermost ones, none
    inside another.
    """
    names = {*port_names, *fresh}
    if family in PRE_HEADS and _has(model, PRE_HEADS[family].dense):
        names.add(PRE_HEADS[family].dense.removesuffix(".dense"))
    return sorted(
        name for name in names if not any(name.startswith(f"{other}.") for other in names)
    )


def likely_heads(model: nn.Module, classes: int) -> tuple[str, ...]:
    """Names of the classifier's Linear(s), told from names and shapes alone (for networks without
    weights).
    """
    linears = [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and module.out_features == classes
    ]
    both = [name for name in linears if name in ("cls_classifier", "distillation_classifier")]
    return tuple(both) if len(both) == 2 else tuple(linears[-1:])


def _under(name: str, modules: Iterable[str]) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in modules)


def _has(model: nn.Module, name: str) -> bool:
    return name in dict(model.named_modules())


def _matching(model: nn.Module, pattern: str) -> list[str]:
    end = re.compile(rf"(?:.*\.)?{pattern}$")
    return [name for name, _ in model.named_modules() if end.match(name)]


def _largest_list(model: nn.Module) -> list[str]:
    """Children of the list of modules that holds most parameters; without a list, the children of
    the model.
    """
    lists = [
        (name, module)
        for name, module in model.named_modules()
        if isinstance(module, nn.ModuleList)
    ]
    if not lists:
        return [name for name, _ in model.named_children()]
    name, module = max(lists, key=lambda pair: sum(p.numel() for p in pair[1].parameters()))
    return [f"{name}.{child}" for child, _ in module.named_children()]


def _by_blocks(names: list[str], blocks: list[str], early: str) -> list[list[str]]:
    """Stem, one part for each block, and what follows; parameters between two blocks join the one
    whose path they share for longer (a stage's downsampling), else the earlier one.
    """
    parts: list[list[str]] = [[] for _ in range(len(blocks) + 2)]
    last = max((i for i, name in enumerate(names) if _under(name, blocks)), default=-1)
    at = 0
    for i, name in enumerate(names):
        own = next((number for number, block in enumerate(blocks, 1) if _under(name, [block])), 0)
        if own:
            at = own
        if early and re.search(early, name) and not own:
            parts[0].append(name)
        elif i > last:
            parts[-1].append(name)
        elif own or not at:
            parts[own].append(name)
        else:
            follows = at < len(blocks) and _shared(name, blocks[at]) > _shared(name, blocks[at - 1])
            parts[at + follows].append(name)
    return parts


def _shared(name: str, other: str) -> int:
    """How many leading path parts two names share."""
    count = 0
    for one, two in zip(name.split("."), other.split("."), strict=False):
        if one != two:
            break
        count += 1
    return count


def _timm_blocks(model: PreTrainedModel, names: list[str]) -> list[list[str]]:
    """timm's own grouping (as its layer-wise learning-rate decay uses it), without its head."""
    from timm.models import group_parameters

    inner = model.timm_model if hasattr(model, "timm_model") else model.backbone
    prefix = "timm_model." if hasattr(model, "timm_model") else "backbone."
    grouped = group_parameters(inner, inner.group_matcher(coarse=False))
    wanted = set(names)
    parts = [
        [prefix + name for name in grouped[layer] if prefix + name in wanted]
        for layer in sorted(grouped)
    ]
    parts = [part for part in parts if part]
    placed = {name for part in parts for name in part}
    return [parts[0], *parts[1:], [name for name in names if name not in placed]]
