"""What a training across domains is given beside the examples that it learns from."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from tl_core.backbones.backbone import Backbone
from tl_core.config import FinetuneSettings
from tl_core.data.dataset_version import Finding
from tl_core.data.domains import TARGET, classes_beyond, domains_of, some_of
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import ConfigError
from tl_core.progress import Progress
from tl_core.train.arrays import Floats
from tl_core.train.features.examples import Examples
from tl_core.train.features.marked import Marked
from tl_core.train.items.item_training import PreparedExamples, TrainingData, training_of

FEW = 30  # items of a target below which what they have in common is mostly chance
_NONE = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class Across:
    """Examples of the target with their variations, some of them without chance (where batch
    statistics follow the data), and the share of each domain among the training rows (domains,);
    each as far as the settings ask for it.
    """

    target: Examples | None = None
    calm: Examples | None = None
    shares: Floats = field(default_factory=lambda: np.zeros(0))


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
        ConfigError: when GroupDRO or CORAL would see one domain alone, or mixed ones.
        NotFoundError, DataError: when the dataset has no such domains.
    """
    target, calm, shares = None, None, np.zeros(0)
    if settings.adaptation != "none":
        rows = {"train": data.version.rows_of(TARGET), "validation": _NONE}
        _refuse_too_few(settings, len(rows["train"]), progress)
        unlabelled = replace(data, rows=rows, labels=np.full_like(data.labels, -1))
        read = training_of(backbone.modality).examples(settings, backbone, unlabelled, progress)
        target, calm = read.train, read.calm
    if settings.tells_domains:
        if settings.mix != "none":
            raise ConfigError(
                "mix cannot be used where domains are told apart.",
                "What is mixed of two items may be of two domains.",
                "Set mix to none.",
            )
        numbers = domains_of(data.version, settings.domain_column).numbers[data.rows["train"]]
        names, places = np.unique(numbers, return_inverse=True)
        shares = np.bincount(places) / len(places)
        if len(names) < 2:
            named = "group_dro" if settings.group_dro else "domain_coral"
            raise ConfigError(
                f"{named} needs training items of at least two domains.",
                "All of these come from one.",
                f"Leave source_domain empty, or set {named} to 0.",
            )
        examples = replace(examples, train=Marked(examples.train, places.astype(np.int64)))
    return examples, Across(target, calm, shares)


def _refuse_too_few(settings: FinetuneSettings, count: int, progress: Progress) -> None:
    """A single item has no statistics, and those of a handful are chance: under the statistics of
    2, 3 and 5 photos a network that was right on 58 in 100 was right on 25, 26 and 43.
    """
    if count < 2:
        raise ConfigError(
            f"{settings.adaptation} needs more than one item of the target.",
            f"There is {count}, which tells nothing of what its items have in common.",
            "Add items without a class (30 or more), or set adaptation to none.",
        )
    for finding in few_items(count):
        progress.warn(finding.as_dict())


def unjudged(version: DatasetVersion, other: DatasetVersion) -> list[Finding]:
    """What to know of a target dataset `other` with classes that `version` lacks."""
    beyond = classes_beyond(version, other)
    if not beyond:
        return []
    told = some_of([f"{name!r} ({count:,})" for name, count in beyond.items()])
    return [
        Finding(
            "classes_beyond",
            "warning",
            f"The target dataset has classes that this one lacks: {told}. Whatever is said of such"
            " items is wrong, yet no score counts them: they judge nothing.",
            sum(beyond.values()),
            "Give this dataset items of these classes, or mend names that mean the same.",
        )
    ]


def few_items(count: int) -> list[Finding]:
    """What to know of a target of `count` items, of which what they have in common is told."""
    if count >= FEW:
        return []
    return [
        Finding(
            "few_target_items",
            "warning",
            f"The target has {count} items. What these have in common is taken for all of it, which"
            f" with fewer than {FEW} is mostly chance.",
            count,
            "Add items of the target, which need no class.",
        )
    ]
