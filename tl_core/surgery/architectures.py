"""Facts about architectures that surgery needs: tables, no code. docs/ARCHITECTURE.md shows them in
words.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PreHead:
    """The dense layer between a summary vector and the last Linear, and what follows it.

    `activation` says how it is made transparent when its weights are random: `tanh` (identity times
    0.05 stays in tanh's linear range), `rectifier` (identity with a bias that keeps ReLU or GELU
    in their identity range) or `none` (plain identity).
    """

    dense: str
    activation: str


PRE_HEADS: dict[str, PreHead] = {
    "bert": PreHead("bert.pooler.dense", "tanh"),
    "roberta": PreHead("classifier.dense", "tanh"),
    "xlm-roberta": PreHead("classifier.dense", "tanh"),
    "camembert": PreHead("classifier.dense", "tanh"),
    "mpnet": PreHead("classifier.dense", "tanh"),
    "albert": PreHead("albert.pooler", "tanh"),
    "distilbert": PreHead("pre_classifier", "rectifier"),
    "electra": PreHead("classifier.dense", "rectifier"),
    "deberta": PreHead("pooler.dense", "rectifier"),
    "deberta-v2": PreHead("pooler.dense", "rectifier"),
    "modernbert": PreHead("head.dense", "rectifier"),
}

# Families for sounds that project what they have heard, before they average it over time.
PROJECTED_BY = "projector"
PROJECTED = (
    "wav2vec2",
    "hubert",
    "wavlm",
    "sew",
    "sew-d",
    "unispeech",
    "unispeech-sat",
    "data2vec-audio",
    "wav2vec2-conformer",
    "wav2vec2-bert",
    "whisper",
)
PRE_HEADS |= {family: PreHead(PROJECTED_BY, "none") for family in PROJECTED}

# Weights that serve the pretraining alone: a checkpoint without them lacks nothing.
UNREAD = ("masked_spec_embed",)

# Families whose encoder can carry one appended layer with uniform attention, so that position 0
# holds the mean.
MEAN_LAYER = frozenset(
    {"bert", "roberta", "xlm-roberta", "camembert", "electra", "distilbert", "deberta-v2"}
)

# Families that can pool by mean through their own configuration.
MEAN_BY_CONFIG = frozenset({"modernbert"})

# A network of timm inside, which knows the order of its own layers.
TIMM_FAMILIES = ("timm_wrapper", "sound_picture")

# Refused before training, with the reason.
REFUSED: dict[str, str] = {
    "dinov3_vit": (
        "This version of transformers has no image classifier for DINOv3; take timm's copy of it."
    ),
    "dinov3_convnext": (
        "This version of transformers has no image classifier for DINOv3; take timm's copy of it."
    ),
}

_QUERY_VALUE = ("query", "value")
_PROJECTIONS = ("q_proj", "v_proj")


@dataclass(frozen=True)
class Layout:
    """Where an architecture keeps its blocks, from input to output.

    `blocks` is a regular expression that ends the module name of each block. `early` matches
    parameters that stand behind the blocks in the file but work before or inside them. `lora` are
    the leaf names that low-rank matrices are put beside; empty means convolutions over all
    channels.
    """

    blocks: str
    lora: tuple[str, ...]
    early: str = ""


_ENCODER, _STAGES = r"encoder\.layer\.\d+", r"encoder\.stages\.\d+\.layers\.\d+"
_LAYERS = r"(vit|deit|beit|model|backbone)\.layers\.\d+"
_SOUND_LAYERS = r"(encoder|audio_spectrogram_transformer|backbone)\.layers\.\d+"

LAYOUTS: dict[str, Layout] = {
    "bert": Layout(_ENCODER, _QUERY_VALUE),
    "roberta": Layout(_ENCODER, _QUERY_VALUE),
    "xlm-roberta": Layout(_ENCODER, _QUERY_VALUE),
    "camembert": Layout(_ENCODER, _QUERY_VALUE),
    "electra": Layout(_ENCODER, _QUERY_VALUE),
    "mpnet": Layout(_ENCODER, ("q", "v"), r"encoder\.relative_attention_bias"),
    "distilbert": Layout(r"transformer\.layer\.\d+", ("q_lin", "v_lin")),
    "deberta": Layout(_ENCODER, ("in_proj",), r"encoder\.rel_embeddings"),
    "deberta-v2": Layout(
        _ENCODER, ("query_proj", "value_proj"), r"encoder\.(rel_embeddings|LayerNorm|conv)"
    ),
    "modernbert": Layout(_LAYERS, ("Wqkv",)),
    "gpt2": Layout(r"(transformer|backbone)\.h\.\d+", ("c_attn",)),
    "vit": Layout(_LAYERS, _PROJECTIONS),
    "deit": Layout(_LAYERS, _PROJECTIONS),
    "beit": Layout(_LAYERS, _PROJECTIONS),
    "dinov2": Layout(_ENCODER, _PROJECTIONS),
    "swin": Layout(r"encoder\.layers\.\d+\.blocks\.\d+", _PROJECTIONS),
    "clip": Layout(r"encoder\.layers\.\d+", _PROJECTIONS),
    "siglip": Layout(r"encoder\.layers\.\d+", _PROJECTIONS),
    "convnext": Layout(_STAGES, ("pwconv1", "pwconv2")),
    "resnet": Layout(_STAGES, ()),
    "mobilenet_v2": Layout(r"(mobilenet_v2|backbone)\.layer\.\d+", ()),
    "efficientnet": Layout(r"encoder\.blocks\.\d+", ()),
    "static_vectors": Layout("embedding", ()),
    "speech_embedding": Layout(r"network\.blocks\.\d+", ()),
    "audio-spectrogram-transformer": Layout(_SOUND_LAYERS, _PROJECTIONS),
    "wav2vec2": Layout(_SOUND_LAYERS, _PROJECTIONS),
    "hubert": Layout(_SOUND_LAYERS, _PROJECTIONS),
    "unispeech": Layout(_SOUND_LAYERS, _PROJECTIONS),
    "unispeech-sat": Layout(_SOUND_LAYERS, _PROJECTIONS),
    "data2vec-audio": Layout(_SOUND_LAYERS, _PROJECTIONS),
    # its attention reads the matrices of its projections without calling them
    "wavlm": Layout(_SOUND_LAYERS, ("intermediate_dense", "output_dense")),
    "sew": Layout(_SOUND_LAYERS, _PROJECTIONS),
    "sew-d": Layout(_ENCODER, ("query_proj", "value_proj"), r"encoder\.rel_embeddings"),
    "wav2vec2-conformer": Layout(_SOUND_LAYERS, ("linear_q", "linear_v")),
    "wav2vec2-bert": Layout(_SOUND_LAYERS, ("linear_q", "linear_v")),
    "whisper": Layout(_SOUND_LAYERS, _PROJECTIONS),
}
