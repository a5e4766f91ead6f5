"""The outer loop: a learner goes through many episodes, and the state that does best on classes
kept for choosing is kept.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from tl_core.progress import Progress
from tl_core.train.arrays import Floats
from tl_core.train.episodes.learners import EpisodeReading, TaskLearner
from tl_core.train.episodes.sampling import Episode, EpisodeShape, Parts, draw, draw_many
from tl_core.train.probe.linear_probe import fit_and_judge
from tl_core.train.probe.logistic import Head

_TOGETHER = 4  # episodes of a step
_CHOSEN_BY, _LOOKS = 40, 6  # episodes that choose a state, and how often they are asked
_LONGEST_GRADIENT = 5.0
AnyLearner = TypeVar("AnyLearner", bound=TaskLearner)


@dataclass(frozen=True)
class OuterLoop:
    """How a learner learns over episodes: the episodes' shape, steps, their rate, and the seed."""

    shape: EpisodeShape
    steps: int
    rate: float
    seed: int


def meta_train(
    learner: AnyLearner,
    reading: EpisodeReading,
    parts: Parts,
    loop: OuterLoop,
    progress: Progress,
) -> AnyLearner:
    """The learner in its best state, which may be the first one: that of the plain method.

    The best is the one with the highest accuracy over episodes of the classes to choose by, those
    to learn from where none were kept; the earliest of equals.
    """
    random = np.random.default_rng(loop.seed)
    choosing = choosing_episodes(parts, loop)
    optimiser = torch.optim.Adam(learner.parameters(), lr=loop.rate)
    best, best_state = mean_accuracy(learner, reading, choosing), _state(learner)
    every = max(1, loop.steps // _LOOKS)
    for step in range(1, loop.steps + 1):
        optimiser.zero_grad()
        drawn = [draw(parts.learn, loop.shape, random) for _ in range(_TOGETHER)]
        losses = [
            functional.cross_entropy(logits.flatten(0, 1), some.query_labels.flatten())
            * (len(some.places) / _TOGETHER)
            for some, logits in _answered(learner, reading, drawn)
        ]
        torch.autograd.backward(torch.stack(losses).sum())
        nn.utils.clip_grad_norm_(learner.parameters(), _LONGEST_GRADIENT)
        optimiser.step()
        if step % every == 0 or step == loop.steps:
            found = mean_accuracy(learner, reading, choosing)
            if found > best:
                best, best_state = found, _state(learner)
            progress.batch(step, loop.steps)
    learner.load_state_dict(best_state)
    return learner


def choosing_episodes(parts: Parts, loop: OuterLoop) -> list[Episode]:
    """Those by which states and methods are chosen: of classes kept for it, else of those to learn
    from.
    """
    return draw_many(parts.choose or parts.learn, loop.shape, _CHOSEN_BY, loop.seed + 1)


def accuracies(
    learner: TaskLearner, reading: EpisodeReading, episodes: Sequence[Episode]
) -> Floats:
    """Accuracy on each episode (episodes,)."""
    found = np.zeros(len(episodes))
    with torch.no_grad():
        for some, logits in _answered(learner, reading, episodes):
            right = logits.argmax(dim=2) == some.query_labels
            found[some.places] = right.double().mean(dim=1).numpy()
    return found


def mean_accuracy(
    learner: TaskLearner, reading: EpisodeReading, episodes: Sequence[Episode]
) -> float:
    """The mean of `accuracies`."""
    return float(accuracies(learner, reading, episodes).mean())


def probe_accuracies(episodes: Sequence[Episode], c: float, seed: int) -> Floats:
    """Accuracy (episodes,) of a probe that is fitted on each episode from zero."""
    found = []
    for episode in episodes:
        head = Head(None, True, episode.ways, seed, c)
        said = fit_and_judge(episode.support, episode.support_labels, episode.query, head)
        found.append(float((said.argmax(axis=1) == episode.query_labels).mean()))
    return np.array(found)


def choose_penalty(
    parts: Parts, shape: EpisodeShape, c_values: Sequence[float], seed: int
) -> float:
    """The penalty of the probe that does best on the episodes by which the learners are chosen."""
    episodes = draw_many(parts.choose or parts.learn, shape, _CHOSEN_BY, seed + 1)
    scores = [probe_accuracies(episodes, c, seed).mean() for c in c_values]
    return float(c_values[int(np.argmax(scores))])


@dataclass(frozen=True)
class _Alike:
    """Episodes of one shape, computed together: their places among all, and what they hold
    (episodes, rows, ...).
    """

    places: list[int]
    support: Tensor
    support_labels: Tensor
    query: Tensor
    query_labels: Tensor
    ways: int


def _answered(
    learner: TaskLearner, reading: EpisodeReading, episodes: Sequence[Episode]
) -> Iterator[tuple[_Alike, Tensor]]:
    """Logits (episodes, rows, ways) of the items that episodes ask about, those of one shape
    together (`torch.func.vmap`).
    """
    shapes: dict[tuple[int, int, int], list[int]] = {}
    for place, one in enumerate(episodes):
        shapes.setdefault((one.ways, len(one.support), len(one.query)), []).append(place)
    for (ways, _, _), places in shapes.items():
        some = [episodes[place] for place in places]
        alike = _Alike(
            places,
            torch.stack([reading.read(one.support) for one in some]),
            torch.from_numpy(np.stack([one.support_labels for one in some])),
            torch.stack([reading.read(one.query) for one in some]),
            torch.from_numpy(np.stack([one.query_labels for one in some])),
            ways,
        )

        def learn(support: Tensor, labels: Tensor, query: Tensor, ways: int = ways) -> Tensor:
            return learner.logits(support, labels, query, ways)

        logits: Tensor = torch.func.vmap(learn)(alike.support, alike.support_labels, alike.query)
        yield alike, logits


def _state(learner: nn.Module) -> dict[str, Tensor]:
    return copy.deepcopy(learner.state_dict())
