"""The files that runs leave beside a report, by name and type: whoever reads one, reads it here.

`LABEL_ERRORS.load(folder)` gives the typed content of `suspects.json` in the folder of a run.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Generic, NotRequired, TypedDict, TypeVar, cast

from tl_core.errors import ErrorObject
from tl_core.evaluate.measures import (
    BackboneRanking,
    BoardRow,
    ClassGain,
    ClassWish,
    CurvePoint,
    Forecast,
    GapFacts,
    JudgedBackbone,
    PairedTest,
    Score,
)
from tl_core.json_files import read_object, write_json

MAP_FILE = "map.parquet"  # of `explore.json`: a row for each item and its place on two maps
NEIGHBOURS_FILE = "trace.npz"  # arrays rows (n,), near (n, 4) and alike (n, 4)
Content = TypeVar("Content")


@dataclass(frozen=True)
class ResultFile(Generic[Content]):
    """A JSON file of this name in the folder of a run."""

    name: str

    def write(self, folder: Path, content: Content) -> None:
        """Write it into `folder`, whole or not at all."""
        write_json(folder / self.name, content)

    def load(self, folder: Path) -> Content:
        """Its content in `folder`.

        Raises:
            StateError: when there is none, or it cannot be read.
        """
        return cast(Content, read_object(folder / self.name))

    def find(self, folder: Path) -> Content | None:
        """Its content in `folder`, None where there is none yet.

        Raises:
            StateError: when it cannot be read.
        """
        return self.load(folder) if (folder / self.name).is_file() else None


class FailedBackbone(TypedDict):
    """A backbone that could not be used, and why (`UserError.as_dict`)."""

    backbone: str
    error: ErrorObject


class JudgedBackbones(TypedDict):
    """One backbone on a sample, or each of its depths, before it is ranked among others."""

    scores: list[JudgedBackbone]


class RankedBackbones(BackboneRanking):
    """Backbones ranked on `n` training rows."""

    n: int
    failed: list[FailedBackbone]


class LabelError(TypedDict):
    """A row whose class is probably wrong, by a model that had not seen it.

    `margin` is the probability of the suggested class minus that of the given one.
    """

    row: int
    given: str
    suggested: str
    margin: float
    confidence: float
    neighbours: list[int]


class LabelErrors(TypedDict):
    """Rows whose class is probably wrong, the most suspect first; `count` may be more of them."""

    count: int
    share: float
    looked_at: int
    sentence: str
    rows: list[LabelError]


class LearningCurve(TypedDict):
    """Accuracy over growing training sets, and where its trend leads.

    `validation_rows` is that of a trained model's curve, `helps_most` that of a probe's.
    """

    points: list[CurvePoint]
    ahead: list[Forecast]
    classes: list[ClassGain]
    advice: str
    helps_most: NotRequired[ClassWish | None]
    validation_rows: NotRequired[int]


class Proposal(TypedDict):
    """A row to be labelled next. `why` is typical, margin, entropy, diversity, class or random;
    `cluster` the number of the cluster it lies in; `suggestion` what a probe on the labels so far
    says, with the probability `confidence`, "" and 0 before there is one.
    """

    row: int
    why: str
    cluster: int
    suggestion: str
    confidence: float


class LabelCluster(TypedDict):
    """Rows without a class that are alike, the most typical first, and what the probe says of most
    of them (`suggestion`, `agreement` its share of the cluster); `size` may be more than `rows`.
    """

    number: int
    rows: list[int]
    size: int
    suggestion: str
    agreement: float


class LabellingGain(TypedDict):
    """What choosing was worth at equal numbers of labels: a probe on the first `labels` that the
    queue brought against one on as many drawn at random, both judged on the same random rows.
    """

    labels: int
    queue: Score
    random: Score
    paired: PairedTest


class LabellingPoint(TypedDict):
    """The state of a labelling when a batch was proposed. `score` is the accuracy on the rows drawn
    at random alone, `drawn` of them, each judged by a probe that had not seen it; None while there
    are too few. `gain` compares with labels drawn at random.
    """

    labels: int
    drawn: int
    strategy: str
    score: Score | None
    gain: LabellingGain | None


class LabelQueue(TypedDict):
    """What to label next, in this order, and how good the probe on the labels so far is.

    `strategy` is the one that was carried out and `note` says why it is not the one asked for. Of
    the `population` rows that had no class when the labelling began, `labels` have one by now and
    `left` wait; `classes` are all known by now. `earlier` are rows of earlier rounds that wait
    still, as the probe of now sees them. `curve` holds this and all earlier rounds of fewer labels:
    one of more has been taken back.
    """

    strategy: str
    note: str
    sentence: str
    classes: list[str]
    population: int
    labels: int
    left: int
    rows: list[Proposal]
    earlier: NotRequired[list[Proposal]]
    clusters: list[LabelCluster]
    curve: list[LabellingPoint]


class DomainRows(TypedDict):
    """A domain, its rows that were read, and how many of these have a class."""

    name: str
    rows: int
    labelled: int


class ClassGap(TypedDict):
    """How far two domains are apart within one class."""

    label: str
    gap: GapFacts


class DomainPair(TypedDict):
    """How far two domains are apart, None where one has too few rows; and class by class."""

    one: str
    other: str
    gap: GapFacts | None
    classes: list[ClassGap]


class HeldOutDomain(TypedDict):
    """A domain that was held out: accuracy of each method that learnt from the others, and of a
    probe of its own, cross-validated (None where it has too few rows). `left_out` rows of the
    others were not learnt from, as they are copies of its items or of a group with them; results
    of earlier versions do not tell.
    """

    domain: str
    rows: int
    left_out: NotRequired[int]
    scores: dict[str, Score]
    inside: Score | None


class OverDomains(TypedDict):
    """A method over all domains held out in turn: the mean accuracy, and that of the worst."""

    method: str
    mean: Score
    worst: Score
    worst_domain: str


class UnseenDomains(TypedDict):
    """Each domain held out in turn; `rule` says how penalties were chosen, `gain` compares the
    second method with the first, where there is one: of two domains a single one is learnt from.
    """

    rule: str
    held_out: list[HeldOutDomain]
    methods: list[OverDomains]
    gain: PairedTest | None


class HeldOutByNetworks(TypedDict):
    """Each domain held out in turn, and networks of the others asked about it; `settings` are those
    of the fine-tunings. The scores by domain hold the ordinary probe of the others, too, as
    `probe`; `gains` compares ERM with that, and each further method with ERM.
    """

    column: str
    backbone: str
    rule: str
    settings: dict[str, object]
    held_out: list[HeldOutDomain]
    methods: list[OverDomains]
    gains: list[PairedTest]
    sentence: str


class DomainComparison(TypedDict):
    """The domains of a dataset: how far they are apart, and what is to be expected of one that has
    never been seen; `missing` says why the latter is not there.
    """

    column: str
    backbone: str
    domains: list[DomainRows]
    pairs: list[DomainPair]
    unseen: UnseenDomains | None
    missing: str
    sentence: str


class WorsenedItems(TypedDict):
    """Test items made worse in one way: the drop in accuracy, and rows that are right no more."""

    kind: str
    severity: int
    accuracy: Score
    drop: float
    p_value: float
    flipped: list[int]


class Robustness(TypedDict):
    """A trained model on worse versions of `n` test items; `clean` is without them."""

    n: int
    clean: Score
    rows: list[WorsenedItems]
    sentence: str


class MemoryUse(TypedDict):
    """Highest use so far, libraries included, and what is free: of the GPU or of the machine."""

    memory_bytes: int
    free_bytes: int


class MemoryWay(TypedDict):
    """Bytes that a training would hold at once with some settings, by what they are, and whether
    that fits.
    """

    way: str
    weights: int
    gradients: int
    optimizer: int
    best_state: int
    activations: int
    total: int
    fits: bool


class Estimate(MemoryUse):
    """What a run will take, from a few of its own steps; what only fine-tuning has may be missing.

    `cut_off` is the share of texts that are cut.
    """

    minutes: float
    trainable: int
    total: int
    lr_curve: list[dict[str, float]]
    step_seconds: NotRequired[float]
    steps_per_epoch: NotRequired[int]
    steps: NotRequired[int]
    accumulate: NotRequired[int]
    cut_off: NotRequired[float]
    learning_rate: NotRequired[float]
    ways: NotRequired[list[MemoryWay]]
    advice: NotRequired[str]


class TrainingPlan(TypedDict):
    """What a fine-tuning has settled on before its first step."""

    batch: int
    accumulate: int
    bf16: bool
    lr: float


class SearchProgress(TypedDict):
    """A search that is going on, in seconds; `trying` is empty between two trainings."""

    budget: float
    spent: float
    trying: NotRequired[str]
    board: NotRequired[list[BoardRow]]


class BundleCheck(TypedDict):
    """One check of a bundle; `largest` is the largest gap in a probability, where there is one."""

    name: str
    ok: bool
    detail: str
    largest: float | None


class EightBitFacts(TypedDict):
    """What 8-bit weights change on `items` items: answers that stay, and the paired comparison."""

    items: int
    agreement: Score
    accuracy: PairedTest


class ExportedBundle(TypedDict):
    """A bundle that was written: its checks, what 8-bit weights change where there are such, and
    its size.
    """

    ok: bool
    checks: list[BundleCheck]
    int8: EightBitFacts | None
    files: list[str]
    bytes: int


JUDGED = ResultFile[JudgedBackbones]("judged.json")
RANKING = ResultFile[RankedBackbones]("rank.json")
LABEL_ERRORS = ResultFile[LabelErrors]("suspects.json")
EXPLORATION = ResultFile[LearningCurve]("explore.json")
LEARNING_CURVE = ResultFile[LearningCurve]("curve.json")
DOMAINS = ResultFile[DomainComparison]("domains.json")
HELD_OUT = ResultFile[HeldOutByNetworks]("held_out.json")
ROBUSTNESS = ResultFile[Robustness]("stress.json")
ESTIMATE = ResultFile[Estimate]("estimate.json")
SEARCH = ResultFile[SearchProgress]("search.json")
LABEL_QUEUE = ResultFile[LabelQueue]("queue.json")
EXPORT = ResultFile[ExportedBundle]("export.json")
PLAN = ResultFile[TrainingPlan]("plan.json")
SPEEDS = ResultFile[dict[str, float]]("speeds.json")  # in TL_HOME: items a second by backbone
