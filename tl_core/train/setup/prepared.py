"""A backbone after its surgery, with its examples."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from tl_core.backbones.backbone import Backbone
from tl_core.config import FinetuneSettings
from tl_core.surgery.layers import HEAD, block_modules, head_modules
from tl_core.surgery.lora import plain_name
from tl_core.surgery.report import SurgeryReport
from tl_core.train.arrays import Floats, Ints
from tl_core.train.features.examples import Batch, Examples, batch_at
from tl_core.train.loop.batches import EpochBatches
from tl_core.train.loop.job import Plan
from tl_core.train.objectives.objective import NOTHING, Objectives
from tl_core.train.tasks.task_training import task_training_of

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass
class Setup:
    """All that a fine-tuning starts from. Close `stack` before the model is saved.

    `counts` are the training examples of each class; `calm` are training items without chance,
    where batch statistics follow them; `objectives` are what adds to the loss beside the labels;
    `target` are items of another domain without chance, whose batch statistics the model ends with.
    """

    settings: FinetuneSettings
    backbone: Backbone
    model: PreTrainedModel
    report: SurgeryReport
    examples: Examples
    held_out: Examples | None
    calm: Examples | None
    counts: Ints
    plan: Plan
    task: str
    probe_c: float | None = None
    objectives: Objectives = NOTHING
    target: Examples | None = None
    lr_curve: list[dict[str, float]] = field(default_factory=list)
    stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    @property
    def lengths(self) -> Ints | None:
        return self.examples.lengths

    @property
    def held_out_lengths(self) -> Ints | None:
        return self.held_out.lengths if self.held_out is not None else None

    def blocks(self) -> list[nn.Module]:
        """The network's blocks from input to output, without an appended layer that averages.

        Raises:
            BackboneError: when they are not known.
        """
        backbone = self.backbone
        names = block_modules(backbone.model, backbone.family)
        names = names[:-1] if backbone.has_mean_layer else names
        return [backbone.model.get_submodule(name) for name in names]

    def batches(self) -> Iterator[Batch]:
        """Training batches without end, as the first epoch has them."""
        order = EpochBatches(
            len(self.examples), self.plan["batch"], self.settings.seed, lengths=self.lengths
        )
        return (self.examples.__getitems__(keys) for keys in cycle(list(order)))

    def largest(self, size: int) -> Batch:
        """A batch of the longest items; again and again where there are few."""
        lengths = self.lengths
        places = np.argsort(-lengths) if lengths is not None else np.arange(len(self.examples))
        return batch_at(self.examples, np.resize(places[:size], size))

    def weights(self) -> torch.Tensor | None:
        """Of the classes, as the task's loss takes them, or None where all count alike."""
        weights = task_training_of(self.task).class_weights(
            self.examples.labels,
            self.counts,
            self.settings.class_weights,
            self.settings.custom_weights,
        )
        return None if np.allclose(weights, 1) else torch.tensor(weights, dtype=torch.float32)

    def chances(self) -> Floats | None:
        """Of each training example to be drawn, where rare classes are shown more often."""
        if not self.settings.oversample:
            return None
        return task_training_of(self.task).chances(self.examples.labels, self.counts)

    def float32_roots(self) -> list[str]:
        """Modules of the head, under the names that they have in the model (LoRA renames and copies
        them).
        """
        backbone = self.backbone
        roots = head_modules(backbone.model, backbone.family, backbone.port.names, backbone.fresh)
        return [name for name, _ in self.model.named_modules() if plain_name(name) in roots]

    def new_parameters(self) -> set[str]:
        """Names of moving weights that no pretraining has seen."""
        return {
            name
            for name, group in self.report.group_of.items()
            if group == HEAD or ".lora_" in name
        }

    def pulled_to_start(self) -> set[str]:
        """Names of weights that L2-SP pulls to their start, which is why nothing may pull them
        to zero (Li et al., 2018).
        """
        if self.settings.penalty != "l2-sp":
            return set()
        return set(self.report.scale_of) - self.new_parameters()
