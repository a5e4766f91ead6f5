"""Sounds."""

from tl_core.modalities.base import Modality

AUDIO = Modality(
    name="audio",
    item="recording",
    items="recordings",
    sense="heard",
    auto_class="AutoModelForAudioClassification",
    hub_tasks=(
        "audio-classification",
        "feature-extraction",
        "automatic-speech-recognition",
    ),
    template="the sound of {}.",
    starter="starter:audio",
    cpu_batch=8,
    parts={
        "backbones": "tl_core.backbones.inputs.sound_inputs:SOUND_INPUTS",
        "cli": "tl_core.cli.given_sounds:GIVEN_SOUND",
        "data": "tl_core.data.sounds.sound_items:SOUND_ITEMS",
        "evaluate": "tl_core.evaluate.perturbations.sound_perturbations:SOUND_PERTURBATIONS",
        "export": "tl_core.export.exported_sounds:EXPORTED_SOUNDS",
        "pages": "pages.sections.items.sound_pages:SOUND_PAGES",
        "predict": "tl_core.predict.sounds.predicted_sounds:PREDICTED_SOUNDS",
        "train": "tl_core.train.items.sound_training:SOUND_TRAINING",
    },
)
