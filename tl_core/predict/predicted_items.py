"""What prediction has to know about one kind of item."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from tl_core.data.preparation import Preparation
from tl_core.data.versions.store import DatasetVersion, VersionInfo
from tl_core.modalities import modality_of
from tl_core.predict.one_item import Inputs, ModelInput
from tl_core.predict.sources import Source
from tl_core.predict.tensors import Cut

if TYPE_CHECKING:
    from tl_core.backbones.classifier import Classifier
    from tl_core.backbones.encoding import Processor
    from tl_core.predict.explanations.relevance import Maps
    from tl_core.predict.serving.contract import Asked


class PredictedItems(Protocol):
    """Items of one modality on their way to an answer, and the answer's way back to their parts."""

    def inputs(self, source: Source, kept: Preparation | None) -> Inputs:
        """What the model reads in a source, where `kept` is what the model carries.

        Raises:
            DataError: when there is nothing for it, or it cannot be read as training read it.
        """
        ...

    def trained_columns(self, info: VersionInfo, /) -> tuple[str, ...]:
        """The columns that an item was made of, for versions made before these were noted."""
        ...

    def unlabelled(self, version: DatasetVersion, kept: Preparation) -> tuple[Path, Preparation]:
        """Where the rows of a version lie that have no class, and what is left to be done to them.

        Raises:
            DataError: when they were prepared in another way than those of the training.
        """
        ...

    def batches(self, processor: Processor, device: str) -> Cut:
        """How items are cut into batches for a network on `device` (cpu or cuda)."""
        ...

    def from_json(self, body: Asked, preparation: Preparation) -> list[ModelInput]:
        """What the model reads of a JSON body that a server's client has sent.

        Raises:
            DataError: when it holds no such items; names the path that takes them.
        """
        ...

    def from_files(
        self, files: list[tuple[bytes, str]], preparation: Preparation, /
    ) -> list[ModelInput]:
        """The same of files (content and suffix)."""
        ...

    def as_given(self, given: str | bytes, preparation: Preparation, /) -> ModelInput:
        """What the model reads of one item that a person gives on a page: words typed, or a file.

        Raises:
            DataError: when it cannot be read.
        """
        ...

    def parts(self, item: ModelInput, /) -> list[str]:
        """The parts that an explanation weighs, by their names; none where they have no names."""
        ...

    def relevance(self, classifier: Classifier, item: ModelInput, place: int) -> Maps:
        """How much each part of an item speaks for class number `place`."""
        ...

    def without(self, item: ModelInput, parts: NDArray[np.int64]) -> ModelInput:
        """The item with some of its parts made unknowable, by their places in a map."""
        ...


def predicted_items_of(modality: str) -> PredictedItems:
    """How items of a modality are predicted.

    Raises:
        ConfigError: for a modality that nobody knows, or that cannot be predicted.
    """
    return cast(PredictedItems, modality_of(modality).part("predict"))
