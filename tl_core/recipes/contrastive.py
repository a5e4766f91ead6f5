"""Recipe `contrastive`: a sentence encoder is tuned on pairs of texts, then a probe is fitted on
it.

The steps, top to bottom: open the encoder with mean pooling, tune it on pairs of training texts,
fit logistic regression on its new features (chosen on the validation rows, which the encoder has
not seen), save and prove as every probe.
"""

from __future__ import annotations

from pathlib import Path

from tl_core.backbones.sources.model_folder import state_hash
from tl_core.config import ContrastiveSettings, ProbeSettings, RunConfig
from tl_core.data.versions.store import DatasetVersion
from tl_core.modalities.text import TEXT
from tl_core.progress import Progress
from tl_core.recipes import probe
from tl_core.recipes.shared import common
from tl_core.recipes.shared.common import Trained
from tl_core.recipes.shared.opening import open_for
from tl_core.train.features.tokens import TextExamples, tokenize
from tl_core.train.loop.pair_tuning import pull_apart
from tl_core.train.seeds import seed_everything
from tl_core.train.setup.refusals import refuse_items_but


def train(
    config: RunConfig, version: DatasetVersion, folder: Path, cache: Path, progress: Progress
) -> Trained:
    """Train as `config` says; the model lands in `folder/model`. Test labels are never read.

    Raises:
        DataError: for pictures.
    """
    settings: ContrastiveSettings = config.settings
    space, clock = common.label_space(version), common.Clock()
    rows = version.rows_of("train")
    refuse_items_but(TEXT, version, "Pairs of texts need")
    seed_everything(settings.seed)
    progress.stage("Opening the backbone", share=0.05)
    backbone = open_for(
        version,
        config.backbone,
        space.model_names,
        seed=settings.seed,
        pooling="mean",
        max_length=settings.max_length,
    )
    for finding in backbone.check(version, rows):
        progress.warn(finding)
    clock.mark("load")

    progress.stage("Training the encoder on pairs", share=0.6)
    examples = TextExamples(
        tokenize(version, rows, backbone, cache),
        space.to_model(version.targets)[rows],
        int(backbone.processor.pad_token_id),
    )
    tuning = pull_apart(backbone, examples, settings, progress)
    progress.log(
        f"The encoder has seen {tuning['pairs']:,} of {tuning['possible']:,} possible pairs."
    )
    backbone.altered = state_hash(backbone.model)
    clock.mark("fit")

    task = probe.probe_task(_head_settings(settings), version, space, backbone, cache)
    trained = probe.fit_and_save(task, space, folder, progress, clock)
    trained.settings = {
        **settings.as_dict(),
        "c": trained.settings["c"],
        "max_length": backbone.max_length,
    }
    trained.facts["contrastive"] = tuning
    trained.facts["model"]["trainable_parameters"] += sum(
        parameter.numel() for parameter in backbone.model.parameters() if parameter.requires_grad
    )
    return trained


def _head_settings(settings: ContrastiveSettings) -> ProbeSettings:
    """Of the probe that reads the tuned encoder."""
    return ProbeSettings(
        class_weights=settings.class_weights,
        max_length=settings.max_length,
        selection="validation",
        pooling="mean",
        precision="float32",
        repeats=0,
        baseline=settings.baseline,
        seed=settings.seed,
    )
