"""What a bundle has to know about one kind of item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Protocol, TypedDict, cast

import numpy as np
from numpy.typing import NDArray

from tl_core.data.preparation import Preparation
from tl_core.data.versions.store import DatasetVersion
from tl_core.modalities import modality_of
from tl_core.predict.one_item import ModelInput

if TYPE_CHECKING:
    from tl_core.backbones.encoding import Processor


class Example(TypedDict, total=False):
    """One golden input, a text or the name of a file, with the probabilities of its classes."""

    text: str
    file: str
    probabilities: list[float]
    int8: list[float]  # what the 8-bit network says


@dataclass(frozen=True)
class Tracing:
    """How a network is written as ONNX and squeezed into 8 bits.

    Args:
        examples: two items that are sent through the network.
        axes: the tensors that a network may read, in order, each with the names of its first
            axes, which stay free.
        exact: products at the end that stay float32: the classifier, and pooling layers whose
            small, exact values 8 bits would wipe out.
        calibration: items that show which values occur; 0: the weights alone have 8 bits.
        first: products and convolutions at the beginning that stay float32 with all that lies
            between them: a spectrogram has small values that matter.
        lengths: the least and the most of the axis `length`.
    """

    examples: Sequence[ModelInput]
    axes: Mapping[str, tuple[str, ...]]
    exact: int
    calibration: int
    first: int = 0
    lengths: tuple[int, int] = (2, 4096)


class CardWords(TypedDict):
    """What a card says: what the model reads, and arguments for `predict.py` and for a pipeline of
    transformers.
    """

    reads: str
    example: str
    item: str


class ExportedItems(Protocol):
    """Items of one modality in a bundle: what proves it, describes it, and runs it elsewhere."""

    @property
    def tracing(self) -> Tracing:
        """How a network of theirs is written as ONNX."""
        ...

    def longest(self, processor: Processor, /) -> int | None:
        """Where the processor cuts an item, in tokens; None where nothing is cut."""
        ...

    def preprocessing(self, processor: Processor) -> dict[str, object]:
        """Class and settings of the processor, as plain JSON."""
        ...

    def packages(self, family: str, /) -> list[str]:
        """Packages beyond those of every bundle that `predict.py` needs for this family."""
        ...

    def modules(self) -> list[ModuleType]:
        """Modules of this program beyond those of every bundle that `predict.py` needs."""
        ...

    def card_words(self, preparation: Preparation) -> CardWords:
        """What the card says of them, after what training did to a row."""
        ...

    def of_rows(
        self, version: DatasetVersion, rows: NDArray[np.int64], preparation: Preparation
    ) -> list[ModelInput]:
        """Rows of a dataset as the network reads them."""
        ...

    def golden(
        self, own: list[ModelInput], count: int, preparation: Preparation, longest: int | None, /
    ) -> list[ModelInput]:
        """What proves a bundle: the items `own`, or without any, `count` samples of this program;
        with those added that find out a bundle that prepares them wrongly.
        """
        ...

    def keep(self, item: ModelInput, folder: Path, number: int, /) -> Example:
        """Write item `number` into a folder of golden examples."""
        ...

    def kept(self, example: Example, folder: Path, /) -> ModelInput:
        """The item of an example, as the network reads it."""
        ...


def exported_items_of(modality: str) -> ExportedItems:
    """How items of a modality are exported.

    Raises:
        ConfigError: for a modality that nobody knows, or that cannot be exported.
    """
    return cast(ExportedItems, modality_of(modality).part("export"))


def shown_columns(preparation: Preparation) -> str:
    """The columns of the training as Markdown, the first and the last where they are many."""
    names = [f"`{name}`" for name in preparation.columns]
    return f"{names[0]} to {names[-1]}" if len(names) > 8 else " and ".join(names)
