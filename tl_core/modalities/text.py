"""Texts."""

from tl_core.modalities.base import Modality

TEXT = Modality(
    name="text",
    item="text",
    items="texts",
    sense="read",
    auto_class="AutoModelForSequenceClassification",
    hub_tasks=(
        "text-classification",
        "feature-extraction",
        "sentence-similarity",
        "fill-mask",
        "text-generation",
    ),
    starter="starter:text",
    parts={
        "cli": "tl_core.cli.given_texts:GIVEN_TEXT",
        "data": "tl_core.data.tables.text_items:TEXT_ITEMS",
    },
)
