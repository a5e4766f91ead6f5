"""Texts."""

from tl_core.modalities.base import Modality

TEXT = Modality(
    name="text",
    item="text",
    items="texts",
    sense="read",
    auto_class="AutoModelForSequenceClassification",
    hub_tasks=("text-classification", "sentence-similarity", "feature-extraction", "fill-mask"),
    starter="starter:text",
    parts={},
)
