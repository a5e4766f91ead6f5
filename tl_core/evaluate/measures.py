"""The types of what is measured, as it lies in JSON: scores with intervals, and what they make up.

Nothing but types, so that whoever reads a report can import it at no cost. A key that older files
lack, or that only some writers have, is `NotRequired`.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict


class Range(TypedDict):
    """A value and the ends of its interval."""

    value: float
    low: float
    high: float


class Score(Range):
    """A score with its interval: its level (0.95) and the method that gave it."""

    level: float
    method: str


class CalibrationScore(Score):
    """ECE beside the mean that a perfectly calibrated model would show on as many rows."""

    expected_if_calibrated: float


class ClassScores(TypedDict):
    """One class against the rest; the last two keys where an item may have several labels."""

    label: str
    support: int
    precision: Score
    recall: Score
    f1: Score
    average_precision: NotRequired[Score]
    threshold: NotRequired[float]


class Confusion(TypedDict):
    """Counts by true class (rows) and predicted class (columns)."""

    labels: list[str]
    counts: list[list[int]]


class Company(TypedDict):
    """Labels that come together, counts by two classes: rows that have both, rows of which both are
    said, and rows in which one (row) was missed and the other (column) named without being there.
    """

    labels: list[str]
    true: list[list[int]]
    said: list[list[int]]
    swapped: list[list[int]]


class LabelsPerItem(TypedDict):
    """How many labels items have and are given, on average."""

    true: float
    said: float


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
    """Rows whose confidence lies in (low, high]: its mean, and how often they are right."""

    low: float
    high: float
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
    threshold: float
    covered: Score
    mean_size: float
    single: float
    empty: float


class SliceValue(TypedDict):
    """What the rows of a slice share: a word, or a range of numbers."""

    value: NotRequired[str]
    low: NotRequired[float]
    high: NotRequired[float]


class Slice(SliceValue):
    """Accuracy of one kind of item against all the others; `p_value` is adjusted (Holm)."""

    by: str
    n: int
    accuracy: Score
    rest: float
    p_value: float
    worse: bool


class LevelScores(TypedDict):
    """One level of class names that are paths, 1 for the topmost: its nodes as they were mixed up,
    how often the answer's ancestor is right, and how often the ancestor with the largest summed
    probability, with its log loss; these two where the probabilities are at hand.
    """

    level: int
    accuracy: Score
    macro_f1: Score
    confusion: Confusion
    summed_accuracy: NotRequired[Score]
    log_loss: NotRequired[Score]


class LevelSection(TypedDict):
    """The levels above the classes, how many answers are wrong, and how many of these are right one
    level above the true class.
    """

    separator: str
    levels: list[LevelScores]
    wrong: int
    one_up: Score


class ScoredRows(TypedDict):
    """Every score on one set of rows: a report's `test` or `validation`.

    `kind` is `split`, or `cv` where the rows were judged by cross-validation. Of the keys that may
    be missing, those from `exact_match` to `labels_per_item` are there where an item may have
    several labels, those from `balanced_accuracy` to `conformal` where it has one. `accuracy` is
    then the share of items of which exactly the labels are named: exact match.
    """

    kind: str
    n: int
    accuracy: Score
    macro_f1: Score
    exact_match: NotRequired[Score]
    micro_f1: NotRequired[Score]
    weighted_f1: NotRequired[Score]
    item_f1: NotRequired[Score]
    map: NotRequired[Score]
    hamming_loss: NotRequired[Score]
    micro_precision: NotRequired[Score]
    micro_recall: NotRequired[Score]
    company: NotRequired[Company]
    labels_per_item: NotRequired[LabelsPerItem]
    balanced_accuracy: NotRequired[Score]
    mcc: NotRequired[Score]
    log_loss: Score
    brier: NotRequired[Score]
    ece: CalibrationScore
    per_class: list[ClassScores]
    confusion: NotRequired[Confusion]
    top_k: list[TopK]
    ranking: list[ClassRanking]
    reliability: list[ReliabilityBin]
    coverage: list[CoveragePoint]
    slices: NotRequired[list[Slice]]
    conformal: NotRequired[list[ConformalSets]]
    levels: NotRequired[LevelSection | None]  # None where the class names are no paths


class BaselineScores(TypedDict):
    """What is known of a baseline on one split; F1 where an item may have several labels."""

    accuracy: Score
    micro_f1: NotRequired[Score]
    macro_f1: NotRequired[Score]


class PairedMeans(TypedDict):
    """The gap between two classifiers in a mean over items, with the p-value of its signs."""

    difference: Score
    p_value: float
    test: str


class PairedTest(TypedDict):
    """Two classifiers on the same items: the exact McNemar test and the gap in accuracy."""

    n: int
    difference: Score
    only_first_right: int
    only_second_right: int
    p_value: float
    test: str
    sentence: str
    item_f1: NotRequired[PairedMeans]


class Beside(TypedDict):
    """Another way on the same items: how often it is right, and the model against it."""

    accuracy: Score
    against: PairedTest


class Temperature(TypedDict):
    """The temperature in the weights (1 when none is), the fitted one, log loss before and after;
    None where there were too few rows to fit one.
    """

    temperature: float
    fitted: float | None
    log_loss_before: float | None
    log_loss_after: float | None
    temperatures: NotRequired[list[float]]  # of each class, where an item may have several


class Rung(TypedDict):
    """A strategy of a ladder before it is compared; minutes are those of a typical seed."""

    name: str
    title: str
    minutes: float
    trainable_parameters: int


class RungScores(Rung):
    """A strategy over its seeds, against the best one on the validation items."""

    seeds: int
    accuracy: Score
    lowest_seed: float
    highest_seed: float
    p_against_best: float
    worse_than_best: bool


class Recommendation(TypedDict):
    """The strategies compared, the best, and the cheapest that is not significantly worse."""

    rows: list[RungScores]
    best: str
    recommended: str


class BoardRow(TypedDict):
    """A line of a search's leaderboard; `state` is winner, tried, ranked or failed."""

    title: str
    backbone: str
    part: float
    probe: bool
    state: str
    recipe: NotRequired[str]
    options: NotRequired[dict[str, object]]
    minutes: NotRequired[float]
    accuracy: NotRequired[Range]
    log_loss: NotRequired[float]
    why: NotRequired[str]


