"""Recipe `zero_shot`: no labels at all; the backbone compares each item with words that describe
the classes.

For texts a sentence encoder reads both; for pictures CLIP or SigLIP does (Radford et al., 2021).
The words become the weights of an ordinary classifier, which is saved and then asked.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from tl_core.backbones.backbone import Backbone, save_classifier
from tl_core.backbones.classifier import load_classifier
from tl_core.backbones.word_head import word_head
from tl_core.config import RunConfig, ZeroShotSettings
from tl_core.data.versions.store import DatasetVersion
from tl_core.progress import Progress
from tl_core.recipes.shared import common
from tl_core.recipes.shared.common import Floats, Ints, LabelSpace, Trained
from tl_core.recipes.shared.opening import open_for
from tl_core.surgery import heads
from tl_core.train.items.item_training import read_inputs, training_of
from tl_core.train.probe.probing import spread
from tl_core.train.probe.wordings import wordings_of
from tl_core.train.seeds import seed_everything

_SAMPLE, _AT_ONCE = 256, 16  # training items that zero is found on, and how many go together


def train(
    config: RunConfig, version: DatasetVersion, folder: Path, cache: Path, progress: Progress
) -> Trained:
    """Turn words into a classifier; it lands in `folder/model`. No label of any split is read.

    Raises:
        BackboneError: for a picture backbone that knows no words.
        ConfigError: for words about a class that does not exist.
    """
    del cache
    settings: ZeroShotSettings = config.settings
    clock, modality = common.Clock(), version.info.modality
    space = LabelSpace(version.info.labels, list(range(len(version.info.labels))))
    seed_everything(settings.seed)
    wordings = wordings_of(space.names, modality, settings.template, settings.prompts)
    progress.stage("Opening the backbone", share=0.1)
    backbone = open_for(
        version,
        config.backbone,
        space.names,
        max_length=settings.max_length,
        pooling=training_of(modality).word_space or "auto",
    )
    clock.mark("load")
    weight, bias = word_head(backbone, wordings)
    heads.fold(backbone.model, backbone.port, weight, bias)
    if version.sets.several:
        weight, bias = _from_zero(weight, bias, backbone, version)
        heads.fold(backbone.model, backbone.port, weight, bias)
    save_classifier(backbone, folder / "model")
    clock.mark("fit")
    rows = {split: version.rows_of(split) for split in ("validation", "test")}
    said = _ask(folder / "model", version, rows, progress)
    clock.mark("predict")
    known = version.labels[rows["validation"]] >= 0
    return Trained(
        said["test"],
        rows["validation"][known],
        said["validation"][known],
        "split",
        settings={
            **settings.as_dict(),
            "pooling": backbone.pooling,
            "max_length": backbone.max_length,
        },
        timing=clock.seconds,
        facts={
            "wordings": dict(zip(space.names, wordings, strict=True)),
            "model": common.model_facts(
                backbone,
                trainable=0,
                total=common.parameters_of(backbone),
                weights=backbone.weights,
            ),
        },
        yardstick=settings.baseline,
        seed=settings.seed,
    )


def _from_zero(
    weight: Tensor, bias: Tensor, backbone: Backbone, version: DatasetVersion
) -> tuple[Tensor, Tensor]:
    """The head with logits of each class that average 0 and spread by 1 over training items.

    Cosines with words lie far from zero, and where each class is a yes or no, zero has to mean
    undecided. No label is read for it.
    """
    rows = version.rows_of("train")
    some = read_inputs(version, rows[spread(len(rows), _SAMPLE)])
    backbone.model.eval()
    with torch.inference_mode():
        parts = [
            backbone.model(**backbone.encode(some[start : start + _AT_ONCE])).logits
            for start in range(0, len(some), _AT_ONCE)
        ]
    logits = torch.cat(parts).cpu().to(weight.dtype)
    width = logits.std(dim=0).clamp(min=1e-6)
    return weight / width[:, None], (bias - logits.mean(dim=0)) / width


def _ask(
    model: Path, version: DatasetVersion, rows: dict[str, Ints], progress: Progress
) -> dict[str, Floats]:
    """What the saved classifier says of the rows of each split."""
    classifier = load_classifier(model)
    said = {}
    for split, places in rows.items():
        progress.stage(f"Reading {split} rows", len(places), share=0.4)
        said[split] = common.predict_rows(classifier, version, places, progress)
    return said
