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
    template="This is about {}.",
    starter="starter:text",
    cpu_batch=32,
    parts={
        "backbones": "tl_core.backbones.inputs.text_inputs:TEXT_INPUTS",
        "cli": "tl_core.cli.given_texts:GIVEN_TEXT",
        "data": "tl_core.data.tables.text_items:TEXT_ITEMS",
        "evaluate": "tl_core.evaluate.perturbations.text_perturbations:TEXT_PERTURBATIONS",
        "export": "tl_core.export.exported_texts:EXPORTED_TEXTS",
        "pages": "pages.sections.items.text_pages:TEXT_PAGES",
        "predict": "tl_core.predict.texts.predicted_texts:PREDICTED_TEXTS",
        "train": "tl_core.train.items.text_training:TEXT_TRAINING",
    },
)
