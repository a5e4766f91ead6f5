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
        "export": "tl_core.export.exported_texts:EXPORTED_TEXTS",
        "predict": "tl_core.predict.texts.predicted_texts:PREDICTED_TEXTS",
    },
)
