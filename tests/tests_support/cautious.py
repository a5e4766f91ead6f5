"""A second task for tests: one class for each item; to overlook the first class is dearer than to
call it wrongly.
"""

from __future__ import annotations

import numpy as np

from tl_core.evaluate.tasks.single_label_evaluation import SingleLabelEvaluation
from tl_core.tasks import Task
from tl_core.tasks.single_label import SINGLE_LABEL, OneOfAll

COST = 3.0  # of overlooking the first class; every other mistake costs 1


class FirstClassCounts(OneOfAll):
    """The first class wherever it may well be."""

    def labels(self, probabilities):
        weights = np.ones(probabilities.shape[1])
        weights[0] = COST
        return super().labels(probabilities * weights)


DECISION = FirstClassCounts()


class CostOfMistakes(SingleLabelEvaluation):
    """The scores of one label, and what mistakes cost on average."""

    def evaluate_rows(self, truth, probabilities, labels, kind, seed=0, decision=DECISION):
        answers = decision.labels(probabilities)
        costs = np.where(truth == answers, 0.0, np.where(truth == 0, COST, 1.0))
        section = super().evaluate_rows(truth, probabilities, labels, kind, seed)
        return {**section, "cost": float(costs.mean())}

    def correct(self, truth, probabilities, decision=DECISION):
        return decision.labels(probabilities) == truth

    def decide(self, truth, probabilities, wish=None):
        return DECISION

    def decide_apart(self, truth, probabilities, seed=0):
        return DECISION


EVALUATION = CostOfMistakes()
CAUTIOUS = Task(
    name="cautious",
    title="One class for each item, one of them dearer",
    problem_type=SINGLE_LABEL.problem_type,
    parts={
        **SINGLE_LABEL.parts,
        "decision": "tests_support.cautious:DECISION",
        "evaluate": "tests_support.cautious:EVALUATION",
    },
)
