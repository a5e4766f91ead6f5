"""What pages read of a report and of other results: the names and types of their JSON."""

from __future__ import annotations

from typing import NotRequired, TypedDict


class Range(TypedDict):
    """A value and the ends of its interval."""

    value: float
    low: float
    high: float


class Score(Range):
    """A score with the method that gave its interval."""

    method: str


class CalibrationScore(Score):
    """ECE beside the mean that a perfectly calibrated model would show on as many rows."""

    expected_if_calibrated: float


class ClassScores(TypedDict):
    """One class against the rest."""

    label: str
    support: int
    precision: Score
    recall: Score
    f1: Score


class Confusion(TypedDict):
    """Counts by true class (rows) and predicted class (columns)."""

    labels: list[str]
    counts: list[list[int]]


class TopK(TypedDict):
    """Share of rows whose class is among the k most likely."""

    k: int
    accuracy: Score


class ClassRanking(TypedDict):
    """ROC and precision-recall curves of one class, as pairs (x, y), with their areas."""

    label: str
    positives: int
    auc: Score
    average_precision: Score
    roc: list[list[float]]
    pr: list[list[float]]


class ReliabilityBin(TypedDict):
    """Rows of like confidence: its mean, and how often they are right."""

    n: int
    confidence: float
    accuracy: Score


class CoveragePoint(TypedDict):
    """What is answered, and how much of it is right, from a confidence of `threshold` on."""

    threshold: float
    coverage: float
    accuracy: float
    answered: int
    right: int


class ConformalSets(TypedDict):
    """Sets of classes that promise to hold the truth in a share of cases, and what they held."""

    promised: float
    covered: Score
    mean_size: float


class Slice(TypedDict):
    """Accuracy of one kind of item against all the others; `p_value` is adjusted (Holm)."""

    by: str
    n: int
    accuracy: Score
    rest: float
    p_value: float
    worse: bool
    value: NotRequired[str]
    low: NotRequired[float]
    high: NotRequired[float]


class ScoredRows(TypedDict):
    """Every score on one set of rows: a report's `test` or `validation`."""

    kind: str
    n: int
    accuracy: Score
    macro_f1: Score
    balanced_accuracy: Score
    mcc: Score
    log_loss: Score
    ece: CalibrationScore
    per_class: list[ClassScores]
    confusion: Confusion
    top_k: list[TopK]
    ranking: list[ClassRanking]
    reliability: list[ReliabilityBin]
    coverage: list[CoveragePoint]
    slices: NotRequired[list[Slice]]
    conformal: NotRequired[list[ConformalSets]]


class Temperature(TypedDict):
    """The temperature in the weights; 1 when none is."""

    temperature: float


class CrossValidation(TypedDict):
    """Accuracy over repeated cross-validations with other folds."""

    repeats: int
    rows: int
    mean: float
    low: float
    high: float


class RungScores(TypedDict):
    """A strategy over its seeds, against the best one on the validation items."""

    name: str
    title: str
    minutes: float
    trainable_parameters: int
    accuracy: Range
    lowest_seed: float
    highest_seed: float
    p_against_best: float
    worse_than_best: bool


class LadderSection(TypedDict):
    """The strategies compared, the best, and the cheapest that is not significantly worse."""

    rows: list[RungScores]
    best: str
    recommended: str
    failed: dict[str, dict[str, str]]


class BoardRow(TypedDict):
    """A line of a search's leaderboard; `state` is winner, tried, ranked or failed."""

    title: str
    backbone: str
    part: float
    state: str
    minutes: NotRequired[float]
    accuracy: NotRequired[Range]
    log_loss: NotRequired[float]
    why: NotRequired[str]


class SearchSettings(TypedDict):
    """What pages show of a search's settings."""

    budget_minutes: float


class SearchSection(TypedDict):
    """What an automatic search tried on the validation items."""

    sentence: str
    board: list[BoardRow]
    minutes: float
    settings: SearchSettings
    items: int


class LayerGroupFacts(TypedDict):
    """Layers that lie equally deep: their weights, how many train, and how fast."""

    name: str
    pattern: str
    parameters: int
    trainable: int
    lr_scale: float


class Reinitialised(TypedDict):
    """A part that starts anew; its shapes, where it has some."""

    name: str
    old: list[int] | str
    new: list[int] | str


class SurgeryFacts(TypedDict):
    """What is done to a backbone before it trains, group by group."""

    trainable: int
    total: int
    groups: list[LayerGroupFacts]
    reinitialised: list[Reinitialised]


class TrainingFacts(TypedDict):
    """How a fine-tuning went, and why it ended."""

    reason: str
    steps: int
    planned_steps: int
    best_step: int


class Comparison(TypedDict):
    """Two classifiers on the same items, in words."""

    sentence: str


class DataFacts(TypedDict):
    """Which data were learnt from."""

    fingerprint: str


class Report(TypedDict):
    """The content of `report.json`; `test` is None while the test score is closed."""

    modality: str
    headline: str
    predictions: str
    labels: list[str]
    classes_without_training_rows: list[str]
    test: ScoredRows | None
    validation: NotRequired[ScoredRows]
    data: DataFacts
    environment: dict[str, object]
    model: dict[str, object]
    settings: dict[str, object]
    timing: dict[str, float]
    against_baseline: Comparison | None
    parity: NotRequired[dict[str, float]]
    temperature: NotRequired[Temperature]
    cross_validation: NotRequired[CrossValidation]
    surgery: NotRequired[SurgeryFacts]
    lr_curve: NotRequired[list[dict[str, float]]]
    mixture: NotRequired[dict[str, float]]
    training: NotRequired[TrainingFacts]
    class_weights: NotRequired[dict[str, float]]
    ladder: NotRequired[LadderSection]
    search: NotRequired[SearchSection]
