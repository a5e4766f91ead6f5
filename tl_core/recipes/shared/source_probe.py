"""A fine-tuning that is meant for another domain, beside the way that costs seconds: the plain
probe of the source. Both are asked about the same items of the target.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tl_core.adapt import choice
from tl_core.adapt.domain_classifier import Gap, measure_gap
from tl_core.backbones.classifier import load_classifier
from tl_core.config import FinetuneSettings, ProbeSettings
from tl_core.data.domains import TARGET, judging_rows
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import BackboneError, ConfigError, DataError
from tl_core.evaluate.report.schema import AdaptedModel
from tl_core.progress import Part, Progress
from tl_core.recipes.shared import common
from tl_core.recipes.shared.adapting import (
    PLAIN,
    Adapted,
    Taken,
    domain_facts,
    groups_of,
    judged,
    said,
)
from tl_core.recipes.shared.opening import open_for
from tl_core.train.arrays import Floats, Ints
from tl_core.train.probe.probing import ProbeTask, probe, spread

UNADAPTED = "unadapted"  # a fine-tuning that has read nothing of the target
JUDGES = "judges"
_ASKED = 2000  # rows of the target whose answers say how sure and consistent a network is


@dataclass(frozen=True)
class SourceProbe:
    """The plain probe of the source.

    Attributes:
        fitted: the head, and what is known of it without labels of the target.
        answers: its probabilities (rows, model classes) of the rows that judge.
        gap: between source and target, on its features.
    """

    fitted: Adapted
    answers: Floats
    gap: Gap | None


def items_read_beside(version: DatasetVersion) -> int:
    """How many items are read for the probe of the source, and by the network about the target."""
    target = version.rows_of(TARGET)
    if not len(target) or version.sets.several:
        return 0
    judges = judging_rows(version)
    own = len(version.rows_of("train", "validation")) + len(target) + len(judges)
    again = 0 if np.array_equal(judges, version.rows_of("test")) else len(judges)
    return own + again + min(len(target), _ASKED)


def probe_of_source(
    settings: FinetuneSettings,
    reference: str,
    version: DatasetVersion,
    space: common.LabelSpace,
    cache: Path,
    progress: Progress,
) -> SourceProbe | None:
    """A logistic regression on frozen features of the source, as `settings` read items; None where
    the version has no target, items may have several labels, or no probe can be fitted.
    """
    if not len(version.rows_of(TARGET)) or version.sets.several:
        return None
    progress = Part(progress, "Plain probe", 1.0, first=False)
    progress.stage("Opening the backbone", share=0.02)
    backbone = open_for(
        version,
        reference,
        space.model_names,
        seed=settings.seed,
        pooling=settings.pooling,
        max_length=settings.max_length,
        input_size=settings.input_size,
    )
    # chosen by the rows by which the network's states are
    own = ProbeSettings(
        precision="float32", selection="validation", repeats=0, baseline=False, seed=settings.seed
    )
    rows = {
        "train": version.rows_of("train"),
        "validation": version.rows_of("validation"),
        TARGET: version.rows_of(TARGET),
        JUDGES: judging_rows(version),
    }
    labels = space.to_model(version.targets)
    task = ProbeTask(own, version, rows, backbone, cache, labels, len(space.kept))
    try:
        plain = probe(task, progress, share=0.08)
    except (BackboneError, ConfigError, DataError) as error:  # which a fine-tuning need not mind
        progress.log(f"It cannot be fitted, so nothing stands beside the network. {error}")
        return None
    return SourceProbe(
        judged(PLAIN, plain.fit, plain.features),
        said(plain.fit, plain.features[JUDGES]),
        measure_gap(
            plain.features["train"], plain.features[TARGET], settings.seed, groups_of(task, "train")
        ),
    )


def set_beside(
    trained: common.Trained,
    plain: SourceProbe,
    settings: FinetuneSettings,
    version: DatasetVersion,
    space: common.LabelSpace,
    model: Path,
    progress: Progress,
) -> None:
    """Give a fine-tuning the report's section about its target, with the probe beside it.

    Args:
        trained: what the fine-tuning has left so far.
        plain: the probe of the source.
        settings: of the fine-tuning.
        version: as the training has seen it.
        space: the classes of the model among those of the version.
        model: the saved folder, which is asked.
        progress: told about the reading.
    """
    name = UNADAPTED if settings.adaptation == "none" else settings.adaptation
    judges, tests = judging_rows(version), version.rows_of("test")
    answers = trained.test
    if not np.array_equal(judges, tests):
        answers = space.to_all(_ask(model, version, judges, progress))
    trained.alternatives = {PLAIN: space.to_all(plain.answers), name: answers}
    models = [plain.fitted.facts, _without_labels(trained, version, model, name, progress)]
    trained.facts["domains"] = domain_facts(settings, version, plain.gap, models, Taken(name))


def _without_labels(
    trained: common.Trained, version: DatasetVersion, model: Path, name: str, progress: Progress
) -> AdaptedModel:
    """What can be said of the network without labels of the target."""
    target = version.rows_of(TARGET)
    answers = _ask(model, version, target[spread(len(target), _ASKED)], progress)
    held = version.targets[trained.validation_rows]
    right = trained.validation.argmax(axis=1) == held
    return {
        "method": name,
        "density": choice.soft_neighbourhood_density(answers),
        "entropy": choice.prediction_entropy(answers),
        "source": float(right[held >= 0].mean()) if (held >= 0).any() else 0.0,
    }


def _ask(model: Path, version: DatasetVersion, rows: Ints, progress: Progress) -> Floats:
    """Probabilities (rows, model classes) by the saved folder."""
    progress.stage("Reading items of the target with the new model", len(rows), share=0.02)
    return common.predict_rows(load_classifier(model), version, rows, progress)
