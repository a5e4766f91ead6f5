"""Recipe `adapt`: a probe for another domain than the one that has the labels.

The steps, top to bottom: read both domains with the frozen backbone, measure how far they are
apart, fit the plain probe of the source and each way to adapt it, choose one without a label of the
target, fold it into one native model, prove that model. What is saved is the target's model: its
head reads the target's features as they come.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tl_core.adapt import choice
from tl_core.adapt.domain_classifier import measure_gap
from tl_core.backbones.backbone import Backbone
from tl_core.config import AdaptSettings, RunConfig
from tl_core.data.domains import TARGET, judging_rows
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import DataError
from tl_core.progress import Progress
from tl_core.recipes import probe
from tl_core.recipes.shared import common
from tl_core.recipes.shared.adapting import (
    PLAIN,
    RULES,
    Taken,
    adapt,
    choose,
    domain_facts,
    groups_of,
    judged,
    said,
    ways_of,
)
from tl_core.recipes.shared.common import Trained
from tl_core.recipes.shared.opening import open_for
from tl_core.train.probe.probing import probe as fit_plain
from tl_core.train.seeds import seed_everything
from tl_core.train.setup.across import few_items
from tl_core.train.setup.refusals import refuse_several_labels

JUDGES = "judges"  # rows by which the ways to adapt are compared


def train(
    config: RunConfig, version: DatasetVersion, folder: Path, cache: Path, progress: Progress
) -> Trained:
    """Train as `config` says; the model lands in `folder/model`. Neither test labels nor any label
    of the target are read.

    Raises:
        ConfigError: where items may have several labels, or for a backbone whose head has no bias
            with a way to adapt that needs one.
        DataError: when there is a single item of the target.
    """
    settings: AdaptSettings = config.settings
    _look_at_target(version, progress)
    space, clock = common.label_space(version), common.Clock()
    seed_everything(settings.seed)
    progress.stage("Opening the backbone", share=0.05)
    backbone = _open(config, version, space)
    ways = ways_of(settings, backbone.reference, has_bias=backbone.port.has_bias)
    for finding in backbone.check(version, version.rows_of("train")):
        progress.warn(finding)
    clock.mark("load")

    task = probe.probe_task(settings.probe, version, space, backbone, cache)
    task = replace(
        task, rows={**task.rows, TARGET: version.rows_of(TARGET), JUDGES: judging_rows(version)}
    )
    plain = fit_plain(task, progress, clock.mark)
    features = plain.features
    gap = measure_gap(features["train"], features[TARGET], settings.seed, groups_of(task, "train"))
    tried = {PLAIN: judged(PLAIN, plain.fit, features)}
    for name in ways[1:]:
        tried[name] = adapt(name, task, features, progress, settings)
    chosen = choose(tried, settings.choice) if settings.method == "auto" else settings.method
    clock.mark("fit")

    fit, cooled = probe.cool_head(tried[chosen].fit, task, settings.seed)
    test, parity = probe.save_and_prove(task, fit, features["test"], space, folder, progress)
    clock.mark("verify")
    models = [one.facts for one in tried.values()]
    return Trained(
        test,
        fit.held_out_rows,
        space.to_all(fit.held_out),
        fit.kind,
        settings={**settings.as_dict(), "c": fit.c, "selection": fit.kind, "used": chosen},
        timing=clock.seconds,
        facts={
            "sweep": fit.sweep,
            "parity": parity,
            "temperature": cooled,
            "domains": domain_facts(settings, version, gap, models, _taken(settings, chosen)),
            "model": probe.facts_of_model(backbone, fit),
        },
        yardstick=settings.baseline,
        balanced=settings.class_weights == "balanced",
        seed=settings.seed,
        alternatives={
            name: space.to_all(said(one.fit, features[JUDGES])) for name, one in tried.items()
        },
    )


def _look_at_target(version: DatasetVersion, progress: Progress) -> None:
    """Refuse one that cannot be adapted to, and tell of one that hardly can."""
    refuse_several_labels(version, "Adapting to another domain")
    if len(version.rows_of(TARGET)) == 1:
        raise DataError(
            "There is a single item of the target to adapt to.",
            "Neither its spread nor what it has in common with the source can be told from one.",
            "Bring more items of the target, with or without classes.",
        )
    for finding in few_items(len(version.rows_of(TARGET))):
        progress.warn(finding.as_dict())


def _open(config: RunConfig, version: DatasetVersion, space: common.LabelSpace) -> Backbone:
    """The backbone, with a head for the source's classes."""
    settings: AdaptSettings = config.settings
    backbone = open_for(
        version,
        config.backbone,
        space.model_names,
        seed=settings.seed,
        pooling=settings.pooling,
        max_length=settings.max_length,
        input_size=settings.input_size,
    )
    return backbone


def _taken(settings: AdaptSettings, chosen: str) -> Taken:
    """The way that was taken, and a warning where no label of the target had a say."""
    if settings.method != "auto":
        return Taken(chosen)
    return Taken(chosen, RULES[settings.choice], choice.WARNING)
