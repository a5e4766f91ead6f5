"""The classes of the pretraining, learnt along: Co-Tuning and learning without forgetting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from tl_core.backbones.classifier import load_classifier
from tl_core.errors import ConfigError
from tl_core.surgery.heads import find_head, linear_at
from tl_core.tasks import SINGLE_LABEL
from tl_core.train.arrays import Features, Floats, Ints
from tl_core.train.objectives.objective import Step
from tl_core.train.objectives.source_network import SourceNetwork

if TYPE_CHECKING:
    from tl_core.backbones.backbone import Backbone

_SAME = 1e-3  # how far logits may be apart, for the largest of them


class SourceHead:
    """The classifier of the pretraining as it was: logits (batch, source classes) from features
    (batch, width) for each of its Linears, whose answers are averaged. It never moves.
    """

    def __init__(self, linears: list[nn.Linear]) -> None:
        self._linears = [linear.requires_grad_(False) for linear in linears]

    def __call__(self, parts: list[Tensor]) -> Tensor:
        said = [linear(part) for linear, part in zip(self._linears, parts, strict=True)]
        return torch.stack(said).mean(dim=0)

    @property
    def device(self) -> torch.device:
        return self._linears[0].weight.device

    def split(self, features: Tensor) -> list[Tensor]:
        """Features (batch, width) of all Linears as one part for each."""
        return list(features.chunk(len(self._linears), dim=1))


def open_source_head(backbone: Backbone) -> SourceHead:
    """The classifier that the files of a backbone bring along, proved on what the backbone's
    features look like.

    Args:
        backbone: not yet operated on.

    Raises:
        ConfigError: when its classes do not exclude each other, or it reads other features than
            those that the new classifier will read.
    """
    kept = load_classifier(backbone.folder)
    if kept.task.name != SINGLE_LABEL.name:
        raise ConfigError(
            "co_tuning and lwf need classes of which each item has exactly one.",
            f"Those of {backbone.reference} are answered with yes or no each.",
            "Set co_tuning and lwf to 0, or choose another backbone.",
        )
    example = backbone.encode(backbone.kind.examples())
    port = find_head(kept.model, example, len(kept.labels), backbone.family)
    head = SourceHead([linear_at(kept.model, name) for name in port.names])
    if port.width == backbone.port.width and len(port.names) == len(backbone.port.names):
        with torch.inference_mode(), backbone.extracting() as extractor:
            features = torch.from_numpy(extractor(example))
            said = head(head.split(features.to(head.device)))
            wanted = kept.model(**example).logits
        if (said - wanted).abs().max() <= _SAME * max(1.0, float(wanted.abs().max())):
            return head
    raise ConfigError(
        "The classifier of the pretraining reads other features than the new one would.",
        f"What it says of them is not what {backbone.reference} says.",
        "Set pooling to native, or co_tuning and lwf to 0.",
    )


def relationship(head: SourceHead, features: Features, labels: Ints, classes: int) -> Floats:
    """p(source class | class) (classes, source classes): the mean of what the classifier of the
    pretraining says of the training rows of each class.

    Args:
        head: of the pretraining.
        features: of the training rows (rows, width).
        labels: their classes (rows,).
        classes: of the model.
    """
    with torch.inference_mode():
        logits = head(head.split(torch.from_numpy(np.asarray(features)).to(head.device)))
        said = functional.softmax(logits.double(), dim=1).cpu().numpy()
    return np.stack([said[labels == label].mean(axis=0) for label in range(classes)])


class CoTuning:
    """Cross-entropy of the classes of the pretraining against what each class is made of, times
    `strength` (You et al., NeurIPS 2020).

    The classifier of the pretraining stays as it was, so that only the network learns from it; the
    paper lets it move as well.

    Args:
        head: of the pretraining.
        mixtures: p(source class | class) (classes, source classes).
        strength: lambda of the paper.
    """

    by_example = True

    def __init__(self, head: SourceHead, mixtures: Floats, strength: float) -> None:
        self._head, self._strength = head, strength
        self._mixtures = torch.from_numpy(mixtures).float()

    def __call__(self, step: Step) -> Tensor:
        logs = functional.log_softmax(self._head(self._head.split(step.features)), dim=1)
        losses = self._losses(logs, step.labels)
        if "mixed_labels" in step.extras:
            kept, others = step.extras["kept"], step.extras["mixed_labels"]
            losses = kept * losses + (1 - kept) * self._losses(logs, others)
        return self._strength * losses.mean()

    def _losses(self, logs: Tensor, labels: Tensor) -> Tensor:
        wanted = self._mixtures.to(logs.device)[labels]
        return -(wanted * logs).sum(dim=1)


class WithoutForgetting:
    """Kullback-Leibler divergence of what the classifier of the pretraining says now from what it
    said before, both softened by `temperature`, times `strength` (Li and Hoiem, ECCV 2016, with the
    divergence of Hinton et al., 2015).

    Args:
        head: of the pretraining.
        source: the pretrained network.
        strength: of the whole.
        temperature: that logits are divided by.
    """

    by_example = True

    def __init__(
        self, head: SourceHead, source: SourceNetwork, strength: float, temperature: float
    ) -> None:
        self._head, self._source = head, source
        self._strength, self._temperature = strength, temperature

    def __call__(self, step: Step) -> Tensor:
        before = self._head(self._source.features(step)) / self._temperature
        now = self._head(self._head.split(step.features)) / self._temperature
        apart = functional.kl_div(
            functional.log_softmax(now, dim=1),
            functional.log_softmax(before, dim=1),
            reduction="batchmean",
            log_target=True,
        )
        return self._strength * apart
