"""How a run trains: one readable function per recipe, found by name.

A recipe's `train(config, version, folder, cache, progress)` leaves its artifacts in `folder` and
returns what it found, without ever seeing a test label; `judging.judge` then opens them. It never
touches registry, jobs or pages.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tl_core.config import SETTINGS, RunConfig
from tl_core.errors import NotFoundError, nearest
from tl_core.progress import Progress

if TYPE_CHECKING:
    from tl_core.data.versions.store import DatasetVersion
    from tl_core.evaluate.report import Report
    from tl_core.recipes.shared.common import Trained

RECIPES: dict[str, str] = {
    "baseline": (
        "The no-transfer baseline: no pretrained network, only word statistics or colours and"
        " edges."
    ),
    "zero_shot": (
        "No labels at all: the backbone compares each item with words that describe the classes."
    ),
    "static_embeddings": (
        "The standard before transformers: one vector for each word, read by a small network."
    ),
    "probe": (
        "A first result in seconds: the backbone stays frozen, a logistic regression is trained"
        " on its features."
    ),
    "adapt": (
        "A probe for another domain: features of both are made alike, without labels of the target."
    ),
    "contrastive": (
        "For few texts: the encoder learns from pairs of them, then a probe reads it (SetFit)."
    ),
    "pretrain": (
        "The backbone goes on learning from your own items without their labels (hidden words, two"
        " views of a photo), then a probe reads it."
    ),
    "self_training": (
        "For few labels and many rows without one: a probe labels what it is sure of, and learns"
        " from that."
    ),
    "fast_adaptation": (
        "For a handful of labels: your earlier datasets teach, in small tasks (episodes), how to"
        " learn the next classes; prototypes, ANIL, and MAML beside them."
    ),
    "finetune": (
        "The backbone itself is trained: wholly, in part, by gradual unfreezing, through LoRA, or"
        " from scratch."
    ),
    "distillation": (
        "A small backbone learns from the answers of a big trained model, on rows with and without"
        " a class (the student is faster, the loss of accuracy is told)."
    ),
    "ladder": (
        "Several strategies on the same splits and seeds, to find the cheapest that is good enough."
    ),
    "auto": (
        "The best within some minutes: backbones, strategies and learning rates are tried, the best"
        " is kept."
    ),
}
assert set(RECIPES) == set(SETTINGS)


class Training(Protocol):
    """How a recipe trains as a config says, with a folder to leave its model in and a cache."""

    def __call__(
        self,
        config: RunConfig,
        version: DatasetVersion,
        folder: Path,
        cache: Path,
        progress: Progress,
        /,
    ) -> Trained: ...


def load_training(name: str) -> Training:
    """The function that trains by a recipe's name, blind to test labels; its module is imported
    only now.

    Raises:
        NotFoundError: for an unknown name.
    """
    if name not in RECIPES:
        raise NotFoundError(f"There is no recipe {name!r}.", "", nearest(name, RECIPES))
    train: Training = import_module(f"tl_core.recipes.{name}").train
    return train


def run_recipe(
    config: RunConfig,
    version: DatasetVersion,
    folder: Path,
    cache: Path,
    progress: Progress,
    *,
    target: DatasetVersion | None = None,
) -> Report:
    """Train as `config` says, then open the test labels, and give the report. What is meant for
    another domain learns from, and is judged by, the version as `data.domains` shows it; `target`
    is the other dataset that it is meant for.

    Raises:
        DataError: when there is too little to train on or to judge by.
    """
    from tl_core.data.checks.small import check_trainable
    from tl_core.data.domains import as_meant
    from tl_core.recipes.shared import common, judging
    from tl_core.train.setup.across import unjudged

    for finding in unjudged(version, target) if target else []:
        progress.warn(finding.as_dict())
    version = as_meant(config.settings, version, target)
    check_trainable(version, learns=config.recipe != "zero_shot")
    if config.recipe in ("ladder", "auto"):
        # they train several, and open the labels after the last
        several = import_module(f"tl_core.recipes.{config.recipe}")
        report: Report = several.run(config, version, folder, cache, progress)
        return report
    trained = load_training(config.recipe)(
        config, common.SealedVersion(version), folder, cache, progress
    )
    return judging.judge(config, version, trained, folder, cache, progress)
