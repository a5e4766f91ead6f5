"""Texts in a bundle."""

from __future__ import annotations

import csv
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from tl_core.data.preparation import Preparation
from tl_core.data.sources.samples import sample_source
from tl_core.data.versions.store import DatasetVersion
from tl_core.export.exported_items import CardWords, Example, ExportedItems, Tracing, shown_columns
from tl_core.predict.one_item import ModelInput

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from tl_core.backbones.encoding import Processor

_SAMPLE = 600  # rows of the sample


class ExportedTexts:
    """Texts that a tokenizer cuts at a length. See `ExportedItems`."""

    tracing = Tracing(
        examples=(
            "A short example.",
            "And another one, which is a little longer than the first.",
        ),
        axes=dict.fromkeys(("input_ids", "attention_mask", "token_type_ids"), ("items", "length")),
        exact=8,
        calibration=0,
    )

    def longest(self, processor: Processor) -> int:
        """The tokenizer's own length."""
        return int(cast("PreTrainedTokenizerBase", processor).model_max_length)

    def preprocessing(self, processor: Processor) -> dict[str, object]:
        """The tokenizer's class, size and padding; its vocabulary is a file of its own."""
        tokenizer = cast("PreTrainedTokenizerBase", processor)
        return {
            "class": type(tokenizer).__name__,
            "vocabulary": len(tokenizer),
            "padding": tokenizer.pad_token,
        }

    def packages(self, _family: str) -> list[str]:
        """None."""
        return []

    def modules(self) -> list[ModuleType]:
        """None."""
        return []

    def card_words(self, preparation: Preparation) -> CardWords:
        """Texts, or columns of a table that are joined."""
        shown = shown_columns(preparation)
        if preparation.joined:
            return {
                "reads": f"The columns {shown} of a row, joined by a line break; a text alone is"
                " not what it was trained on.",
                "example": "messages.csv -o answers.csv",
                "item": r'"the title\nthe text", truncation=True',
            }
        column = f"; in its training they stood in the column {shown}" if shown else ""
        return {
            "reads": f"Texts{column}.",
            "example": '"a text"',
            "item": '"a text", truncation=True',
        }

    def of_rows(
        self, version: DatasetVersion, rows: NDArray[np.int64], _preparation: Preparation
    ) -> list[ModelInput]:
        """As the dataset keeps them, joined and repaired."""
        return [*version.texts(rows)]

    def golden(
        self,
        own: list[ModelInput],
        count: int,
        preparation: Preparation,
        longest: int | None,
    ) -> list[ModelInput]:
        """One is longer than the model reads, so that a bundle that forgets to cut is found out."""
        texts = list(map(str, own)) or _messages(count)
        times = 1 + 2 * (longest or 0) // max(1, len(texts[0].split()))
        return [preparation.one_text(text) for text in (*texts, " ".join([texts[0]] * times))]

    def keep(self, item: ModelInput, _folder: Path, _number: int) -> Example:
        """It stands in the list itself."""
        return {"text": str(item)}

    def kept(self, example: Example, _folder: Path) -> ModelInput:
        """It stands in the list itself."""
        return example["text"]


def _messages(count: int) -> list[str]:
    with sample_source("messages", Path()).open(newline="", encoding="utf-8") as handle:
        return [row["text"] for row in csv.DictReader(handle)][:: _SAMPLE // count][:count]


EXPORTED_TEXTS: ExportedItems = ExportedTexts()
