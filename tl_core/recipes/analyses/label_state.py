"""A labelling as it stands: what had a class when it began, what has got one, what waits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from tl_core.data.labelling.population import population_of
from tl_core.data.labelling.rounds import History
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import DataError
from tl_core.labelling import draw
from tl_core.recipes.analyses.label_scores import Labels
from tl_core.train.arrays import Features, Ints


@dataclass(frozen=True)
class State:
    """A labelling as it stands. Rows are those of the version; none is of the test.

    Args:
        classes: all known, those of the version and those that people have added.
        before: rows that had a class when it began and may be learnt from.
        population: rows that had none, labelled meanwhile or not.
        given: class of rows of the population, in the order in which they were asked for.
        skipped: rows that people have passed over.
        sealed: rows of the population that became test rows: nothing is asked of them any more.
        least: rows, about, that may come to be drawn where there are few.
        past: earlier rounds.
        seed: of the order in which rows are drawn, settled by the first round.
    """

    classes: list[str]
    before: dict[int, str]
    population: Ints
    given: dict[int, str]
    skipped: set[int]
    past: History
    seed: int
    sealed: set[int] = field(default_factory=set)
    least: int = 0

    @property
    def done(self) -> set[int]:
        """Rows that nobody is asked about any more."""
        return self.skipped | set(self.given) | self.sealed

    @property
    def left(self) -> Ints:
        """Rows that wait for a class."""
        return self.population[~np.isin(self.population, [*self.done])]

    @cached_property
    def fair(self) -> Ints:
        """Rows that may be drawn for the score, in the order in which they are."""
        return draw.fair_order(self.population, self.seed, self.least)

    @cached_property
    def drawn(self) -> list[int]:
        """The rows drawn for the score that have been answered: labelled, or passed over."""
        return [int(row) for row in draw.sample(self.fair, self.past.drawn, self.done)]


def state_of(
    version: DatasetVersion,
    labels: Mapping[int, str],
    skipped: set[int],
    past: History,
    seed: int,
) -> State:
    """What the version, the labels given meanwhile and the earlier rounds say together; `seed`
    counts for the first round alone.

    Raises:
        DataError: where a row may have several labels, or none was without a class.
    """
    if version.sets.several:
        raise DataError(
            "Rows can only be proposed where an item has one class.",
            "Strategies and the honest score compare one class with the others.",
            "Label these items in any order, or bring data with one class an item.",
        )
    names, known = version.label_names(np.arange(len(version.labels))), version.labels >= 0
    learnt = version.rows_of("train", "validation")
    since = [row for row in np.intersect1d(past.labelled, learnt).tolist() if known[row]]
    # those that joined the test are not looked at any more; they keep their place in the order
    sealed = np.intersect1d(past.labelled, version.rows_of("test")).astype(np.int64)
    population = population_of(version, past)
    if not len(population):
        raise DataError(
            "Every row of this dataset has a class.",
            "There is nothing to propose.",
            "Add rows without a class, or look for wrong labels instead.",
        )
    own = set(population.tolist())
    made = {row: names[row] for row in since} | {
        row: label for row, label in labels.items() if row in own
    }
    asked = [row for one in past.rounds for row in one.rows if row in made]
    given = {row: made[row] for row in dict.fromkeys([*asked, *made])}
    before = {
        row: labels.get(row, names[row])
        for row in learnt.tolist()
        if row not in own and row not in skipped
    }
    classes = sorted({*version.info.labels, *given.values()})
    if past.rounds:
        seed = past.rounds[0].seed
    passed = skipped - set(given)
    least = draw.LEAST if version.info.labelled_here else 0
    gone = {*sealed.tolist()}
    return State(classes, before, population, given, passed, past, seed, gone, least)


def labels_among(state: State, rows: Ints, features: Features, groups: Ints) -> Labels:
    """The labels so far as places among `rows`, whose features were read."""
    numbers = {name: place for place, name in enumerate(state.classes)}
    labels = np.full(len(rows), -1, dtype=np.int64)
    for row, name in {**state.before, **state.given}.items():
        labels[np.searchsorted(rows, row)] = numbers[name]
    sample = [row for row in state.drawn if row in state.given]
    before, queue, drawn = (
        np.searchsorted(rows, np.array(some, dtype=np.int64))
        for some in ([*state.before], [*state.given], sample)
    )
    return Labels(features, groups, labels, before, queue, drawn, len(state.classes), state.seed)
