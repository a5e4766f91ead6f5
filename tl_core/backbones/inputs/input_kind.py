"""What a modality has to offer so that its backbones can be opened, asked, proved and saved."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypedDict, cast

import numpy as np
from numpy.typing import NDArray

from tl_core.modalities import modality_of

if TYPE_CHECKING:
    import pyarrow as pa
    from torch import Tensor
    from transformers import PreTrainedModel

    from tl_core.backbones.encoding import Batch, Inputs, Processor

# id, severity, count (in percent), items, text and fix, as reports hold them
Finding: TypeAlias = dict[str, object]


class Items(Protocol):
    """A dataset version, as far as backbones read its items."""

    @property
    def table(self) -> pa.Table:
        """The rows with all their columns."""
        ...

    def facts(self) -> Mapping[str, NDArray[np.generic]]:
        """What was noted of each row at the import."""
        ...

    def texts(self, rows: NDArray[np.int64]) -> list[str]: ...


class Answer(TypedDict):
    """One class in the answer of a `transformers.pipeline`, with its probability."""

    label: str
    score: float


@dataclass(frozen=True)
class Opened:
    """A network with its processor; `max_length` is the most that it reads of an item which has a
    length, in tokens.
    """

    model: PreTrainedModel
    processor: Processor
    max_length: int


class InputKind(Protocol):
    """How the backbones of one modality are fed.

    Attributes:
        processor: what people call that which makes tensors of items.
        auto_processor: the class of `transformers` that opens it.
    """

    @property
    def processor(self) -> str: ...

    @property
    def auto_processor(self) -> str: ...

    def classifies(self, family: str) -> bool:
        """Whether there is a classifier of such items in this architecture."""
        ...

    def is_in(self, folder: Path) -> bool:
        """Whether the small files of a model folder are those of such a backbone; read without
        torch.
        """
        ...

    def examples(self) -> Inputs:
        """A few small items, for shapes."""
        ...

    def encode(self, processor: Processor, inputs: Inputs, max_length: int = 0) -> Batch:
        """Items as a batch of tensors on the CPU; a `max_length` of 0 is that of the processor."""
        ...

    def batches(self, processor: Processor, inputs: Inputs, size: int) -> list[list[int]]:
        """Places of the items in batches of at most `size`, in the order in which they waste the
        least; items that would change each other's answers are never in one.
        """
        ...

    def needs_equal_sizes(self, processor: Processor) -> bool:
        """Whether only items of one size may be computed together, since padding would change
        their answers.
        """
        ...

    def identity(self, processor: Processor, max_length: int) -> Mapping[str, object]:
        """What decides which tensors an item becomes, as JSON; part of the keys of caches."""
        ...

    def arrange(self, model: PreTrainedModel) -> None:
        """Put the weights, in place, as the hardware likes them best for such items."""
        ...

    def fit(self, opened: Opened, input_size: int, *, meta: bool) -> Opened:
        """Network and processor settled for each other and for the size of the items.

        Args:
            opened: as their files say, with the `max_length` that is wished for.
            input_size: size of an item that has no length; 0 for the network's own.
            meta: the network has shapes alone.

        Raises:
            BackboneError: when something in the network is made for one size alone.
        """
        ...

    def own_pooling(self, folder: Path, family: str, wanted: str) -> tuple[str, str]:
        """The pooling for `auto`, `native` or `mean`, and the same again when the architecture
        cannot do it by itself and needs a graft.
        """
        ...

    def save(self, processor: Processor, max_length: int, target: Path) -> None:
        """Write the processor beside the saved network."""
        ...

    def ask_pipeline(
        self, model: PreTrainedModel, processor: Processor, inputs: Inputs, classes: int
    ) -> Iterable[Sequence[Answer]]:
        """What `transformers.pipeline` says of each item about all classes."""
        ...

    def word_vectors(
        self, words: list[str], folder: Path, features: Callable[[Inputs], NDArray[np.float32]]
    ) -> tuple[Tensor, float]:
        """Vectors of words (words, width) in the space of the items' features, and the scale over
        their cosine.

        Args:
            words: each as people say it.
            folder: the backbone's files, where words may have a network of their own.
            features: what the backbone itself makes of items.

        Raises:
            BackboneError: when the backbone has no place for words.
        """
        ...

    def check(
        self, opened: Opened, reference: str, version: Items, rows: NDArray[np.int64]
    ) -> list[Finding]:
        """Findings about how the backbone of that reference reads a sample of these rows."""
        ...

    def starters(self, version: Items, rows: NDArray[np.int64]) -> tuple[str, ...]:
        """References of the starters that suit these rows, the best first; the last one serves
        always.
        """
        ...


def input_kind_of(modality: str) -> InputKind:
    """How the backbones of this modality are fed.

    Raises:
        ConfigError: when there is no such modality.
    """
    return cast("InputKind", modality_of(modality).part("backbones"))


def modality_in(folder: Path, modalities: Sequence[str]) -> str:
    """Which of several modalities the files of a model folder are made for; the last one where they
    do not show it.
    """
    return next((name for name in modalities if input_kind_of(name).is_in(folder)), modalities[-1])


def in_batches(order: list[int], size: int) -> list[list[int]]:
    """Places in parts of at most `size`."""
    return [order[start : start + size] for start in range(0, len(order), size)]
