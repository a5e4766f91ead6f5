"""How good a probe on the labels so far is, told by rows drawn at random alone, and what choosing
rows was worth against drawing them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import ceil

import numpy as np

from tl_core.config import ProbeSettings
from tl_core.errors import DataError
from tl_core.evaluate.compare import compare
from tl_core.evaluate.measures import Score
from tl_core.evaluate.scores.deciding import BEST_F1, shared_threshold
from tl_core.evaluate.scores.intervals import proportion
from tl_core.labelling.choosing import ONE
from tl_core.progress import Progress
from tl_core.results import LabellingGain
from tl_core.tasks import SINGLE_LABEL, Decision, decision_of
from tl_core.tasks.multi_label import AnyOfAll
from tl_core.train.arrays import Bools, Features, Floats, Ints, same, tells_apart
from tl_core.train.probe.linear_probe import ProbeFit, cross_validate, fit_and_judge
from tl_core.train.probe.logistic import Head

FEWEST = 5  # random rows from which a score is told
_COMPARED = 10  # from which choosing is compared with drawing
_PARTS = 10
_NO_ROW = np.empty(0, dtype=np.int64)
_TUNED_ON = 2000  # rows at most that choose the penalty


@dataclass(frozen=True)
class Labels:
    """The labels so far, as places among the rows that were read.

    Args:
        features: of all rows that were read (rows, width).
        groups: of each of them; equal numbers belong together.
        labels: class number of each (rows,), or whether it has each class (rows, classes); -1
            without a label.
        before: places that had a class when the labelling began.
        queue: places that have got one, in the order in which they were asked for.
        sample: those among them that were drawn at random.
        classes: number of classes.
        seed: of the parts.
        task: whether an item has one class or several.
    """

    features: Features
    groups: Ints
    labels: Ints
    before: Ints
    queue: Ints
    sample: Ints
    classes: int
    seed: int
    task: str = SINGLE_LABEL.name

    @property
    def all(self) -> Ints:
        """Every place with a class."""
        return np.concatenate([self.before, self.queue])

    @property
    def learnt(self) -> bool:
        """Whether a probe can be fitted."""
        return tells_apart(self.labels[self.all])

    @cached_property
    def _tuned(self) -> tuple[ProbeFit, Ints] | None:
        """Probes on labels that were not drawn at random, so that none of those has a say in what
        they judge, and the labels of the rows that these probes have not seen; None where they are
        too few to choose by.
        """
        rows = np.setdiff1d(self.all, self.sample)
        if len(rows) > _TUNED_ON:
            rows = np.random.default_rng(self.seed).choice(rows, _TUNED_ON, replace=False)
        labels, classes = self.labels[rows], self.classes
        if not tells_apart(labels):
            return None
        if labels.ndim == 1:  # of the classes that occur here, which may not be all
            names, labels = np.unique(labels, return_inverse=True)
            classes = len(names)
        try:
            fit = cross_validate(
                self.features[rows],
                labels.astype(np.int64),
                self.groups[rows],
                classes,
                ProbeSettings(seed=self.seed),
                Progress(),
                task=self.task,
            )
        except DataError:
            return None
        return fit, labels[fit.held_out_rows]

    def head(self) -> Head:
        """A probe with the penalty that is chosen on labels that were not drawn; 1 where these are
        too few.
        """
        c = 1.0 if self._tuned is None else self._tuned[0].c
        return Head(None, True, self.classes, self.seed, c, task=self.task)

    def decision(self) -> Decision:
        """What the probe's answers are: the likeliest class, or each class whose probability
        reaches the threshold that is chosen on the same labels for the best F1; .5 where these are
        too few. It is one for all classes: with a few rows of each, thresholds of their own name
        three times as many classes as items have (measured on 28 emotions).
        """
        if self.labels.ndim == 1 or self._tuned is None:
            return decision_of(self.task)
        fit, truth = self._tuned
        return AnyOfAll(shared_threshold(truth, fit.held_out, BEST_F1))

    def has(self, number: int) -> bool:
        """Whether any row has this class."""
        own = self.labels[self.all]
        return bool((own == number if own.ndim == 1 else own[:, number] > 0).any())

    def judge(self, learnt: Ints, asked: Ints, head: Head) -> Floats:
        """Probabilities (asked, classes) of a probe on the labels of `learnt`."""
        return fit_and_judge(self.features[learnt], self.labels[learnt], self.features[asked], head)


def honest_score(labels: Labels, head: Head, decision: Decision = ONE) -> Score | None:
    """Accuracy on the random rows (exact match, where an item may have several classes), each
    judged by a probe on all other labels of other groups; None while there are fewer than five, or
    nothing can be learnt.

    The sample is a simple random one of all rows that had no class when the labelling began, so
    the score is unbiased over these, for a probe on one tenth of the random labels less.
    """
    if len(labels.sample) < FEWEST or not labels.learnt:
        return None
    right = _held_out(labels, head, decision, lambda _: labels.all)
    return proportion(int(right.sum()), len(right))


def gain_over_random(
    labels: Labels, head: Head, noun: str, decision: Decision = ONE
) -> LabellingGain | None:
    """Two probes that differ in one thing, how their labels came about, on the same random rows:
    one on as many labels as the random rows make, the first that the queue brought, one on the
    other random rows. Labels from before are with both. None while there are fewer than ten random
    rows, or a probe could learn nothing.
    """
    if len(labels.sample) < _COMPARED:
        return None

    def first_of_queue(held: Ints) -> Ints:
        free = _apart(labels, labels.queue, held)
        wanted = len(_apart(labels, labels.sample, held))
        return np.concatenate([labels.before, free[:wanted]])

    both = np.concatenate([labels.before, labels.sample])
    if not (
        tells_apart(labels.labels[both]) and tells_apart(labels.labels[first_of_queue(_NO_ROW)])
    ):
        return None
    queue = _held_out(labels, head, decision, first_of_queue)
    random = _held_out(labels, head, decision, lambda _: both)
    count = len(labels.sample)
    return {
        "labels": count - ceil(count / _PARTS),
        "queue": proportion(int(queue.sum()), count),
        "random": proportion(int(random.sum()), count),
        "paired": compare(
            queue,
            random,
            f"random {noun}",
            ("A probe on labels from the queue", "a probe on labels drawn at random"),
        ),
    }


def _held_out(
    labels: Labels, head: Head, decision: Decision, learnt: Callable[[Ints], Ints]
) -> Bools:
    """Whether each random row is right (sample,), judged by a probe on the rows that `learnt` names
    for the part that is held out, less those of the groups in it.
    """
    right = np.zeros(len(labels.sample), dtype=bool)
    groups = np.unique(labels.groups[labels.sample])
    random = np.random.default_rng(labels.seed)
    part_of = np.arange(len(groups)) % min(_PARTS, len(groups))
    part_of = random.permutation(part_of)[np.searchsorted(groups, labels.groups[labels.sample])]
    for part in np.unique(part_of):
        held = labels.sample[part_of == part]
        said = labels.judge(_apart(labels, learnt(held), held), held, head)
        right[part_of == part] = same(decision.labels(said), labels.labels[held])
    return right


def _apart(labels: Labels, rows: Ints, held: Ints) -> Ints:
    """The rows that share no group with those held out, in their order."""
    return rows[~np.isin(labels.groups[rows], labels.groups[held])]
