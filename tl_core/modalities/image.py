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
    cpu_batch=8,  # stays inside the caches
    parts={
        "backbones": "tl_core.backbones.inputs.picture_inputs:PICTURE_INPUTS",
    },
)
