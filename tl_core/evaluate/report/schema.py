"""The types of a report and of its sections, as they lie in `report.json`.

A key that older reports lack, or that only some recipes write, is `NotRequired`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NotRequired, TypedDict

from tl_core.evaluate.measures import (
    BaselineScores,
    Beside,
    BoardRow,
    GapFacts,
    PairedMeans,
    PairedTest,
    Recommendation,
    Score,
    ScoredRows,
    Temperature,
)
from tl_core.surgery.facts import SurgeryFacts

Baselines = dict[str, dict[str, BaselineScores]]  # by name, then by split


class CrossValidation(TypedDict):
    """Accuracy over repeated cross-validations with other folds."""

    repeats: int
    folds: int
    rows: int
    mean: float
    deviation: float
    low: float
    high: float


class Timing(TypedDict, total=False):
    """Seconds of each part of a run."""

    load: float
    features: float
    fit: float
    verify: float
    predict: float
    evaluate: float
    baseline: float
    whole: float
    total: float


class DataFacts(TypedDict):
    """Which data were learnt from: rows of each split, and what the import noticed."""

    fingerprint: str
    splits: dict[str, int]
    findings: Sequence[Mapping[str, object]]


class Environment(TypedDict):
    """Versions and machine, for whoever repeats the run."""

    python: str
    platform: str
    packages: dict[str, str]


class ModelFacts(TypedDict):
    """The model that was judged."""

    trainable_parameters: int
    total_parameters: int
    family: NotRequired[str]
    device: NotRequired[str]
    weights_sha256: NotRequired[str]
    pretrained_sha256: NotRequired[str]
    processor: NotRequired[str]
    notes: NotRequired[list[str]]


class Parity(TypedDict):
    """Largest gap in a probability between the saved model, loaded again, and the one in memory."""

    auto_classes: float
    pipeline: float | None


class Mixture(TypedDict, total=False):
    """The share of the fine-tuned state in a mixture with the pretrained one; empty without one."""

    share: float
    tried: list[dict[str, float]]


class TrainingFacts(TypedDict):
    """How a fine-tuning went, and why it ended."""

    reason: str
    steps: int
    planned_steps: int
    best_step: int
    history: list[dict[str, float]]


class ContrastiveFacts(TypedDict):
    """The pairs that an encoder was trained on."""

    pairs: int
    possible: int
    steps: int
    planned_steps: int
    loss: float


class AdaptedModel(TypedDict):
    """One way to adapt: soft neighbourhood density (higher is better) and entropy (lower is better)
    of its answers on the target, accuracy on held-out items of the source, and on the target's test
    items while they are open. `c` is the penalty of a probe; `effective` rows are what weighted
    rows of the source are worth.
    """

    method: str
    density: float
    entropy: float
    source: float
    c: NotRequired[float]
    test: NotRequired[Score]
    effective: NotRequired[float]


class DomainFacts(TypedDict):
    """A model that is meant for another domain: what it learnt from, what it is meant for, how far
    these are apart, what was tried, and what was taken by which rule.

    `judged_by_target` says whether items of the target compare the ways, `tested_on` what the
    report's own test rows are items of; `gain` is the chosen model against the plain probe, which
    learnt from the source alone.
    """

    column: str
    source: str
    target: str
    source_items: int
    target_items: int
    judged_by_target: bool
    tested_on: NotRequired[Literal["source", "target"]]
    gap: GapFacts | None
    models: list[AdaptedModel]
    chosen: str
    rule: str
    warning: str
    sentence: str
    gain: NotRequired[PairedTest]


class PretrainingFacts(TypedDict):
    """What a backbone went on to learn without labels: the objective, the rows (of them those that
    have no class, and those that were left out), and how far it came.
    """

    objective: str
    rows: int
    unlabelled: int
    left_out: int
    fresh_head: bool
    epochs: float
    learning_rate: float
    steps: int
    planned_steps: int
    first_loss: float
    loss: float


class ModelCost(TypedDict):
    """What a model takes: weights, bytes of its files, and items that it answers in a second."""

    parameters: int
    bytes: int
    items_per_second: float


class DistillationFacts(TypedDict):
    """Who taught, how, and what the student costs less; `agreement` is the share of test items
    that both answer alike.
    """

    teacher: str
    temperature: float
    soft_share: float
    labelled: int
    unlabelled: int
    left_out: int
    agreement: float
    teacher_cost: ModelCost
    student_cost: ModelCost


class SelfTrainingRound(TypedDict):
    """A round of self-training: rows with a pseudo-label, and scores on the held-out rows."""

    round: int
    taken: int
    accuracy: float
    log_loss: float


class SelfTrainingFacts(TypedDict):
    """How a self-training went: its rounds, the one that is kept (0: the plain probe), and the
    pseudo-labels of that by class.
    """

    rows: int
    left_out: int
    threshold: float
    rounds: list[SelfTrainingRound]
    kept_round: int
    pseudo_labels: dict[str, int]


class JudgedMethod(TypedDict):
    """One way to learn from few labels over episodes: its mean accuracy, and the gap to a probe on
    the same episodes (None for the probe itself).
    """

    name: str
    accuracy: Score
    against_probe: PairedMeans | None


class EpisodeSection(TypedDict):
    """A report's `episodes`: what earlier datasets taught, and how the methods did on episodes of
    classes that none of them had learnt from.

    `classes` counts those to learn from, to choose by and to judge by; `chance` is the accuracy of
    guessing.
    """

    sources: list[str]
    classes: list[int]
    ways: float
    shots: int
    episodes: int
    chance: float
    methods: list[JudgedMethod]
    taken: str
    sentence: str


class RecipeFacts(TypedDict):
    """What a recipe tells of its training; each writes those that it has."""

    model: NotRequired[ModelFacts]
    parity: NotRequired[Parity]
    temperature: NotRequired[Temperature]
    cross_validation: NotRequired[CrossValidation | None]
    sweep: NotRequired[list[dict[str, float]]]
    surgery: NotRequired[SurgeryFacts]
    lr_curve: NotRequired[list[dict[str, float]]]
    mixture: NotRequired[Mixture]
    training: NotRequired[TrainingFacts]
    class_weights: NotRequired[dict[str, float]]
    contrastive: NotRequired[ContrastiveFacts]
    pretraining: NotRequired[PretrainingFacts]
    self_training: NotRequired[SelfTrainingFacts]
    distillation: NotRequired[DistillationFacts]
    episodes: NotRequired[EpisodeSection]
    wordings: NotRequired[dict[str, list[str]]]
    domains: NotRequired[DomainFacts]


class LadderComparison(Recommendation):
    """The same with the number of validation items and the recommendation in words."""

    items: int
    advice: str


class LadderSection(LadderComparison):
    """A report's `ladder`: also its settings, the seed kept, and strategies that came apart."""

    settings: dict[str, object]
    kept_seed: int
    failed: dict[str, dict[str, object]]


class SearchWinner(TypedDict):
    """The training that a search has chosen, as a run config writes it."""

    recipe: str
    backbone: str
    options: dict[str, object]


class SearchSection(TypedDict):
    """A report's `search`: what an automatic search tried on the validation items."""

    sentence: str
    board: list[BoardRow]
    minutes: float
    settings: dict[str, object]
    items: int
    winner: SearchWinner


class Report(RecipeFacts):
    """The content of `report.json`. `test` is None while the test score is withheld."""

    schema_version: int
    dataset: str
    backbone: str
    recipe: str
    modality: str
    labels: list[str]
    classes_without_training_rows: list[str]
    test: ScoredRows | None
    validation: NotRequired[ScoredRows]
    baselines: Baselines
    headline: str
    data: DataFacts
    environment: Environment
    predictions: str
    settings: dict[str, object]
    timing: Timing
    against_baseline: PairedTest | None
    test_looks: int
    sealed: NotRequired[bool]
    run_id: NotRequired[str]
    ladder: NotRequired[LadderSection]
    search: NotRequired[SearchSection]
    beside: NotRequired[dict[str, Beside]]  # by name; empty while the test score is withheld
    beside_validation: NotRequired[dict[str, Beside]]  # the same on the validation items
