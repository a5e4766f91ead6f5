"""Photos: decoded and varied as pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tl_core.data.pictures.images import open_image
from tl_core.data.versions.store import DatasetVersion
from tl_core.progress import Progress
from tl_core.train.arrays import Floats, Ints
from tl_core.train.items.item_training import (
    FURTHER,
    LARGE,
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
        from tl_core.surgery.modes import norms_of
        from tl_core.train.features import pixels
        from tl_core.train.features.augment import ImageExamples
        from tl_core.train.loop.norm_statistics import EXAMPLES
        from tl_core.train.probe.probing import spread

        version, labels = data.version, data.labels
        train, held = data.rows["train"], data.rows["validation"]
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
        held_out = unvaried(held) if len(held) else None
        if settings.batchnorm != "adapt" or not norms_of(backbone.model):
            return PreparedExamples(examples, held_out)
        return PreparedExamples(examples, held_out, unvaried(train[spread(len(train), EXAMPLES)]))

    def learning_rate(self, parameters: int, *, batch_norms: bool, follows: bool) -> float:
        """Networks with batch normalisation bear far larger steps than transformers, most of all
        where the statistics follow and undo what the steps do to the scale of each channel.
        """
        if batch_norms:
            return (1e-3 if follows else 3e-4) * (1.0 if parameters < LARGE else 0.3)
        return 1e-4 if parameters < LARGE else 3e-5

    def tries(self, settings: AutoSettings, largest_class: int) -> list[Try]:
        """How far photos vary is worth a try; pairs of them are not."""
        del largest_class
        own: dict[str, object] = {"augment": settings.augment}
        lightly = Try("lpft", "lightly varied pictures", options={"augment": "light"})
        return [
            Try("lpft", options=own),
            Try("lpft", "larger steps", FURTHER, own),
            *([lightly] if settings.augment == "standard" else []),
            Try("full", options=own),
            Try("lpft", "smaller steps", 1 / FURTHER, own),
            Try("two_stage", options=own),
        ]

    def plain_features(
        self, version: DatasetVersion, rows: dict[str, Ints], progress: Progress
    ) -> PlainFeatures:
        """Colours, edges and a coarse picture."""
        from sklearn.preprocessing import StandardScaler

        matrices = {
            split: photo_matrix(version, places, progress) for split, places in rows.items()
        }
        return PlainFeatures("pixels", {**matrices}, StandardScaler(), 0.01)

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
