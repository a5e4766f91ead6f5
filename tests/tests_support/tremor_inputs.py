"""Tremors as a further modality: what is written so that their backbones are opened, asked and
saved.
"""

from __future__ import annotations

import numpy as np

from tl_core.backbones.inputs.input_kind import in_batches


class TremorInputs:
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

    def batches(self, processor, inputs, size):
        return in_batches(list(range(len(inputs))), size)

    def needs_equal_sizes(self, processor):
        return False

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

    def check(self, opened, reference, version, rows):
        return []

    def ask_pipeline(self, model, processor, inputs, classes):
        from transformers import pipeline

        run = pipeline("audio-classification", model=model, feature_extractor=processor)
        return run(list(inputs), top_k=classes)


TREMOR_INPUTS = TremorInputs()


def write_wave_network(folder):
    """A tiny wav2vec2 with random weights and its feature extractor in `folder`, which is given
    back.
    """
    import torch
    from transformers import (
        Wav2Vec2Config,
        Wav2Vec2FeatureExtractor,
        Wav2Vec2ForSequenceClassification,
    )

    torch.manual_seed(0)
    config = Wav2Vec2Config(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        conv_dim=(8, 8),
        conv_stride=(5, 4),
        conv_kernel=(10, 8),
        num_conv_pos_embeddings=4,
        num_conv_pos_embedding_groups=2,
        classifier_proj_size=8,
    )
    Wav2Vec2ForSequenceClassification(config).save_pretrained(folder)
    Wav2Vec2FeatureExtractor().save_pretrained(folder)
    return folder
