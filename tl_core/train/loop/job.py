"""What one training is given, and how it ended."""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NotRequired, TypedDict

from torch import Tensor

from tl_core.config import FinetuneSettings
from tl_core.surgery.modes import ModeKeeper
from tl_core.surgery.report import SurgeryReport
from tl_core.tasks import SINGLE_LABEL
from tl_core.train.arrays import Floats, Ints
from tl_core.train.features.examples import Examples
from tl_core.train.loop.best_state import Scores
from tl_core.train.loop.norm_statistics import follow_anew
from tl_core.train.objectives.objective import NOTHING, Objectives

if TYPE_CHECKING:
    from transformers import PreTrainedModel

# judges probabilities (rows, classes), as a whole and item by item
Score = Callable[[Floats], tuple[Scores, Floats]]


class Parts(TypedDict):
    """Examples behind a step, and in how many parts they go through."""

    batch: int
    accumulate: int


class Plan(Parts):
    """What was decided by measuring."""

    bf16: bool
    lr: float
    why_bf16: NotRequired[str]


@dataclass
class Job:
    """All that one training needs.

    `score` judges the validation examples; `calm` are training items without chance, where batch
    statistics follow them; `objectives` are what adds to the loss beside the labels;
    `pulled_to_start` names the weights that this pulls to where they started.
    """

    model: PreTrainedModel
    report: SurgeryReport
    keeper: ModeKeeper
    examples: Examples
    held_out: Examples | None
    score: Score | None
    settings: FinetuneSettings
    plan: Plan
    classes: int
    folder: Path
    weights: Tensor | None = None
    chances: Floats | None = None
    lengths: Ints | None = None
    held_out_lengths: Ints | None = None
    calm: Examples | None = None
    objectives: Objectives = NOTHING
    task: str = SINGLE_LABEL.name
    pulled_to_start: Set[str] = frozenset()

    @property
    def moving(self) -> set[str]:
        """Names of the weights that move at some time."""
        return set(self.report.scale_of)

    def settle_statistics(self) -> None:
        """Make the running statistics belong to the weights that the model has now."""
        if self.calm is not None:
            follow_anew(self.model, self.keeper.following, self.calm)


@dataclass(frozen=True)
class Outcome:
    """How a training ended: why, after how many steps of how many, and the best judgement with its
    step.
    """

    reason: str
    steps: int
    planned: int
    best_step: int
    scores: Scores
    history: list[dict[str, float]]
    state: dict[str, Tensor]
