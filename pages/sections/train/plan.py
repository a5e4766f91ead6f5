"""What a training does to the layers: the diagram, or a sentence where there is none to draw."""

from __future__ import annotations

import streamlit as st

from pages.sections.items.item_pages import pages_of
from pages.sections.train import estimate
from pages.shell import problems
from pages.shell.words import plain
from pages.widgets import layers
from tl_core.config import RunConfig
from tl_core.data.versions.store import VersionInfo
from tl_core.modalities.text import TEXT
from tl_core.registry.datasets import DatasetRecord
from tl_core.train.class_weights import class_weights

_MOST_WEIGHTS = 12
_FROZEN, _TRAINABLE = (
    ":gray-badge[:material/ac_unit: frozen]",
    ":green-badge[:material/spa: trainable]",
)
_SENTENCES = {
    "zero_shot": f"{_FROZEN} everything: words become the classifier",
    "contrastive": (
        f"{_TRAINABLE} the whole encoder, from pairs of texts; then a linear classifier"
    ),
    "adapt": (
        f"{_FROZEN} the backbone   {_TRAINABLE} a linear classifier on features that are made alike"
        " for both places, without a label of the target"
    ),
    "fast_adaptation": (
        f"{_FROZEN} the backbone   {_TRAINABLE} a linear map and classifier on its features, taught"
        " by your earlier datasets"
    ),
    "self_training": (
        f"{_FROZEN} the backbone   {_TRAINABLE} a linear classifier, from labels and from its own"
        " sure answers"
    ),
    "distillation": (
        f"{_FROZEN} the teacher   {_TRAINABLE} the whole student, from labels and from what the"
        " teacher says of every item"
    ),
}
_LADDER = (
    "Each strategy trains on the same items and is compared on the same validation items; the"
    " recommended one alone is then evaluated on the test items. It takes as long as all of them"
    " together."
)
_AUTO = (
    "First a probe of each backbone, which you get in any case; then fine-tunings that differ in"
    " trained layers, learning rate and augmentation: many of them stopped early, the most"
    " promising ones trained to the end (successive halving). It chooses on the validation items,"
    " can be stopped and resumed, and its best model is an ordinary run."
)


def show(config: RunConfig, record: DatasetRecord) -> None:
    """The layers with an estimate of time and memory, or what happens in words."""
    recipe = config.recipe
    if recipe in ("probe", "finetune"):
        layers.show(config, record.classes)
        estimate.show(config)
    elif recipe == "ladder":
        st.caption(_LADDER)
    elif recipe == "auto":
        st.caption(_AUTO)
    else:
        st.markdown(sentence(config, record.modality))


def sentence(config: RunConfig, modality: str) -> str:
    """What learns and what stays, for recipes that draw no layers."""
    if config.recipe == "pretrain":
        how = "hidden words" if modality == TEXT.name else "two views of each item"
        return f"{_TRAINABLE} the whole backbone, from {how}; then a linear classifier"
    if config.recipe == "static_embeddings":
        tuned = config.options.get("vectors") == "tuned"
        rest = "" if tuned else f"   {_FROZEN} the vectors"
        return f"{_TRAINABLE} a small network that reads word vectors{rest}"
    if config.recipe == "baseline":
        return f"{_TRAINABLE} a linear classifier on {pages_of(modality).baseline_features}"
    return _SENTENCES[config.recipe]


def show_weights(config: RunConfig, info: VersionInfo) -> None:
    """The numbers behind the choice of class weights."""
    kind = str(config.options.get("class_weights", "none"))
    if config.recipe != "finetune" or kind == "none":
        return
    counts = {
        label: row["train"] for label, row in info.class_splits.items() if row.get("train", 0)
    }
    own = config.settings.custom_weights
    with problems.caught():
        weights = class_weights(list(counts.values()), kind, own)
    shown = list(zip(counts, weights, strict=True))[:_MOST_WEIGHTS]
    more = f" and {len(counts) - len(shown)} more" if len(counts) > len(shown) else ""
    st.caption(
        "Class weights in the loss: "
        + ", ".join(f"{plain(label)} {weight:.2g}×" for label, weight in shown)
        + more
    )
