"""What a modality is: facts about its items, and one class for each layer that treats them in a
way of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module

from tl_core.errors import ConfigError, nearest


@dataclass(frozen=True)
class Modality:
    """One kind of item. The layers know no modality by name: they ask it for their own part.

    Args:
        name: as stored with datasets, models and reports.
        item: what people call one of them.
        items: what people call several of them.
        sense: what a network does with one, as in "has read millions of them".
        auto_class: class of `transformers` that opens a classifier for them.
        hub_tasks: tasks under which the Hugging Face Hub lists backbones for them, the one of a
            classifier first.
        template: a sentence about an item, with {} for the name of its class.
        starter: reference of the backbone that needs no download.
        cpu_batch: how many of them a CPU best computes together.
        parts: for each layer `module:object`, imported when it is asked for. Each layer says in a
            protocol what its part has to offer.
    """

    name: str
    item: str
    items: str
    sense: str
    auto_class: str
    hub_tasks: tuple[str, ...]
    template: str
    starter: str
    cpu_batch: int
    parts: Mapping[str, str] = field(default_factory=dict)

    def part(self, layer: str) -> object:
        """What this modality offers to a layer.

        Raises:
            ConfigError: when it offers nothing there.
        """
        if layer not in self.parts:
            raise ConfigError(
                f"Nothing is known about {self.items} in {layer!r}.",
                "",
                nearest(layer, self.parts),
            )
        return _loaded(self.parts[layer])


@cache
def _loaded(entry: str) -> object:
    module, _, name = entry.partition(":")
    return getattr(import_module(module), name)
