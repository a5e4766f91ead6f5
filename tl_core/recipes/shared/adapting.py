"""Ways to take a probe to another domain, on features alone: each gives a head on the target's raw
features, and what can be said of it without a label of the target.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tl_core.adapt import choice
from tl_core.adapt.alignments import Alignment, coral, standardise, subspace
from tl_core.adapt.domain_classifier import density_ratio
from tl_core.config import AdaptSettings
from tl_core.config.frozen import WAYS_TO_ADAPT
from tl_core.data.domains import TARGET, judging_rows
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import ConfigError
from tl_core.evaluate.compare import compare
from tl_core.evaluate.report.schema import AdaptedModel
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
        ratio = density_ratio(source, features[TARGET], settings.seed)
        weighted = judged(name, task.fit(features, progress, ratio.weights), features)
        weighted.facts["effective"] = ratio.effective
        return weighted
    maps = _aligned(name, source, features[TARGET], settings.dimensions)
    mapped = {split: maps.source(features[split]) for split in ("train", "validation")}
    fit = task.fit(mapped, progress)
    weight, bias = maps.target.fold(fit.weight, fit.bias)
    return judged(name, replace(fit, weight=weight, bias=bias), features)


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
        names = ("The adapted probe", "the plain probe of the source")
        told["gain"] = compare(
            right[told["chosen"]], right[PLAIN], items_of(version.info.modality), names
        )
