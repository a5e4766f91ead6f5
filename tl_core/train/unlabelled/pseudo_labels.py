"""Self-training of a probe: what it is sure of among rows without a class becomes a label of the
next round (Scudder, 1965; Lee, 2013), with each class held to its share (Zou et al., ECCV 2018).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tl_core.progress import Curve, Progress
from tl_core.train.arrays import Features, Floats, Ints
from tl_core.train.probe.linear_probe import ProbeFit, for_raw_features, held_out_of
from tl_core.train.probe.logistic import FittedHead, Head, scaling
from tl_core.train.probe.probing import ProbeTask
from tl_core.train.tasks.task_training import task_training_of


@dataclass(frozen=True)
class Trust:
    """What becomes a pseudo-label: from which probability on, in how many rounds, and whether no
    class may have more than its share of the labels.
    """

    threshold: float
    rounds: int
    balanced: bool


@dataclass(frozen=True)
class Round:
    """A round: pseudo-labels of the final head by class (classes,), right and judged held-out rows,
    and their mean log loss.
    """

    number: int
    labels: Ints
    right: int
    judged: int
    log_loss: float

    @property
    def rank(self) -> tuple[int, float]:
        """Larger is better: more held-out rows right, then the smaller log loss."""
        return self.right, -self.log_loss


@dataclass(frozen=True)
class SelfTrained:
    """The head of the best round, all rounds beginning with the plain probe, and which is kept."""

    fit: ProbeFit
    rounds: list[Round]
    kept: int


def trusted(
    probabilities: Floats, shares: Floats, threshold: float, *, balanced: bool
) -> tuple[Ints, Ints]:
    """Places of rows that get a pseudo-label, in order, and these labels.

    Args:
        probabilities: of rows without a class (rows, classes).
        shares: of the classes among the labels (classes,), adding up to 1.
        threshold: the least probability of the likeliest class.
        balanced: no class gets more than its share of all such rows, rounded up; those that it is
            surest of.
    """
    sure, said = probabilities.max(axis=1), probabilities.argmax(axis=1)
    places = np.flatnonzero(sure >= threshold)
    if balanced and len(places):
        most = np.ceil(shares * len(places)).astype(int)
        parts = [
            of_class[np.argsort(-sure[of_class], kind="stable")[:room]]
            for number, room in enumerate(most)
            for of_class in (places[said[places] == number],)
        ]
        places = np.sort(np.concatenate(parts))
    return places.astype(np.int64), said[places].astype(np.int64)


class _Learner:
    """One head that teaches itself: fitted on some labelled rows, then on these and what it trusts
    of the others.
    """

    def __init__(self, features: Features, labels: Ints, others: Features, head: Head) -> None:
        self._features, self._labels, self._others, self._head = features, labels, others, head
        self._training = task_training_of(head.task)
        self._shares = np.bincount(labels, minlength=head.classes) / len(labels)
        self.model: FittedHead = self._training.fit_head(features, labels, head)
        self.places, self.said = np.zeros(0, np.int64), np.zeros(0, np.int64)

    def ask(self, features: Features) -> Floats:
        """Probabilities (rows, classes)."""
        return self._training.head_probabilities(self.model, features, self._head.classes)

    def go_on(self, trust: Trust) -> bool:
        """One round; False when it would learn from the very same labels once more."""
        places, said = trusted(
            self.ask(self._others), self._shares, trust.threshold, balanced=trust.balanced
        )
        if np.array_equal(places, self.places) and np.array_equal(said, self.said):
            return False
        self.places, self.said = places, said
        self.model = self._training.fit_head(
            np.concatenate([self._features, self._others[places]]),
            np.concatenate([self._labels, said]),
            self._head,
            self.model,
        )
        return True


def self_train(
    task: ProbeTask,
    features: dict[str, Features],
    plain: ProbeFit,
    trust: Trust,
    progress: Progress,
) -> SelfTrained:
    """Rounds of pseudo-labels from a fitted probe on, and the best of them by held-out rows that no
    head of that round has seen; a tie is the earlier round's.

    Args:
        task: of the probe.
        features: of `train`, `validation` and `unlabelled` (rows, width).
        plain: the probe on the labelled rows alone; its penalty and its folds are kept.
        trust: what becomes a pseudo-label.
        progress: told after each round.
    """
    rows, judged, crossed = task.learnt, task.judged, plain.kind == "cv"
    labels, count = task.labels[rows], len(task.rows["train"])
    stacked = np.concatenate([features["train"], features["validation"][judged]])
    search, intercept = task.search, task.backbone.port.has_bias
    parts = search.parts(labels, task.version.groups[rows], count)
    shift, scale = scaling(stacked if crossed else stacked[:count], intercept)
    own, others = (
        ((some - shift) / scale).astype(np.float32) for some in (stacked, features["unlabelled"])
    )
    head = replace(search.head(shift, scale), c=plain.c)
    learners = [_Learner(own[part], labels[part], others, head) for part, _ in parts]
    final = _Learner(own, labels, others, head) if crossed else learners[0]
    rounds: list[Round] = []
    best = plain
    for number in range(trust.rounds + 1):
        moved = [one.go_on(trust) for one in {*learners, final}] if number else [True]
        if not any(moved):
            break
        asked = zip(learners, parts, strict=True)
        said, order = held_out_of([one.ask(own[held]) for one, (_, held) in asked], parts)
        rounds.append(_judged(number, final, labels[order], said, head))
        _tell(rounds[-1], trust, progress)
        if number and rounds[-1].rank > max(one.rank for one in rounds[:-1]):
            weight, bias = for_raw_features(final.model, shift, scale, intercept)
            best = replace(plain, weight=weight, bias=bias, held_out=said)
        if progress.should_stop():
            break
    kept = max(rounds, key=lambda one: (one.rank, -one.number)).number
    return SelfTrained(best, rounds, kept)


def _judged(number: int, final: _Learner, labels: Ints, said: Floats, head: Head) -> Round:
    losses = task_training_of(head.task).row_losses(labels, said)
    return Round(
        number,
        np.bincount(final.said, minlength=head.classes).astype(np.int64),
        int((said.argmax(axis=1) == labels).sum()),
        len(labels),
        float(losses.mean()),
    )


def _tell(one: Round, trust: Trust, progress: Progress) -> None:
    accuracy = one.right / one.judged
    progress.batch(one.number + 1, trust.rounds + 1)
    progress.curve(
        Curve.VALIDATION,
        step=one.number,
        epoch=one.number,
        accuracy=accuracy,
        log_loss=one.log_loss,
    )
    progress.log(
        f"Round {one.number}: {int(one.labels.sum()):,} pseudo-labels, {accuracy:.1%} of the"
        " held-out rows right."
        if one.number
        else f"The plain probe has {accuracy:.1%} of the held-out rows right."
    )
