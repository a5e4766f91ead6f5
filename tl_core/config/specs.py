"""What each kind of run without a recipe is asked for: one dataclass a kind, checked when a run is
made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from tl_core.config import domains
from tl_core.config.checked import Checked, setting
from tl_core.config.finetune import FinetuneSettings
from tl_core.errors import ConfigError

RANKED_ROWS = 1000  # training rows that a ranking reads, unless asked otherwise


@dataclass(frozen=True)
class RunSpec(Checked):
    """Options of a kind of run. `needed` names those that have no default.

    Raises:
        ConfigError: for an option that is unknown, of another type, out of range, or missing.
    """

    needed: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in self.needed:
            if not getattr(self, name):
                raise ConfigError(f"{name} is missing.", "", self.help_of(name))

    def runs(self) -> list[str]:
        """Ids of the earlier runs that it reads, which must be the asker's own."""
        return []


@dataclass(frozen=True)
class ImportSpec(RunSpec):
    """A dataset, or its next version, from a source."""

    needed: ClassVar[tuple[str, ...]] = ("source", "name")

    source: str = setting("", "Folder or file, `hub:` dataset or `sample:`.")
    name: str = setting("", "Name of the dataset.")
    options: Mapping[str, object] = field(
        default_factory=dict
    )  # of `data.dataset_version.ImportOptions`
    test: str = setting("", "A file of its own with the test items.")
    append: bool = setting(False, "Whether its items are added to the newest version.")
    strict: bool = setting(False, "Whether nothing is stored that rests on a guess.")
    shown: str = setting("", "What the source is called to people.")
    upload: str = setting("", "Folder of the upload, removed once it is read.")
    served: str = setting("", "Served model whose unsure items are added instead of the source.")
    run: str = setting("", "Id of the run that made it.")

    def runs(self) -> list[str]:
        return [self.run] if self.served else []


