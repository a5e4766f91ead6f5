"""A classifier opened for surgery: the network, where its head plugs in, what was done to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypedDict

from tl_core.surgery.architectures import MEAN_LAYER
from tl_core.surgery.facts import Reinitialised
from tl_core.surgery.heads import HeadPort

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from tl_core.surgery.modes import ModeKeeper


class MlpHead(TypedDict):
    """Hidden layers in the place of the Linear named `at`; `hidden` are their widths."""

    at: str
    hidden: list[int]
    activation: str
    dropout: float


@dataclass(kw_only=True)
class Network:
    """A classifier of transformers, or a graft around one that is called and saved in the same way.

    Attributes:
        model: in eval mode.
        family: its `model_type`.
        port: where its linear head plugs in.
        pooling: how positions become one vector; `graft` says the same again where the architecture
            cannot do that by itself.
        missing: keys that the file of weights lacked, or had in another shape (`replaced`).
        unexpected: keys of the file that the network has no place for.
        fresh: names of modules without pretrained weights, the head aside.
        mlp: the hidden layers before the last Linear, where there are any.
        keeper: the hook that keeps frozen parts in eval mode; set when a plan is carried out.
        notes: what was done to it, for people.
    """

    model: PreTrainedModel
    family: str
    port: HeadPort
    pooling: str
    missing: set[str] = field(default_factory=set)
    unexpected: set[str] = field(default_factory=set)
    replaced: list[Reinitialised] = field(default_factory=list)
    fresh: tuple[str, ...] = ()
    graft: str = ""
    mlp: MlpHead | None = None
    keeper: ModeKeeper = field(init=False, repr=False, compare=False)
    notes: list[str] = field(default_factory=list)

    @property
    def has_mean_layer(self) -> bool:
        """Whether the last block is the appended one that averages."""
        return self.pooling == "mean" and self.family in MEAN_LAYER and not self.graft

    @property
    def head_roots(self) -> tuple[str, ...]:
        """Names of the modules that are the classifier: the whole of an MLP, else the Linear(s)."""
        return (self.mlp["at"],) if self.mlp else self.port.names
