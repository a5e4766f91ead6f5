"""Ways to take a probe to another domain, on features alone: each gives a head on the target's raw
features, and what can be said of it without a label of the target. And what a report says of any
model that is meant for another domain.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tl_core.adapt import choice
from tl_core.adapt.alignments import Alignment, coral, standardise, subspace
from tl_core.adapt.domain_classifier import Gap, Groups, density_ratio
from tl_core.config import AdaptSettings
from tl_core.config.domains import UNLABELLED, KnowsDomains
from tl_core.config.frozen import WAYS_TO_ADAPT
from tl_core.data.domains import TARGET, TARGET_TEST, judging_rows, tested_on_target
from tl_core.data.overlays.joined import JoinedVersion
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import ConfigError
from tl_core.evaluate.compare import compare
from tl_core.evaluate.report.schema import AdaptedModel, DomainFacts
from tl_core.evaluate.report.sections import baseline_score
from tl_core.evaluate.tasks.task_evaluation import task_evaluation_of
from tl_core.modalities import items_of
from tl_core.progress import Progress
from tl_core.recipes.shared.common import Trained
from tl_core.tasks import Decision
from tl_core.train.arrays import Features, Floats
from tl_core.train.probe.linear_probe import ProbeFit
from tl_core.train.probe.logistic import probabilities_of_logits
from tl_core.train.probe.probing import ProbeTask

PLAIN = "none"  # the probe of the source as it is
RULES = {
    "snd": "the highest soft neighbourhood density on the target",
    "entropy": "the least entropy of the answers on the target",
}
_BIASED = ("standardise", "subspace")  # fold a mean of the target into the bias of the head
Split = dict[str, Features]


@dataclass(frozen=True)
class Adapted:
    """A head on the target's raw features, and what is known of it without the target's labels."""

    fit: ProbeFit
    facts: AdaptedModel


@dataclass(frozen=True)
class Taken:
    """The model that was kept, by which rule, and what to warn of."""

    name: str
    rule: str = "as set"
    warning: str = ""


def ways_of(settings: AdaptSettings, backbone: str, *, has_bias: bool) -> list[str]:
    """The ways that are tried, the plain probe among them.

    Raises:
        ConfigError: for a backbone whose head cannot take in the one that is wanted.
    """
    wanted = WAYS_TO_ADAPT if settings.method == "auto" else (settings.method,)
    usable = [one for one in wanted if has_bias or one not in _BIASED]
    if not usable:
        raise ConfigError(
            f"The head of {backbone} has no bias.",
            f"{settings.method.capitalize()} moves the mean of the target, which lands there.",
            "Set method to coral or weights, or choose another backbone.",
        )
    return list(dict.fromkeys((PLAIN, *usable)))


def adapt(
    name: str,
    task: ProbeTask,
    features: Split,
    progress: Progress,
    settings: AdaptSettings,
) -> Adapted:
    """A probe on the source's features as this way changes or weighs them, taken back to raw
    features of the target.

    Args:
        name: of `config.frozen.WAYS_TO_ADAPT`.
        task: with the rows and labels of `train` and `validation`, which are the source's.
        features: of these and of `target`.
        progress: told after each C.
        settings: of the recipe: its seed, and the dimensions of a subspace.
    """
    if name == PLAIN:
        return judged(name, task.fit(features, progress), features)
    source = np.concatenate([features["train"], features["validation"]])
    if name == "weights":
        groups = groups_of(task, "train", "validation")
        ratio = density_ratio(source, features[TARGET], settings.seed, groups)
        weighted = judged(name, task.fit(features, progress, ratio.weights), features)
        weighted.facts["effective"] = ratio.effective
        return weighted
    maps = _aligned(name, source, features[TARGET], settings.dimensions)
    mapped = {split: maps.source(features[split]) for split in ("train", "validation")}
    fit = task.fit(mapped, progress)
    weight, bias = maps.target.fold(fit.weight, fit.bias)
    return judged(name, replace(fit, weight=weight, bias=bias), features)


def groups_of(task: ProbeTask, *splits: str) -> Groups:
    """The groups of the rows of these splits of the source, and of those of the target."""
    source = np.concatenate([task.rows[split] for split in splits])
    groups = task.version.groups
    return groups[source], groups[task.rows[TARGET]]


def _aligned(name: str, source: Features, target: Features, dimensions: int) -> Alignment:
    if name == "subspace":
        return subspace(source, target, dimensions)
    return standardise(source, target) if name == "standardise" else coral(source, target)


def judged(name: str, fit: ProbeFit, features: Split) -> Adapted:
    """What can be said of a head without the target's labels."""
    answers = said(fit, features[TARGET])
    best = min(fit.sweep, key=lambda point: point["log_loss"])
    return Adapted(
        fit,
        {
            "method": name,
            "density": choice.soft_neighbourhood_density(answers),
            "entropy": choice.prediction_entropy(answers),
            "source": best["accuracy"],
            "c": fit.c,
        },
    )


