"""What a training across domains is given beside the examples that it learns from."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tl_core.backbones.backbone import Backbone
from tl_core.config import FinetuneSettings
from tl_core.data.domains import TARGET, domains_of
from tl_core.errors import ConfigError
from tl_core.progress import Progress
from tl_core.train.features.examples import Examples
from tl_core.train.features.marked import Marked
from tl_core.train.items.item_training import PreparedExamples, TrainingData, training_of

_NONE = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class Across:
    """Examples of the target with their variations, some of them without chance (where batch
    statistics follow the data), and how many domains the training rows come from; each as far as
    the settings ask for it.
    """

    target: Examples | None = None
    calm: Examples | None = None
    domains: int = 0


def look_across(
    settings: FinetuneSettings,
    backbone: Backbone,
    data: TrainingData,
    examples: PreparedExamples,
    progress: Progress,
) -> tuple[PreparedExamples, Across]:
    """The examples to learn from, marked with their domains where that matters, and what belongs to
    the target, whose labels nobody reads.

    Raises:
        ConfigError: when GroupDRO or CORAL would see one domain alone.
        NotFoundError, DataError: when the dataset has no such domains.
    """
    target, calm, count = None, None, 0
    if settings.adaptation != "none":
        rows = {"train": data.version.rows_of(TARGET), "validation": _NONE}
        unlabelled = replace(data, rows=rows, labels=np.full_like(data.labels, -1))
        read = training_of(backbone.modality).examples(settings, backbone, unlabelled, progress)
        target, calm = read.train, read.calm
    if settings.tells_domains:
        numbers = domains_of(data.version, settings.domain_column).numbers[data.rows["train"]]
        names, places = np.unique(numbers, return_inverse=True)
        count = len(names)
        if count < 2:
            named = "group_dro" if settings.group_dro else "domain_coral"
            raise ConfigError(
                f"{named} needs training items of at least two domains.",
                "All of these come from one.",
                f"Leave source_domain empty, or set {named} to 0.",
            )
        examples = replace(examples, train=Marked(examples.train, places.astype(np.int64)))
    return examples, Across(target, calm, count)