@dataclass(frozen=True)
class FixSpec(RunSpec):
    """A version of another one: a finding mended, labels decided on, or an old state restored."""

    finding: str = setting("", "Code of the finding that is mended.")
    action: str = setting("", "How it is mended.")
    decisions: bool = setting(False, "Whether the labels decided on are applied instead.")
    restore: bool = setting(False, "Whether the version is made the newest one instead.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (self.decisions or self.restore or (self.finding and self.action)):
            raise ConfigError(
                "Nothing says what shall change.",
                "A new version mends a finding, applies decisions, or restores another one.",
                "Name a finding and how it is mended.",
            )


@dataclass(frozen=True)
class TakeoutSpec(RunSpec):
    """A version of a dataset as files."""

    needed: ClassVar[tuple[str, ...]] = ("format",)

    format: str = setting("", "One of the formats that a version can be written in.")


@dataclass(frozen=True)
class _OfRun(RunSpec):
    needed: ClassVar[tuple[str, ...]] = ("run",)

    run: str = setting("", "Id of the run whose model or bundle it is about.")

    def runs(self) -> list[str]:
        return [self.run]


@dataclass(frozen=True)
class PredictSpec(_OfRun):
    """Answers for every item of a file, or for a dataset's unlabelled ones."""

    source: str = setting("", "File or folder with the items.")
    prepared: bool = setting(False, "Whether they are the dataset's own unlabelled items.")
    format: str = setting("csv", "Format of the answers.", choices=("csv", "parquet"))
    spreadsheet: bool = setting(False, "Whether the table is made for a spreadsheet program.")
    text_column: str = setting("", "Column of the texts; found by itself when empty.")
    title_column: str = setting("", "Column of the titles that are set before the texts.")
    processes: int = setting(
        1,
        "Processes that answer texts at the same time, each on a GPU or processors of its own in a "
        "Ray cluster; without one, and for other items, a single one answers.",
        low=1,
        high=64,
    )


@dataclass(frozen=True)
class RobustnessSpec(_OfRun):
    """A trained model on worse versions of its test items."""


@dataclass(frozen=True)
class NeighboursSpec(_OfRun):
    """What each item is like to a trained model."""

    max_length: int = setting(256, "Longest text in tokens.", low=8, high=32768)


@dataclass(frozen=True)
class IndexSpec(RunSpec):
    """Every item of a version read by a backbone, so that similar ones are found at once."""

    processes: int = setting(
        1,
        "Processes that read at the same time, each on a GPU or processors of its own in a Ray "
        "cluster; without one a single one reads.",
        low=1,
        high=64,
    )


@dataclass(frozen=True)
class RankSpec(RunSpec):
    """Several backbones on a sample of the training rows."""

    needed: ClassVar[tuple[str, ...]] = ("backbones",)

    backbones: tuple[str, ...] = setting((), "References of the backbones.")
    rows: int = setting(RANKED_ROWS, "Training rows of the sample.", low=1, high=10_000_000)
    depths: bool = setting(False, "Whether each is also read after every one of its blocks.")
    processes: int = setting(
        1,
        "Backbones at the same time, each on a GPU or processors of its own in a Ray cluster; "
        "without one they follow each other.",
        low=1,
        high=64,
    )

    def runs(self) -> list[str]:
        named = [reference.removeprefix("static:") for reference in self.backbones]
        return [one.removeprefix("run:") for one in named if one.startswith("run:")]


PROPOSED = ("auto", "typical", "margin", "entropy", "diversity", "class", "random")


@dataclass(frozen=True)
class ProposeSpec(RunSpec):
    """Rows without a class to be labelled next, and the score of the labels so far."""

    strategy: str = setting(
        "auto",
        "Which rows are proposed. Auto takes typical ones until each known class has labels, then"
        " those with the smallest margin.",
        choices=PROPOSED,
    )
    wanted: str = setting("", "The class that the strategy `class` looks for.")
    batch: int = setting(20, "Rows that are proposed.", low=1, high=500)
    random_share: float = setting(
        0.15,
        "Share of each batch that is drawn at random; these rows alone tell how good the model is."
        " At least half where a dataset began without any class and has no test rows yet.",
        low=0.1,
        high=0.5,
    )
    skip: tuple[int, ...] = setting((), "Rows that people have passed over.", low=0, high=2**53)
    max_length: int = setting(256, "Longest text in tokens.", low=8, high=32768)
    seed: int = setting(0, "Random seed of the draw.", low=0, high=2**31 - 1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if (self.strategy == "class") != bool(self.wanted):
            raise ConfigError(
                "The strategy `class` and the class it looks for belong together.",
                "",
                "Name the class that is wanted, or choose another strategy.",
            )


@dataclass(frozen=True)
class DomainsSpec(RunSpec):
    """How far the domains of a dataset are apart, and each held out in turn."""

    needed: ClassVar[tuple[str, ...]] = ("column",)

    column: str = setting("", domains.COLUMN)
    rule: str = setting("within", domains.RULE, choices=("within", "across"))
    max_length: int = setting(256, "Longest text in tokens.", low=8, high=32768)
    seed: int = setting(0, "Random seed of draws and folds.", low=0, high=2**31 - 1)


@dataclass(frozen=True)
class HoldOutSpec(RunSpec):
    """Each domain of a dataset held out in turn, by networks that are fine-tuned on the others."""

    needed: ClassVar[tuple[str, ...]] = ("column", "methods")
    own: ClassVar[tuple[str, ...]] = (
        *("domain_column", "source_domain", "target_domain", "target_dataset", "adaptation"),
        *("domain_coral", "mix_style", "group_dro", "average", "continue_from", "baseline"),
    )

    column: str = setting("", domains.COLUMN)
    methods: tuple[str, ...] = setting(
        tuple(domains.HOLDING_OUT), domains.HELD_OUT_BY, items=tuple(domains.HOLDING_OUT)
    )
    settings: Mapping[str, object] = field(
        default_factory=dict
    )  # of the fine-tunings, the same for all methods

    def __post_init__(self) -> None:
        super().__post_init__()
        taken = next((name for name in self.settings if name in self.own), "")
        if taken:
            raise ConfigError(
                f"{taken} cannot be set here.",
                "Holding out domains sets it for each training.",
                "Leave it out, or train with the recipe finetune.",
            )
        if len(set(self.methods)) < len(self.methods):
            raise ConfigError("A method is named twice.", "", "Name each of methods once.")
        for method in self.methods:
            self.training(method)

    def check_domains(self, domains_there: int) -> None:
        """Refuse methods that compare the domains that are learnt from, where one is left of as
        many as there are.

        Raises:
            ConfigError: for such a method, and fewer than three domains, or mixed items.
        """
        named = next((method for method in self.methods if method in domains.TOLD_DOMAINS), "")
        if named and domains_there < 3:
            raise ConfigError(
                f"{domains.TOLD_DOMAINS[named]} needs two domains to learn from.",
                "Of one that is held out and of copies of its items nothing is learnt, which leaves"
                " items of a single one.",
                f"Leave {named} out, or bring items of a further domain.",
            )
        if named and self.settings.get("mix", "none") != "none":
            raise ConfigError(
                f"{domains.TOLD_DOMAINS[named]} needs to know the domain of each item.",
                "What is mixed of two items may be of two domains.",
                "Set mix to none.",
            )

    def options(self, method: str) -> dict[str, object]:
        """Options of a fine-tuning by a method."""
        column = {"domain_column": self.column} if method in domains.TOLD_DOMAINS else {}
        return {**self.settings, **domains.HOLDING_OUT[method], **column, "baseline": False}

    def training(self, method: str) -> FinetuneSettings:
        """The same as settings.

        Raises:
            ConfigError: for what does not go together.
        """
        return FinetuneSettings.from_dict(self.options(method))


@dataclass(frozen=True)
class ExportSpec(_OfRun):
    """A bundle of a trained model, proven and packed."""

    needed: ClassVar[tuple[str, ...]] = ("run", "name")

    name: str = setting("", "Name of the bundle's folder.")
    wishes: Mapping[str, bool] = field(default_factory=dict)  # of `export.wishes.Wishes`


@dataclass(frozen=True)
class PushSpec(_OfRun):
    """A bundle put on the Hugging Face Hub; `run` is the one that made the bundle."""

    needed: ClassVar[tuple[str, ...]] = ("run", "folder", "repository")

    folder: str = setting("", "Name of the bundle's folder in that run.")
    repository: str = setting("", "Repository as owner/name.")
    public: bool = setting(False, "Whether everybody may see it.")