def said(fit: ProbeFit, features: Features) -> Floats:
    """Probabilities (rows, classes) by a head on raw features."""
    return probabilities_of_logits(features @ fit.weight.T + fit.bias)


def choose(tried: dict[str, Adapted], rule: str) -> str:
    """The way that a rule of `RULES` takes."""
    if rule == "entropy":
        return min(tried, key=lambda name: tried[name].facts["entropy"])
    return max(tried, key=lambda name: tried[name].facts["density"])


def domain_facts(
    settings: KnowsDomains,
    version: DatasetVersion,
    gap: Gap | None,
    models: list[AdaptedModel],
    taken: Taken,
) -> DomainFacts:
    """The section `domains` of a report, without what the judging rows say.

    Args:
        settings: that name source and target.
        version: as the training has seen it.
        gap: between the two.
        models: the plain probe of the source first.
        taken: which of them, and how.
    """
    noun, source = items_of(version.info.modality), settings.source_domain or "the source"
    target = _target(settings)
    within = tested_on_target(version, settings)
    beside = bool(len(version.rows_of(TARGET_TEST)))
    if within:
        judged_by = f"it is judged by {noun} of that domain which it has not read"
    elif beside:
        judged_by = (
            f"its scores are about {noun} of the source, the ways to adapt are compared on labelled"
            f" {noun} of the target which none has read{_left_out(version)}"
        )
    else:
        judged_by = (
            f"no labelled validation or test {noun} are among these{_left_out(version)}, so it is"
            f" judged by {noun} of the source, which cannot tell how it does there"
        )
    return {
        "column": settings.domain_column,
        "source": settings.source_domain,
        "target": settings.target_dataset or settings.target_domain,
        "source_items": len(version.rows_of("train")),
        "target_items": len(version.rows_of(TARGET)),
        "judged_by_target": within or beside,
        "tested_on": "target" if within else "source",
        "gap": gap.facts((source, target), noun) if gap else None,
        "models": models,
        "chosen": taken.name,
        "rule": taken.rule,
        "warning": taken.warning,
        "sentence": f"The saved model is meant for {target}; {judged_by}.",
    }


def _left_out(version: DatasetVersion) -> str:
    """How many could not judge, in a clause; empty where all could."""
    left = version.left_out if isinstance(version, JoinedVersion) else 0
    return f" ({left:,} that are copies of what is learnt from do not count)" if left else ""


def _target(settings: KnowsDomains) -> str:
    """What the model is meant for, in words."""
    if settings.target_dataset:
        return f"the dataset {settings.target_dataset}"
    without = settings.target_domain == UNLABELLED
    return "the items without a class" if without else settings.target_domain


def judge_alternatives(version: DatasetVersion, trained: Trained, decision: Decision) -> None:
    """Put what the test rows say of every way that was tried into the facts of an adaptation, and
    what the chosen one gains on the plain probe of the source.
    """
    told = trained.facts.get("domains")
    if told is None:
        return
    truth = version.targets[judging_rows(version)]
    evaluation = task_evaluation_of(version.info.task)
    right = {
        name: evaluation.correct(truth, answers, decision)
        for name, answers in trained.alternatives.items()
    }
    for model in told["models"]:
        model["test"] = baseline_score(right[model["method"]])["accuracy"]
    if told["chosen"] != PLAIN:
        own = "The adapted probe" if told["chosen"] in WAYS_TO_ADAPT else "The fine-tuned network"
        names = (own, "the plain probe of the source")
        told["gain"] = compare(
            right[told["chosen"]], right[PLAIN], items_of(version.info.modality), names
        )
