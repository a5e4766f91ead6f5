"""Small random networks of every family that hears, saved the way the Hub keeps them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

RATE = 16_000
_LAYERS = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
}
_CONVOLUTIONS = {
    "conv_dim": (16, 16, 16),
    "conv_stride": (5, 8, 4),
    "conv_kernel": (10, 8, 4),
    "num_feat_extract_layers": 3,
}
_WAVES = {
    **_LAYERS,
    **_CONVOLUTIONS,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 2,
    "mask_time_length": 10,  # as published: more than a short sound has
    "layerdrop": 0.0,
}
SOUND_FAMILIES = (
    "audio-spectrogram-transformer",
    "wav2vec2",
    "wav2vec2-layer",
    "hubert",
    "wavlm",
    "whisper",
    "sew",
    "sew-d",
    "unispeech",
    "unispeech-sat",
    "data2vec-audio",
    "wav2vec2-conformer",
    "wav2vec2-bert",
    "sound_picture",
    "speech_embedding",
)


def write(family: str, folder: Path) -> None:
    """Save a network of `family` with its feature extractor; without a classifier, as those of the
    pretraining are.
    """
    import torch

    torch.manual_seed(0)
    _MAKERS[family]().save_pretrained(folder)
    _extractor(family).save_pretrained(folder)


def sounds(lengths: tuple[float, ...] = (0.5, 1.0, 0.7, 0.06)) -> list[np.ndarray]:
    """Chirps with noise of some lengths in seconds, the last one hardly a click."""
    random = np.random.default_rng(1)
    made = []
    for number, seconds in enumerate(lengths):
        times = np.arange(round(seconds * RATE)) / RATE
        clear = np.sin(2 * np.pi * (200 + 300 * number + 800 * times) * times)
        made.append((0.3 * clear + random.normal(0, 0.01, len(times))).astype(np.float32))
    return made


def _waves(family: str, **more: object):
    import transformers as t

    names = {
        "wav2vec2": ("Wav2Vec2Config", "Wav2Vec2Model"),
        "hubert": ("HubertConfig", "HubertModel"),
        "wavlm": ("WavLMConfig", "WavLMModel"),
        "sew": ("SEWConfig", "SEWModel"),
        "sew-d": ("SEWDConfig", "SEWDModel"),
        "unispeech": ("UniSpeechConfig", "UniSpeechModel"),
        "unispeech-sat": ("UniSpeechSatConfig", "UniSpeechSatModel"),
        "data2vec-audio": ("Data2VecAudioConfig", "Data2VecAudioModel"),
        "wav2vec2-conformer": ("Wav2Vec2ConformerConfig", "Wav2Vec2ConformerModel"),
    }
    config, model = (getattr(t, name) for name in names[family])
    return model(config(**{**_WAVES, **more}))


def _bert():
    import transformers as t

    return t.Wav2Vec2BertModel(
        t.Wav2Vec2BertConfig(**_LAYERS, conv_depthwise_kernel_size=7, layerdrop=0.0)
    )


def _whisper():
    import transformers as t

    return t.WhisperForConditionalGeneration(
        t.WhisperConfig(
            d_model=32,
            encoder_layers=2,
            encoder_attention_heads=4,
            encoder_ffn_dim=64,
            decoder_layers=1,
            decoder_attention_heads=4,
            decoder_ffn_dim=64,
            num_mel_bins=16,
            max_source_positions=50,
            max_target_positions=16,
            vocab_size=100,
            pad_token_id=0,
            bos_token_id=1,
            eos_token_id=2,
            decoder_start_token_id=1,
        )
    )


def _spectrogram_transformer():
    import transformers as t

    return t.ASTModel(t.ASTConfig(**_LAYERS, max_length=64, num_mel_bins=32))


def _picture():
    import torch

    from tl_core.backbones.sound_networks import (
        SoundPictureConfig,
        SoundPictureForAudioClassification,
    )

    model = SoundPictureForAudioClassification(
        SoundPictureConfig(architecture="test_efficientnet", bands=32, segment=32, side=64)
    )
    model.train()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None  # a plain average: as built, it answers nothing but zero
    with torch.no_grad():
        for _ in range(2):
            model(input_values=0.1 * torch.randn(8, RATE))
    return model.eval()


def _speech():
    """The starter itself, which is small enough."""
    from tl_core.backbones.sources import starters
    from tl_core.backbones.sources.speech_files import read_speech

    one = starters.PACKAGED["speech"]
    return read_speech(starters.packaged_file(one.package, one.file, "speech"))


def _extractor(family: str):
    import transformers as t

    if family == "whisper":
        return t.WhisperFeatureExtractor(feature_size=16, chunk_length=1)
    if family == "audio-spectrogram-transformer":
        return t.ASTFeatureExtractor(num_mel_bins=32, max_length=64)
    if family == "wav2vec2-bert":
        return t.SeamlessM4TFeatureExtractor()
    plain = family not in ("sound_picture", "speech_embedding")
    return t.Wav2Vec2FeatureExtractor(do_normalize=plain, return_attention_mask=not plain)


_MAKERS = {
    "audio-spectrogram-transformer": _spectrogram_transformer,
    "wav2vec2": lambda: _waves("wav2vec2"),
    "wav2vec2-layer": lambda: _waves(
        "wav2vec2", feat_extract_norm="layer", do_stable_layer_norm=True, conv_bias=True
    ),
    "hubert": lambda: _waves("hubert"),
    "wavlm": lambda: _waves("wavlm", num_buckets=32, max_bucket_distance=80),
    "whisper": _whisper,
    "sew": lambda: _waves("sew"),
    "sew-d": lambda: _waves("sew-d", position_buckets=16, max_position_embeddings=64),
    "unispeech": lambda: _waves("unispeech"),
    "unispeech-sat": lambda: _waves("unispeech-sat"),
    "data2vec-audio": lambda: _waves("data2vec-audio", conv_pos_kernel_size=7),
    "wav2vec2-conformer": lambda: _waves("wav2vec2-conformer", conv_depthwise_kernel_size=7),
    "wav2vec2-bert": _bert,
    "sound_picture": _picture,
    "speech_embedding": _speech,
}
