"""Pictures."""

from tl_core.modalities.base import Modality

IMAGE = Modality(
    name="image",
    item="photo",
    items="photos",
    sense="seen",
    auto_class="AutoModelForImageClassification",
    hub_tasks=(
        "image-classification",
        "image-feature-extraction",
        "zero-shot-image-classification",
    ),
    starter="starter:image",
    parts={
        "export": "tl_core.export.exported_photos:EXPORTED_PHOTOS",
        "predict": "tl_core.predict.photos.predicted_photos:PREDICTED_PHOTOS",
    },
)
