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
    template="a photo of {}.",
    starter="starter:image",
    cpu_batch=8,  # stays inside the caches
    parts={
        "backbones": "tl_core.backbones.inputs.picture_inputs:PICTURE_INPUTS",
        "cli": "tl_core.cli.given_pictures:GIVEN_PICTURE",
        "data": "tl_core.data.pictures.picture_items:PICTURE_ITEMS",
        "evaluate": "tl_core.evaluate.perturbations.photo_perturbations:PHOTO_PERTURBATIONS",
        "export": "tl_core.export.exported_photos:EXPORTED_PHOTOS",
        "pages": "pages.sections.items.photo_pages:PHOTO_PAGES",
        "predict": "tl_core.predict.photos.predicted_photos:PREDICTED_PHOTOS",
        "train": "tl_core.train.items.photo_training:PHOTO_TRAINING",
    },
)
