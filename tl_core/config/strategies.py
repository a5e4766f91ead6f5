"""Strategies: named sets of a recipe's settings, in the order of their cost."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Strategy:
    """A card on the Design page: a recipe with settings, and when to choose it."""

    title: str
    recipe: str
    when: str
    values: dict[str, object]
    only: str = ""  # its modality, where it is for one alone


STRATEGIES: dict[str, Strategy] = {
    "probe": Strategy(
        "Probe",
        "probe",
        "A first result in seconds: the backbone stays frozen and a linear classifier is trained"
        " on its features. Always start here.",
        {},
    ),
    "adapt": Strategy(
        "Adapt to another domain",
        "adapt",
        "The labels come from one place, the items to predict from another: a probe whose features"
        " of both are made alike, without a label of the other place. Seconds.",
        {},
    ),
    "contrastive": Strategy(
        "Contrastive pairs",
        "contrastive",
        "For 8 to 64 labels a class (SetFit): the encoder "
        "learns from pairs which texts belong together, then a probe reads it.",
        {},
        "text",
    ),
    "pretrain": Strategy(
        "Continued pretraining",
        "pretrain",
        "For many rows, few of them with a class, that read or look unlike what the backbone knows:"
        " it names hidden words of your texts, or tells two views of a photo from other photos;"
        " then a probe reads it. Its model is a backbone for further runs.",
        {},
    ),
    "self_training": Strategy(
        "Self-training",
        "self_training",
        "For a few labels beside many rows without a class: a probe labels what it is sure of and"
        " learns from that, round after round. Never less than the probe by the validation rows.",
        {},
    ),
    "fast": Strategy(
        "Fast adaptation (episodes)",
        "fast_adaptation",
        "For a handful of labels a class, when you have other datasets of the same kind: small"
        " tasks drawn from their classes teach how to learn the next ones.",
        {},
    ),
    "lpft": Strategy(
        "Fine-tune from a probe (LP-FT)",
        "finetune",
        "The safe way to a better model: the classifier is fitted first, then all weights are"
        " trained gently. For 50 labels a class and more.",
        {"lp_start": True, "layer_decay": 0.9},
    ),
    "two_stage": Strategy(
        "Gradual unfreezing",
        "finetune",
        "The classifier is trained alone, then block after block "
        "is unfrozen from the top. Safe with few examples; takes longer.",
        {"lp_start": False, "gradual": True, "lr_slice": 20.0, "schedule": "one-cycle"},
    ),
    "lora": Strategy(
        "LoRA",
        "finetune",
        "Small low-rank matrices are trained beside the frozen weights: for large backbones, where "
        "memory is short.",
        {"lp_start": True, "lora": True},
    ),
    "full": Strategy(
        "Full fine-tuning",
        "finetune",
        "All weights are trained from the first step, with a fresh classifier. "
        "For a thousand labels a class and more.",
        {"lp_start": False},
    ),
    "distillation": Strategy(
        "Distillation",
        "distillation",
        "For a model that is good and too large: a smaller backbone learns what it says of your"
        " items, also of those without a class. The report tells what that costs in accuracy and"
        " gains in speed and size.",
        {},
    ),
    "scratch": Strategy(
        "From scratch",
        "finetune",
        "The same network with random weights: shows what the "
        "pretraining is worth. Never the best choice for small sets.",
        {"lp_start": False, "scratch": True, "batchnorm": "adapt"},
    ),
    "zero_shot": Strategy(
        "Zero-shot",
        "zero_shot",
        "No labels at all: words describe each class, and the backbone compares; what can be had"
        " before anything is labelled. Needs a sentence encoder, or CLIP or SigLIP for pictures.",
        {},
    ),
    "word_mean": Strategy(
        "Word vectors, averaged",
        "static_embeddings",
        "The standard before transformers: each word has one vector, their mean goes through a"
        " hidden layer. Seconds without a GPU.",
        {"head": "mlp"},
        "text",
    ),
    "word_cnn": Strategy(
        "Word vectors, convolutions",
        "static_embeddings",
        "Filters that look for groups of three to five words (Kim, 2014).",
        {"head": "cnn", "vectors": "tuned"},
        "text",
    ),
    "word_rnn": Strategy(
        "Word vectors, read in order",
        "static_embeddings",
        "A recurrent network: an LSTM reads the words forwards and backwards.",
        {"head": "lstm", "vectors": "tuned"},
        "text",
    ),
}
TUNED = tuple(name for name, strategy in STRATEGIES.items() if strategy.recipe == "finetune")
