"""Recipe `zero_shot`: no labels at all; the backbone compares each item with words that describe
the classes.

For texts a sentence encoder reads both; for pictures CLIP or SigLIP does (Radford et al., 2021).
The words become the weights of an ordinary classifier, which is saved and then asked.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tl_core.config import RunConfig, ZeroShotSettings
from tl_core.data.store import DatasetVersion
from tl_core.models import heads, joint
from tl_core.models.backbones import load_backbone, save_classifier
from tl_core.models.classifier import load_classifier
from tl_core.progress import Progress
from tl_core.recipes import common
from tl_core.recipes.common import LabelSpace, Trained
from tl_core.settings import read_settings
from tl_core.train.seeds import seed_everything
from tl_core.train.wordings import wordings_of


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
    rows = {split: version.rows_of(split) for split in ("validation", "test")}
    seed_everything(settings.seed)
    said = wordings_of(space.names, modality, settings.template, settings.prompts)
    progress.stage("Opening the backbone", share=0.1)
    backbone = load_backbone(
        config.backbone,
        space.names,
        read_settings(),
        max_length=settings.max_length,
        pooling=joint.KIND if modality == "image" else "auto",
    )
    common.refuse_other_modality(backbone, version)
    clock.mark("load")
    weight, bias = joint.word_head(backbone, said)
    heads.fold(backbone.model, backbone.port, weight, bias)
    save_classifier(backbone, folder / "model")
    clock.mark("fit")
    classifier = load_classifier(folder / "model")
    found = {}
    for split in rows:
        progress.stage(f"Reading {split} rows", len(rows[split]), share=0.4)
        found[split] = common.predict_rows(classifier, version, rows[split], progress)
    clock.mark("predict")
    known = version.labels[rows["validation"]] >= 0
    return Trained(
        np.asarray(found["test"]),
        rows["validation"][known],
        found["validation"][known],
        "split",
        settings={
            **settings.as_dict(),
            "pooling": backbone.pooling,
            "max_length": backbone.max_length,
        },
        timing=clock.seconds,
        facts={
            "wordings": dict(zip(space.names, said, strict=True)),
            "model": {
                "trainable_parameters": 0,
                "total_parameters": sum(p.numel() for p in backbone.model.parameters()),
                "family": backbone.family,
                "device": str(next(backbone.model.parameters()).device),
                "weights_sha256": backbone.weights,
                "processor": type(backbone.processor).__name__,
                "notes": backbone.notes,
            },
        },
        yardstick=settings.baseline,
        seed=settings.seed,
    )
