"""The model beside other ways on the same items: each decided by its own answers about the
validation rows, then compared item by item.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tl_core.data.versions.store import DatasetVersion
from tl_core.evaluate.compare import compare, compare_means
from tl_core.evaluate.measures import Beside, PairedTest
from tl_core.evaluate.tasks.task_evaluation import task_evaluation_of
from tl_core.modalities import items_of
from tl_core.recipes.shared.common import Floats, Ints, LabelSpace, Said, Trained
from tl_core.tasks import Decision, decision_of
from tl_core.train.probe.probing import FittedProbe, ProbeTask
from tl_core.train.tasks.task_training import task_training_of


@dataclass(frozen=True)
class Ways:
    """How answers about the test rows are decided, as the validation rows suggest, and those about
    the validation rows, each as the others suggest.
    """

    test: Decision
    validation: Decision


@dataclass(frozen=True)
class Answered:
    """Which rows are right (rows,), and how right they are where an answer can be partly right."""

    correct: NDArray[np.bool_]
    partly: Floats | None


def decided(version: DatasetVersion, rows: Ints, probabilities: Floats, seed: int) -> Ways:
    """How answers are decided whose probabilities (rows, classes) about the validation rows are
    these.
    """
    evaluation = task_evaluation_of(version.info.task)
    held = version.targets[rows], probabilities
    return Ways(evaluation.decide(*held), evaluation.decide_apart(*held, seed))


def paired(modality: str, own: Answered, other: Answered, name: str) -> PairedTest:
    """The model against another one, which is called `name` in a sentence."""
    against = compare(own.correct, other.correct, items_of(modality), ("This model", name))
    if own.partly is not None and other.partly is not None:
        against["item_f1"] = compare_means(own.partly, other.partly)
    return against


def compared(
    version: DatasetVersion, trained: Trained, ways: Ways
) -> tuple[dict[str, Beside], dict[str, Beside]]:
    """The model against each of the other ways that its recipe names: on the test items, and on the
    validation items where it is known what the other way says of these.
    """
    held, tests, labels = trained.validation_rows, version.rows_of("test"), version.targets
    on_test: dict[str, Beside] = {}
    on_validation: dict[str, Beside] = {}
    for name, test in trained.beside.items():
        known = trained.beside_held.get(name, test[:0])
        judges = len(known) == len(held) and len(held) > 0
        theirs = (
            decided(version, held, known, trained.seed)
            if judges
            else Ways(*2 * (decision_of(version.info.task),))
        )
        sides = (trained.test, ways.test), (test, theirs.test)
        on_test[name] = _on(version, labels[tests], *sides, name)
        if judges:
            sides = (trained.validation, ways.validation), (known, theirs.validation)
            on_validation[name] = _on(version, labels[held], *sides, name)
    return on_test, on_validation


def _on(
    version: DatasetVersion,
    truth: Ints,
    own: tuple[Floats, Decision],
    other: tuple[Floats, Decision],
    name: str,
) -> Beside:
    """Both on the same rows, each by its probabilities (rows, classes) and its decision."""
    evaluation = task_evaluation_of(version.info.task)
    ours, theirs = (
        Answered(evaluation.correct(truth, *side), evaluation.item_scores(truth, *side))
        for side in (own, other)
    )
    return {
        "accuracy": evaluation.baseline_scores(truth, *other)["accuracy"],
        "against": paired(version.info.modality, ours, theirs, name),
    }


def said_by(task: ProbeTask, fitted: FittedProbe, space: LabelSpace) -> Said:
    """What a fitted probe says of the test rows, and has said of the rows that it was chosen by, to
    stand beside another model that is judged by the same rows.
    """
    test = answers_of(task, fitted, "test")
    return Said(space.to_all(test), space.to_all(fitted.fit.held_out))


def answers_of(task: ProbeTask, fitted: FittedProbe, split: str) -> Floats:
    """Probabilities (rows, model classes) of the rows of a split by the fitted head."""
    logits = fitted.features[split] @ fitted.fit.weight.T + fitted.fit.bias
    return task_training_of(task.version.info.task).linear_probabilities(logits)
