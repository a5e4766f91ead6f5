"""Photos: decoded and varied as pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tl_core.data.pictures.images import open_image
from tl_core.data.versions.store import DatasetVersion
from tl_core.progress import Progress
from tl_core.train.arrays import Floats, Ints
from tl_core.train.items import varied_training
from tl_core.train.items.item_training import (
    Item,
    PlainFeatures,
    PreparedExamples,
    RowFact,
    TrainingData,
    Try,
    known_facts,
)
from tl_core.train.items.photo_baseline import photo_matrix
from tl_core.train.items.photo_shortcuts import photo_nuisances

if TYPE_CHECKING:
    from tl_core.backbones.backbone import Backbone
    from tl_core.config import AutoSettings, FinetuneSettings
    from tl_core.train.features.augment import ImageExamples


class PhotoTraining:
    """`ItemTraining` of photos."""

    schedule = "one-cycle"
    scratch_rate = 1e-3
    word_space = "joint"  # of CLIP and SigLIP
    baseline_seconds = 0.012

    def read(self, version: DatasetVersion, rows: Ints) -> list[Item]:
        """RGB pictures."""
        return [open_image(version.image_bytes(int(row))) for row in rows]

    def sizes(self, version: DatasetVersion, rows: Ints) -> Ints | None:
        """A backbone brings all of them to one size."""
        del version, rows
        return None

    def examples(
        self,
        settings: FinetuneSettings,
        backbone: Backbone,
        data: TrainingData,
        progress: Progress,
    ) -> PreparedExamples:
        """Pixels, cropped, turned, coloured and mixed."""
        from tl_core.train.features import pixels
        from tl_core.train.features.augment import ImageExamples

        version, labels, train = data.version, data.labels, data.rows["train"]
        view = pixels.measure_view(backbone.processor)

        def unvaried(rows: Ints) -> ImageExamples:
            read = pixels.seen(version, rows, backbone, view, data.cache, progress)
            return ImageExamples(read, labels[rows], view)

        progress.stage("Decoding the photos", len(train), share=0.05)
        read = pixels.seen if settings.augment == "none" else pixels.whole
        examples = ImageExamples(
            read(version, train, backbone, view, data.cache, progress),
            labels[train],
            view,
            settings.augment,
            settings.mix,
            settings.seed,
        )
        return varied_training.prepared(examples, unvaried, settings, backbone, data)

    def learning_rate(self, parameters: int, *, batch_norms: bool, follows: bool) -> float:
        """Larger for networks with batch normalisation."""
        return varied_training.varied_rate(parameters, batch_norms=batch_norms, follows=follows)

    def tries(self, settings: AutoSettings, largest_class: int) -> list[Try]:
        """How far photos vary is worth a try; pairs of them are not."""
        del largest_class
        return varied_training.varied_tries(settings, "pictures")

    def plain_features(
        self, version: DatasetVersion, rows: dict[str, Ints], progress: Progress
    ) -> PlainFeatures:
        """Colours, edges and a coarse picture."""
        return varied_training.scaled_features(
            "pixels", photo_matrix, version, rows, progress, strength=0.01
        )

    def nuisances(self, version: DatasetVersion, rows: Ints) -> dict[str, Floats]:
        """Size, light, borders, file format and file names."""
        return photo_nuisances(version, rows)

    def slice_facts(self, version: DatasetVersion, rows: Ints) -> dict[str, RowFact]:
        """Light and size."""
        facts = known_facts(
            version,
            rows,
            {"light": "brightness", "contrast": "contrast", "sharpness": "sharpness"},
        )
        sides = known_facts(version, rows, {"width": "width", "height": "height"})
        if sides:
            width, height = (sides[name].astype(float) for name in ("width", "height"))
            facts |= {"size in pixels": width * height, "width to height": width / height}
        return facts


PHOTO_TRAINING = PhotoTraining()
