"""Sounds as a third modality: what has to be written so that their backbones are opened, asked and
saved.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tl_core.modalities.image import IMAGE


class SoundInputs:
    """Waves of one length; the parts that the test of opening and saving needs."""

    processor = "feature extractor"
    auto_processor = "AutoFeatureExtractor"

    def classifies(self, family):
        return family == "wav2vec2"

    def is_in(self, folder):
        return (folder / "preprocessor_config.json").exists()

    def examples(self):
        return [np.sin(np.arange(800) / rate) for rate in (3, 7)]

    def encode(self, processor, inputs, max_length=0):
        return dict(processor(list(inputs), sampling_rate=16_000, return_tensors="pt"))

    def batch_order(self, inputs):
        return list(range(len(inputs)))

    def identity(self, processor, max_length):
        return {"rate": processor.sampling_rate}

    def arrange(self, model):
        pass

    def fit(self, opened, input_size, *, meta):
        return opened

    def own_pooling(self, folder, family, wanted):
        return "native", ""

    def save(self, processor, max_length, target):
        processor.save_pretrained(target)

    def ask_pipeline(self, model, processor, inputs, classes):
        from transformers import pipeline

        run = pipeline("audio-classification", model=model, feature_extractor=processor)
        return run(list(inputs), top_k=classes)


SOUND_INPUTS = SoundInputs()
SOUND = replace(
    IMAGE,
    name="sound",
    item="sound",
    items="sounds",
    sense="heard",
    auto_class="AutoModelForAudioClassification",
    hub_tasks=("audio-classification",),
    starter="starter:sound",
    cpu_batch=8,
    parts={"backbones": "tests_support.sound_inputs:SOUND_INPUTS"},
)
