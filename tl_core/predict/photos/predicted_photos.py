"""Pictures on their way to an answer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from tl_core.data.preparation import Preparation
from tl_core.data.versions.store import DatasetVersion, VersionInfo
from tl_core.errors import DataError
from tl_core.predict.one_item import Inputs, ModelInput
from tl_core.predict.photos.photo_inputs import photo_inputs
from tl_core.predict.predicted_items import PredictedItems
from tl_core.predict.sources import Source
from tl_core.predict.tensors import Cut

if TYPE_CHECKING:
    from PIL import Image
    from transformers import BaseImageProcessor

    from tl_core.backbones.classifier import Classifier
    from tl_core.backbones.encoding import Processor
    from tl_core.predict.explanations.relevance import Maps
    from tl_core.predict.serving.contract import Asked


class PredictedPhotos:
    """Files and rows of pixels; explained by the cells of a grid. See `PredictedItems`."""

    def inputs(self, source: Source, kept: Preparation | None) -> Inputs:
        """Files, or the pixels in a table."""
        return photo_inputs(source, kept)

    def trained_columns(self, _info: VersionInfo) -> tuple[str, ...]:
        """None: pixels were always noted, and files have no columns."""
        return ()

    def unlabelled(self, version: DatasetVersion, kept: Preparation) -> tuple[Path, Preparation]:
        """They lie in the version itself, prepared for a network but for their range of values."""
        return version.folder, kept

    def batches(self, processor: Processor, device: str) -> Cut:
        """In their order, as many as stay inside the caches of a CPU."""
        from tl_core.predict.photos.photo_batches import PhotoBatches

        return PhotoBatches(cast("BaseImageProcessor", processor), device)

    def from_json(self, body: Asked, preparation: Preparation) -> list[ModelInput]:
        """Rows of pixels, for models that were trained on such."""
        from tl_core.predict.serving.contract import pictures_of

        if not preparation.pixels:
            raise DataError("This model reads images: POST /predict/files.")
        return [*pictures_of(body, preparation)]

    def from_files(
        self, files: list[tuple[bytes, str]], preparation: Preparation
    ) -> list[ModelInput]:
        """Encoded pictures, page by page where training took them so."""
        from tl_core.predict.serving.contract import files_of

        return [*files_of(files, preparation)]

    def as_given(self, given: str | bytes, preparation: Preparation) -> ModelInput:
        """The first page of a file; words are none, and are said to be none."""
        from tl_core.predict.picture_files import open_page

        return open_page(given if isinstance(given, bytes) else given.encode(), 0, preparation)

    def parts(self, _item: ModelInput) -> list[str]:
        """None: places in a picture have no names."""
        return []

    def relevance(self, classifier: Classifier, item: ModelInput, place: int) -> Maps:
        """Occlusion and Grad-CAM on a grid."""
        from tl_core.predict.explanations.picture_relevance import picture_maps

        return picture_maps(classifier, cast("Image.Image", item), place)

    def without(self, item: ModelInput, parts: NDArray[np.int64]) -> ModelInput:
        """Cells are blurred."""
        from tl_core.predict.explanations.picture_relevance import blurred

        return blurred(cast("Image.Image", item), parts)


PREDICTED_PHOTOS: PredictedItems = PredictedPhotos()
