"""Texts on their way to an answer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from tl_core.data.preparation import Preparation
from tl_core.data.versions.store import DatasetVersion, VersionInfo
from tl_core.errors import DataError
from tl_core.predict.carried import of_version
from tl_core.predict.one_item import Inputs, ModelInput
from tl_core.predict.predicted_items import PredictedItems
from tl_core.predict.sources import Source
from tl_core.predict.tensors import Cut
from tl_core.predict.texts.text_files import text_inputs

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from tl_core.backbones.classifier import Classifier
    from tl_core.backbones.encoding import Processor
    from tl_core.predict.explanations.relevance import Maps
    from tl_core.predict.serving.contract import Asked


class PredictedTexts:
    """Rows of tables and files of text; explained by their words. See `PredictedItems`."""

    def inputs(self, source: Source, kept: Preparation | None) -> Inputs:
        """The rows of a table, or files that are one text each."""
        return text_inputs(source, kept)

    def trained_columns(self, info: VersionInfo) -> tuple[str, ...]:
        """Title and text by the roles of the import; files have no columns."""
        if info.columns.get("label") == "folder":
            return ()
        return tuple(info.columns[role] for role in ("title", "text") if role in info.columns)

    def unlabelled(self, version: DatasetVersion, kept: Preparation) -> tuple[Path, Preparation]:
        """They lie beside the version as a table; nothing is joined or repaired twice."""
        own = of_version(version.info)
        if kept.columns and kept.joined != own.joined:
            raise DataError(
                f"The texts of this dataset are {_made_of(own)}, those of the training were"
                f" {_made_of(kept)}.",
                "The model has never read such texts.",
                "Predict the file itself, and name its columns with --title-column and"
                " --text-column.",
            )
        left = Preparation(("text",), repair=kept.repair and not own.repair)
        return version.folder / "unlabelled.csv", left

    def batches(self, processor: Processor, device: str) -> Cut:
        """Of like length, the longest first."""
        from tl_core.predict.texts.text_batches import TextBatches

        return TextBatches(cast("PreTrainedTokenizerBase", processor), device)

    def from_json(self, body: Asked, preparation: Preparation) -> list[ModelInput]:
        """Texts, or rows of a table that are prepared as in training."""
        from tl_core.predict.serving.contract import texts_of

        return [*texts_of(body, preparation)]

    def from_files(
        self, _files: list[tuple[bytes, str]], _preparation: Preparation
    ) -> list[ModelInput]:
        """None are taken."""
        raise DataError("This model reads texts: POST /predict.")

    def as_given(self, given: str | bytes, preparation: Preparation) -> ModelInput:
        """A text as it was typed; its parts are joined already."""
        text = given.decode("utf-8", "replace") if isinstance(given, bytes) else given
        return preparation.one_text(text)

    def parts(self, item: ModelInput) -> list[str]:
        """The words."""
        return str(item).split()

    def relevance(self, classifier: Classifier, item: ModelInput, place: int) -> Maps:
        """Leaving one word out, and integrated gradients."""
        from tl_core.predict.explanations.word_relevance import word_maps

        return word_maps(classifier, str(item), place)

    def without(self, item: ModelInput, parts: NDArray[np.int64]) -> ModelInput:
        """Words are left out."""
        from tl_core.predict.explanations.word_relevance import without_words

        return without_words(str(item), parts)


def _made_of(preparation: Preparation) -> str:
    return " and ".join(map(repr, preparation.columns)) + (
        ", joined" if preparation.joined else " alone"
    )


PREDICTED_TEXTS: PredictedItems = PredictedTexts()
