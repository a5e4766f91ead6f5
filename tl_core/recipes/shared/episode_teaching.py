"""What earlier datasets teach: all methods learn over the same episodes, are judged on the same
held-out classes, and one of the linear ones is taken.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from tl_core.config import FastAdaptationSettings, ProbeSettings
from tl_core.evaluate.report.schema import EpisodeSection
from tl_core.evaluate.scores.episode_scores import PROBE, judge_methods, sentence_of
from tl_core.progress import Progress
from tl_core.train.arrays import Floats
from tl_core.train.episodes.learners import (
    Anil,
    EpisodeReading,
    LinearLearner,
    Maml,
    Prototypes,
    TaskLearner,
)
from tl_core.train.episodes.meta_training import (
    OuterLoop,
    accuracies,
    choose_penalty,
    choosing_episodes,
    mean_accuracy,
    meta_train,
    probe_accuracies,
)
from tl_core.train.episodes.sampling import ClassSet, EpisodeShape, Parts, draw_many, split_classes
from tl_core.train.episodes.source_sets import count_classes

_NAMES = {"prototypes": "prototypes", "anil": "ANIL"}  # of the settings, in the report


@dataclass(frozen=True)
class Taught:
    """The learner that was taken, how it reads features, and what the report tells of it."""

    learner: LinearLearner
    reading: EpisodeReading
    section: EpisodeSection


def teach(settings: FastAdaptationSettings, sets: list[ClassSet], progress: Progress) -> Taught:
    """All learners taught over the same episodes and judged on the same held-out classes, those to
    learn from where too few were there to keep any aside; taken is the one that was asked for, else
    the better linear one on the classes to choose by.
    """
    parts = split_classes(sets, settings.seed)
    reading = EpisodeReading.of(parts.learn)
    shape = EpisodeShape(settings.ways, settings.shots)
    loop = OuterLoop(shape, settings.steps, settings.rate, settings.seed)
    learners = _learners(settings, reading.width)
    for name, learner in learners.items():
        progress.stage(f"Learning over episodes: {name}", settings.steps, share=0.1)
        meta_train(learner, reading, parts, loop, progress)
    choosing = choosing_episodes(parts, loop)
    linear = {name: one for name, one in learners.items() if isinstance(one, LinearLearner)}
    scores = {name: mean_accuracy(one, reading, choosing) for name, one in linear.items()}
    taken = max(scores, key=lambda name: scores[name])
    if settings.method != "auto":
        taken = _NAMES[settings.method]
    section = _judge(settings, parts, reading, learners, taken, progress)
    return Taught(linear[taken], reading, section)


def _learners(settings: FastAdaptationSettings, width: int) -> dict[str, TaskLearner]:
    """The methods by their names in the report, each as it begins."""
    torch.manual_seed(settings.seed)
    steps = settings.inner_steps
    found: dict[str, TaskLearner] = {"prototypes": Prototypes(width), "ANIL": Anil(width, steps)}
    if settings.maml:
        for name, first in (("first-order MAML", True), ("MAML", False)):
            torch.manual_seed(settings.seed)  # both begin alike
            found[name] = Maml(width, settings.hidden, steps, first_order=first)
    return found


def _judge(
    settings: FastAdaptationSettings,
    parts: Parts,
    reading: EpisodeReading,
    learners: dict[str, TaskLearner],
    taken: str,
    progress: Progress,
) -> EpisodeSection:
    """What the report tells of the episodes."""
    shape = EpisodeShape(settings.ways, settings.shots)
    judged = parts.judge or parts.learn
    episodes = draw_many(judged, shape, settings.episodes, settings.seed + 2)
    progress.stage("Judging on held-out classes", len(learners), share=0.05)
    c = choose_penalty(parts, shape, ProbeSettings().c_values, settings.seed)
    found: dict[str, Floats] = {PROBE: probe_accuracies(episodes, c, settings.seed)}
    for number, (name, learner) in enumerate(learners.items(), 1):
        found[name] = accuracies(learner, reading, episodes)
        progress.batch(number, len(learners))
    methods = judge_methods(found, settings.seed)
    sentence = sentence_of(methods, taken, len(episodes))
    if not parts.judge:
        sentence = (
            "Too few classes for any to be held out: these scores are of classes that were learnt"
            f" from. {sentence}"
        )
    progress.log(sentence)
    return {
        "sources": [one.name for one in parts.learn],
        "classes": [count_classes(part) for part in (parts.learn, parts.choose, parts.judge)],
        "ways": float(np.mean([one.ways for one in episodes])),
        "shots": settings.shots,
        "episodes": len(episodes),
        "chance": float(np.mean([1 / one.ways for one in episodes])),
        "methods": methods,
        "taken": taken,
        "sentence": sentence,
    }
