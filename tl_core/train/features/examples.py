"""What a training takes its batches from."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from tl_core.train.arrays import Ints

# epoch and position of an example: all that chance may depend on, besides the seed
Key = tuple[int, int]
Batch = dict[str, Tensor]  # the model's inputs, `labels`, and extras
TEACHER = "teacher"  # its probabilities (examples, classes), where a student learns from one
# what mixing adds: labels of the examples that were mixed in, and the share of each one's own; what
# a teacher says; the domain of each example
EXTRAS = ("mixed_labels", "kept", TEACHER, "domains")


class Examples(torch.utils.data.Dataset[Batch], ABC):
    """Items that come as whole batches; `labels` are class numbers (examples,)."""

    labels: Ints

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def lengths(self) -> Ints | None:
        """What each takes in a batch (examples,), where they differ in that."""
        return None

    @abstractmethod
    def __getitems__(self, keys: list[Key]) -> Batch:
        """The batch of these examples."""


def batch_at(examples: Examples, places: Ints) -> Batch:
    """The examples at these places, as the first epoch has them."""
    return examples.__getitems__([(0, int(place)) for place in places])


def inputs_of(batch: Batch, device: torch.device) -> tuple[Batch, Tensor]:
    """The model's inputs and the labels of a batch, on a device, without extras."""
    moved = {name: value.to(device) for name, value in batch.items() if name not in EXTRAS}
    return moved, moved.pop("labels")


def extras_of(batch: Batch, device: torch.device) -> Batch:
    """What a batch brings beside inputs and labels, on a device."""
    return {name: batch[name].to(device) for name in EXTRAS if name in batch}
