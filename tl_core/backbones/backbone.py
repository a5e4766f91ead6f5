"""A backbone as the classifier that will be saved: its inputs encoded, its features read."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tl_core.backbones.encoding import Batch, Inputs, last_token
from tl_core.backbones.inputs.input_kind import InputKind, Opened, input_kind_of
from tl_core.surgery import grafts
from tl_core.surgery.architectures import PRE_HEADS
from tl_core.surgery.network import Network
from tl_core.surgery.poolings import mean_layer

if TYPE_CHECKING:
    from tl_core.backbones.encoding import Processor
    from tl_core.backbones.inputs.input_kind import Finding, Items


@dataclass(kw_only=True)
class Backbone(Network):
    """A pretrained network opened as a native classifier with a fresh head; always in eval mode.

    Attributes:
        reference: what it was opened by.
        folder: where its files lie.
        modality: what it reads.
        processor: what makes tensors of its items.
        weights: sha256 of its files of weights; empty on the meta device.
        max_length: most tokens of a text.
        altered: names what it holds where that is no longer what its files say.
    """

    reference: str
    folder: Path
    modality: str
    processor: Processor
    weights: str
    max_length: int
    altered: str = ""

    @property
    def kind(self) -> InputKind:
        """How it is fed."""
        return input_kind_of(self.modality)

    @property
    def identity(self) -> dict[str, object]:
        """Everything that decides what the features of an input are; feeds the cache key."""
        identity: dict[str, object] = {
            "weights": self.weights,
            "family": self.family,
            "pooling": self.pooling,
            "processor": type(self.processor).__name__,
            "settings": dict(self.kind.identity(self.processor, self.max_length)),
        }
        return {**identity, "altered": self.altered} if self.altered else identity

    @property
    def allows_bf16(self) -> bool:
        """A large bias before a rectifier leaves too few bf16 digits for the signal."""
        return not (self.family in PRE_HEADS and PRE_HEADS[self.family].activation == "rectifier")

    def encode(self, inputs: Inputs) -> Batch:
        """Items as a batch of tensors on the model's device."""
        batch = self.kind.encode(self.processor, inputs, self.max_length)
        device = next(self.model.parameters()).device
        return {name: value.to(device) for name, value in batch.items()}

    def batches(self, inputs: Inputs, size: int) -> list[list[int]]:
        """Places of items that may be encoded together, in batches of at most `size`."""
        return self.kind.batches(self.processor, inputs, size)

    def check(self, version: Items, rows: NDArray[np.int64]) -> list[Finding]:
        """Findings about how it reads a sample of these rows."""
        opened = Opened(self.model, self.processor, self.max_length)
        return self.kind.check(opened, self.reference, version, rows)

    @contextlib.contextmanager
    def extracting(self) -> Iterator[Extractor]:
        """Capture what enters the head, batch after batch."""
        with contextlib.ExitStack() as stack:
            shortcut = None
            if self.has_mean_layer:
                shortcut = stack.enter_context(
                    mean_layer.shortcut(self.model, self.encode(self.kind.examples()))
                )
            extractor = Extractor(self, shortcut)
            stack.callback(extractor.close)
            yield extractor


class Extractor:
    """Features of encoded batches: float32 (batch, port.width), on the CPU."""

    def __init__(self, backbone: Backbone, shortcut: mean_layer.Shortcut | None) -> None:
        self.backbone, self._shortcut = backbone, shortcut
        self._head_inputs: dict[str, Tensor] = {}
        self._handles = [
            backbone.model.get_submodule(name).register_forward_pre_hook(
                lambda _m, args, name=name: self._head_inputs.__setitem__(name, args[0])
            )
            for name in backbone.port.names
        ]

    def __call__(self, batch: Batch, *, bf16: bool = False) -> NDArray[np.float32]:
        model = self.backbone.model
        if self._shortcut is not None:
            self._shortcut.mask = batch["attention_mask"]
        with (
            torch.inference_mode(),
            torch.autocast(next(model.parameters()).device.type, torch.bfloat16, enabled=bf16),
        ):
            model(**batch)
        parts = [self._head_inputs[name] for name in self.backbone.port.names]
        if parts[0].ndim == 3:
            parts = [
                part[torch.arange(len(part)), last_token(batch, model.config.pad_token_id)]
                for part in parts
            ]
        features: NDArray[np.float32] = torch.cat(parts, dim=1).float().cpu().numpy()
        return features

    def close(self) -> None:
        for handle in self._handles:
            handle.remove()


def save_classifier(backbone: Backbone, target: Path) -> None:
    """Save model, processor and maximum length as one ordinary Hugging Face folder (see `grafts`
    for the rest).
    """
    backbone.model.to(memory_format=torch.contiguous_format)
    if backbone.graft or backbone.mlp:
        grafts.save(backbone.model, backbone.graft, backbone.mlp, target)
    else:
        backbone.model.save_pretrained(target)
    backbone.kind.save(backbone.processor, backbone.max_length, target)
