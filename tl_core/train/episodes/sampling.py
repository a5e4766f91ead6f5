"""Episodes: small tasks drawn from datasets that are there already (N classes, K labels each)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tl_core.data.checks.class_names import alike_key
from tl_core.train.arrays import Features, Ints

_JUDGED, _CHOOSING = 0.3, 0.25  # shares of the classes; the second one of what the first leaves
_SPLITTABLE = 4  # classes from which two can be kept aside and two are left


@dataclass(frozen=True)
class EpisodeShape:
    """Classes of an episode, labels that each comes with, and items of each to be judged by.

    Where a dataset has fewer classes, its episodes have all of them.
    """

    ways: int = 5
    shots: int = 5
    queries: int = 10


@dataclass(frozen=True)
class ClassSet:
    """A dataset as a source of episodes.

    Args:
        name: of the dataset.
        features: (rows, width).
        labels: a class number for each row (rows,); -1 for rows that are not used.
        classes: the numbers that episodes may be made of.
        called: what the number of a class is called; equal ones of several sets are one class.
    """

    name: str
    features: Features
    labels: Ints
    classes: tuple[int, ...]
    called: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, name: str, features: Features, labels: Ints, shots: int, called: Sequence[str] = ()
    ) -> ClassSet:
        """A dataset with those of its classes that have a row more than an episode takes."""
        counts = np.bincount(labels[labels >= 0])
        usable = tuple(np.flatnonzero(counts > shots).tolist())
        return cls(name, features, labels, usable, tuple(map(alike_key, called)))

    def key(self, number: int) -> str:
        """What tells a class from those of all sets."""
        return self.called[number] if self.called else f"{self.name}/{number}"


@dataclass(frozen=True)
class Parts:
    """Class sets that share no class: to learn from, to choose by, to judge by."""

    learn: list[ClassSet]
    choose: list[ClassSet]
    judge: list[ClassSet]


@dataclass(frozen=True)
class Episode:
    """A task: a few labelled items, and others to be judged by; labels are 0 to ways - 1."""

    support: Features
    support_labels: Ints
    query: Features
    query_labels: Ints
    ways: int
    source: str


def split_classes(sets: Sequence[ClassSet], seed: int) -> Parts:
    """The classes of each set in three parts; a set of too few goes wholly to those to learn from.

    Three in ten classes, at least two, judge; of the others a quarter, at least two, choose, where
    two are left to learn from. A class that an earlier set has as well goes where it is there, else
    it would be learnt from in one dataset and judge in another.
    """
    random = np.random.default_rng(seed)
    parts, placed = Parts([], [], []), dict[str, int]()
    places = (parts.learn, parts.choose, parts.judge)
    for one in sets:
        order = random.permutation(one.classes).tolist()
        own: list[list[int]] = [[], [], []]
        for number in order:
            if one.key(number) in placed:
                own[placed[one.key(number)]].append(number)
        order = [number for number in order if one.key(number) not in placed]
        for share, place in ((_JUDGED, 2), (_CHOOSING, 1)):
            if len(order) < _SPLITTABLE:
                break
            count = min(max(2, round(share * len(order))), len(order) - 2)
            own[place] += order[:count]
            order = order[count:]
        own[0] += order
        for place, numbers in enumerate(own):
            placed |= {one.key(number): place for number in numbers}
            if len(numbers) > 1:
                places[place].append(replace(one, classes=tuple(sorted(numbers))))
    return parts


def draw(sets: Sequence[ClassSet], shape: EpisodeShape, random: np.random.Generator) -> Episode:
    """An episode from one of the sets, which is drawn by its number of classes."""
    weights = np.array([len(one.classes) for one in sets], dtype=np.float64)
    source = sets[int(random.choice(len(sets), p=weights / weights.sum()))]
    ways = min(shape.ways, len(source.classes))
    support, query, given, asked = [], [], [], []
    for number, label in enumerate(random.choice(source.classes, ways, replace=False)):
        rows = random.permutation(np.flatnonzero(source.labels == label))
        some, rest = rows[: shape.shots], rows[shape.shots : shape.shots + shape.queries]
        support.append(some)
        query.append(rest)
        given += [number] * len(some)
        asked += [number] * len(rest)
    return Episode(
        np.asarray(source.features[np.concatenate(support)], dtype=np.float32),
        np.array(given, dtype=np.int64),
        np.asarray(source.features[np.concatenate(query)], dtype=np.float32),
        np.array(asked, dtype=np.int64),
        ways,
        source.name,
    )


def draw_many(
    sets: Sequence[ClassSet], shape: EpisodeShape, count: int, seed: int
) -> list[Episode]:
    """The same episodes for each seed, so that all ways to learn are judged on the same ones."""
    random = np.random.default_rng(seed)
    return [draw(sets, shape, random) for _ in range(count)] if sets else []
