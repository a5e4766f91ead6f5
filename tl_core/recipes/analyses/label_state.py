"""A labelling as it stands: what had a class when it began, what has got one, what waits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain

import numpy as np

from tl_core.data.cells.label_lists import LIST, parts_of
from tl_core.data.labelling.population import population_of
from tl_core.data.labelling.rounds import History
from tl_core.data.versions.edits import classes_of
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import DataError
from tl_core.labelling import draw
from tl_core.recipes.analyses.label_scores import Labels
from tl_core.tasks import MULTI_LABEL, SINGLE_LABEL
from tl_core.train.arrays import Features, Ints


@dataclass(frozen=True)
class State:
    """A labelling as it stands. Rows are those of the version; none is of the test.

    Args:
        classes: all known, those of the version and those that people have added.
        before: class of rows that had one when it began and may be learnt from; where an item may
            have several, the cell that lists them.
        population: rows that had none, labelled meanwhile or not.
        given: the same of rows of the population, in the order in which they were asked for.
        skipped: rows that people have passed over.
        sealed: rows of the population that became test rows: nothing is asked of them any more.
        least: rows, about, that may come to be drawn where there are few.
        task: whether an item has one class or several.
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
    task: str = SINGLE_LABEL.name

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
        DataError: where no row was without a class.
    """
    cells, known = np.array([*version.sets.cells, ""])[version.labels].tolist(), version.labels >= 0
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
    made = {row: cells[row] for row in since} | {
        row: label for row, label in labels.items() if row in own
    }
    asked = [row for one in past.rounds for row in one.rows if row in made]
    given = {row: made[row] for row in dict.fromkeys([*asked, *made])}
    before = {
        row: labels.get(row, cells[row])
        for row in learnt.tolist()
        if row not in own and row not in skipped
    }
    added = (classes_of(version, cell, new=True) for cell in {*given.values(), *before.values()})
    classes = sorted({*version.info.labels, *chain.from_iterable(added)})
    if past.rounds:
        seed = past.rounds[0].seed
    passed = skipped - set(given)
    least = draw.LEAST if version.info.labelled_here else 0
    gone = {*sealed.tolist()}
    task = version.info.task
    return State(classes, before, population, given, passed, past, seed, gone, least, task)


def labels_among(state: State, rows: Ints, features: Features, groups: Ints) -> Labels:
    """The labels so far as places among `rows`, whose features were read."""
    numbers = {name: place for place, name in enumerate(state.classes)}
    several = state.task == MULTI_LABEL.name
    labels = np.full((len(rows), len(numbers)) if several else len(rows), -1, dtype=np.int64)
    for row, cell in {**state.before, **state.given}.items():
        place = np.searchsorted(rows, row)
        if several:
            labels[place] = 0
            labels[place, [numbers[name] for name in parts_of(cell, LIST)]] = 1
        else:
            labels[place] = numbers[cell]
    sample = [row for row in state.drawn if row in state.given]
    before, queue, drawn = (
        np.searchsorted(rows, np.array(some, dtype=np.int64))
        for some in ([*state.before], [*state.given], sample)
    )
    count = len(state.classes)
    return Labels(features, groups, labels, before, queue, drawn, count, state.seed, state.task)
