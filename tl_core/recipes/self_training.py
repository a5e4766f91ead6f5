"""Recipe `self_training`: a probe labels rows without a class as far as it is sure, and learns from
them.

The steps, top to bottom: open the backbone, read all rows with it (kept), fit the plain probe, go
through rounds of pseudo-labels, keep the best round by held-out rows, save and prove as every
probe; the plain probe stands beside it in the report.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tl_core.config import ProbeSettings, RunConfig, SelfTrainingSettings
from tl_core.data.versions.store import DatasetVersion
from tl_core.evaluate.report.schema import SelfTrainingFacts
from tl_core.progress import Progress
from tl_core.recipes import probe
from tl_core.recipes.shared import common
from tl_core.recipes.shared.beside import said_by
from tl_core.recipes.shared.common import Trained
from tl_core.recipes.shared.opening import open_for
from tl_core.train.probe.probing import probe as fit_probe
from tl_core.train.seeds import seed_everything
from tl_core.train.setup.refusals import refuse_several_labels
from tl_core.train.unlabelled.open_rows import OpenRows, need_unlabelled, open_rows
from tl_core.train.unlabelled.pseudo_labels import SelfTrained, Trust, self_train

PLAIN = "the plain probe"


def train(
    config: RunConfig, version: DatasetVersion, folder: Path, cache: Path, progress: Progress
) -> Trained:
    """Train as `config` says; the model lands in `folder/model`. Test labels are never read.

    Raises:
        DataError: where no row is without a class.
        ConfigError: where an item may have several.
    """
    settings: SelfTrainingSettings = config.settings
    space, clock = common.label_space(version), common.Clock()
    rows = open_rows(version)
    refuse_several_labels(version, "Self-training")
    need_unlabelled(rows, "Self-training")
    seed_everything(settings.seed)
    progress.stage("Opening the backbone", share=0.05)
    backbone = open_for(
        version,
        config.backbone,
        space.model_names,
        seed=settings.seed,
        max_length=settings.max_length,
    )
    for finding in backbone.check(version, rows.all):
        progress.warn(finding)
    clock.mark("load")
    task = probe.probe_task(_head_settings(settings), version, space, backbone, cache)
    task = replace(task, rows={**task.rows, "unlabelled": rows.unlabelled})
    plain = fit_probe(task, progress, clock.mark)
    progress.stage("Learning from its own answers", settings.rounds + 1, share=0.15)
    trust = Trust(settings.threshold, settings.rounds, settings.balanced)
    taught = self_train(task, plain.features, plain.fit, trust, progress)
    clock.mark("fit")
    trained = probe.save_fitted(
        task, replace(plain, fit=taught.fit), space, folder, progress, clock
    )
    trained.settings = {**settings.as_dict(), "c": plain.fit.c, "max_length": backbone.max_length}
    trained.facts["self_training"] = _facts(settings, rows, taught, space.model_names)
    trained.put_beside(PLAIN, said_by(task, plain, space))
    return trained


def _head_settings(settings: SelfTrainingSettings) -> ProbeSettings:
    """Of the probe that teaches itself: float32, so that its answers do not depend on the clock."""
    return ProbeSettings(
        class_weights=settings.class_weights,
        max_length=settings.max_length,
        precision="float32",
        repeats=0,
        baseline=settings.baseline,
        seed=settings.seed,
    )


def _facts(
    settings: SelfTrainingSettings, rows: OpenRows, taught: SelfTrained, names: list[str]
) -> SelfTrainingFacts:
    kept = taught.rounds[taught.kept]
    return {
        "rows": len(rows.unlabelled),
        "left_out": rows.left_out,
        "threshold": settings.threshold,
        "rounds": [
            {
                "round": one.number,
                "taken": int(one.labels.sum()),
                "accuracy": one.right / one.judged,
                "log_loss": one.log_loss,
            }
            for one in taught.rounds
        ],
        "kept_round": kept.number,
        "pseudo_labels": dict(zip(names, kept.labels.tolist(), strict=True)),
    }
