"""What training asks of a modality."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tl_core.data.sounds.decoding import Sound
from tl_core.data.versions.store import DatasetVersion
from tl_core.modalities import modality_of
from tl_core.progress import Progress
from tl_core.train.arrays import Floats, Ints

if TYPE_CHECKING:
    from sklearn.base import TransformerMixin

    from tl_core.backbones.backbone import Backbone
    from tl_core.config import AutoSettings, FinetuneSettings
    from tl_core.train.features.examples import Examples

LARGE = 40e6  # parameters from which a network needs smaller steps
FURTHER = 3.0  # how much larger or smaller the steps of a try are
Item = str | Image.Image | Sound  # what a backbone reads
RowFact = Floats | NDArray[np.str_]  # one number or word for each row


@dataclass(frozen=True)
class TrainingData:
    """Whose items are trained on: rows of each split, the class of each row of the version (-1
    outside the model), how many classes there are, and where what is read of them is kept.
    """

    version: DatasetVersion
    rows: dict[str, Ints]
    labels: Ints
    classes: int
    cache: Path


@dataclass(frozen=True)
class PreparedExamples:
    """What a training goes through: examples with their variations, those kept for choosing, and
    training items without chance, where batch statistics follow them.
    """

    train: Examples
    held_out: Examples | None
    calm: Examples | None = None


@dataclass(frozen=True)
class PlainFeatures:
    """What a classifier without any pretrained network reads.

    Args:
        name: of the baseline, as in the report.
        inputs: of each split, one entry for each row.
        transformer: makes numbers of them, fitted on the training rows.
        strength: the inverse penalty that serves such numbers, times the one that was set.
    """

    name: str
    inputs: dict[str, Sequence[str] | Floats]
    transformer: TransformerMixin
    strength: float


@dataclass(frozen=True)
class Try:
    """A fine-tuning that an automatic search may try: a strategy, what is different about it in
    words, a factor of the learning rate, and settings.
    """

    strategy: str
    note: str = ""
    rate: float = 1.0
    options: dict[str, object] = field(default_factory=dict)


class ItemTraining(Protocol):
    """How items of one modality are read, varied and learnt from.

    Args:
        schedule: of the learning rate, where it is left to the program.
        scratch_rate: learning rate of a network with random weights.
        word_space: pooling in which an item can be compared with words; empty where every pooling
            serves.
        baseline_seconds: for each item of the training without transfer.
    """

    schedule: str
    scratch_rate: float
    word_space: str
    baseline_seconds: float

    def read(self, version: DatasetVersion, rows: Ints) -> list[Item]:
        """The items of some rows, as a backbone's `encode` takes them."""
        ...

    def sizes(self, version: DatasetVersion, rows: Ints) -> Ints | None:
        """How much there is of each item, to read like ones together; None where all are alike."""
        ...

    def examples(
        self,
        settings: FinetuneSettings,
        backbone: Backbone,
        data: TrainingData,
        progress: Progress,
    ) -> PreparedExamples:
        """Batches of tensors for a training, varied as the settings say."""
        ...

    def learning_rate(self, parameters: int, *, batch_norms: bool, follows: bool) -> float:
        """Where tuning all of a pretrained network begins.

        Args:
            parameters: of the network, without a table of words.
            batch_norms: whether it has batch normalisation.
            follows: whether its statistics follow the training.
        """
        ...

    def tries(self, settings: AutoSettings, largest_class: int) -> list[Try]:
        """Fine-tunings in the order in which they are worth a try; the first is the plain one.

        Args:
            settings: of the search.
            largest_class: training rows of the commonest class.
        """
        ...

    def plain_features(
        self, version: DatasetVersion, rows: dict[str, Ints], progress: Progress
    ) -> PlainFeatures:
        """What the baseline without transfer reads of each split; `train` is among them."""
        ...

    def nuisances(self, version: DatasetVersion, rows: Ints) -> dict[str, Floats]:
        """Groups of facts (rows, numbers) by name that should tell nothing of the class."""
        ...

    def slice_facts(self, version: DatasetVersion, rows: Ints) -> dict[str, RowFact]:
        """Facts by name that the scores can be split by, as far as the version has them."""
        ...


def training_of(modality: str) -> ItemTraining:
    """How items of a modality are learnt from."""
    return cast(ItemTraining, modality_of(modality).part("train"))


def read_inputs(version: DatasetVersion, rows: Ints) -> list[Item]:
    """The items of `rows`, as a backbone's `encode` takes them."""
    return training_of(version.info.modality).read(version, rows)


def known_facts(version: DatasetVersion, rows: Ints, titles: dict[str, str]) -> dict[str, RowFact]:
    """Numbers that were noted of each row at the import, under their titles; older versions have
    none.
    """
    known = version.facts() if (version.folder / "facts.parquet").is_file() else {}
    return {
        title: known[name][rows].astype(np.float64)
        for name, title in titles.items()
        if name in known
    }