class JudgedBackbone(TypedDict):
    """A backbone on a sample, or one depth of it (-1: all blocks side by side, 0: its end).

    `leep` and `nce` are None for a backbone without a classifier of its own.
    """

    backbone: str
    depth: int
    blocks: int
    probe: Score
    knn: float
    logme: float
    h_score: float
    leep: float | None
    nce: float | None
    parameters: int
    bytes: int
    items_per_second: float
    width: int


class RankedBackbone(JudgedBackbone):
    """The same with the name that it is shown under, its depth included."""

    name: str


class BackbonePair(PairedTest):
    """The best backbone against another one, which is named."""

    backbone: str


class BackboneRanking(TypedDict):
    """Backbones in order, the best by its probe first, and which of them to take.

    `agreement` is Kendall's tau of each other score with the order of the probes.
    """

    ranking: list[RankedBackbone]
    pairs: list[BackbonePair]
    recommended: str
    recommended_depth: int
    recommended_name: str
    agreement: dict[str, float]
    sentence: str


class CurvePoint(Range):
    """Accuracy with so many training rows."""

    rows: float


class Forecast(CurvePoint):
    """Where a learning curve leads with `times` as many rows."""

    times: int


class ClassGain(TypedDict):
    """Recall of a class now, and what the last doubling of the rows brought."""

    label: str
    recall: float
    gain: float


class ClassWish(TypedDict):
    """The class for which new labels bring most: how many, and the gain of its recall."""

    label: str
    more: int
    gain: float


class CheckedPair(TypedDict):
    """Whether an expectation about a changed text holds, and how far the probability moved."""

    held: bool
    before: str
    after: str
    moved: float


class Examination(TypedDict):
    """How many expectations hold, and each of them."""

    held: Score
    rows: list[CheckedPair]


class GapFacts(TypedDict):
    """How far two domains are apart: proxy A-distance (0 to 2), the share of items that a domain
    classifier tells apart (chance is one half), on how many rows, and all of that in words.
    """

    distance: Score
    told_apart: Score
    rows: int
    sentence: str
