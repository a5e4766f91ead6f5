"""Facts about architectures that surgery needs: tables, no code."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PreHead:
    """The dense layer between a summary vector and the last Linear, and what follows it.

    `activation` says how it is made transparent when its weights are random: `tanh` (identity times 0.05 stays
    in tanh's linear range) or `rectifier` (identity with a bias that keeps ReLU or GELU in their identity range).
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

# Families whose encoder can carry one appended layer with uniform attention, so that position 0 holds the mean.
MEAN_LAYER = frozenset({"bert", "roberta", "xlm-roberta", "camembert", "electra", "distilbert", "deberta-v2"})

# Families that can pool by mean through their own configuration.
MEAN_BY_CONFIG = frozenset({"modernbert"})

# Refused before training, with the reason.
REFUSED: dict[str, str] = {
    "dinov3_vit": "This version of transformers has no image classifier for DINOv3; take timm's copy of it.",
    "dinov3_convnext": "This version of transformers has no image classifier for DINOv3; take timm's copy of it.",
}
