"""What programs send to `/api/v1`, and what they get."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from tl_core.config.specs import PROPOSED
from tl_core.errors import NotFoundError
from tl_core.predict.serving.contract import CHARS, ITEMS

FILES = 32  # of one question
Name = Annotated[str, StringConstraints(max_length=255)]
_DEEPEST = 32
_REFERENCE = re.compile(r"[^@]{1,200}(@[0-9]{1,9})?")
_PLAIN = {"pattern": r"^[^\x00-\x1f\x7f]+$"}  # for the document: others are not there, either

Reference = Annotated[
    str,
    Path(
        description="`name`, `name@version`, or `ana/name` of what Ana shares",
        json_schema_extra=_PLAIN,
    ),
]
RunId = Annotated[str, Path(description="id of the run", json_schema_extra=_PLAIN)]
FileName = Annotated[str, Path(description="as the list of files has it", json_schema_extra=_PLAIN)]


def dataset_reference(text: str) -> str:
    """The reference of a dataset.

    Raises:
        NotFoundError: when nothing can be called so.
    """
    if not _REFERENCE.fullmatch(text):
        raise NotFoundError(f"There is no dataset {text!r}.")
    return text


class Sent(BaseModel):
    """A body: nothing unknown in it, and no text that a database could not hold."""

    model_config = ConfigDict(extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, content: object) -> object:
        _check_plain(content)
        return content


def _check_plain(content: object, depth: int = 0) -> None:
    if depth > _DEEPEST:
        raise ValueError("it is nested too deeply")
    if isinstance(content, str):
        if "\0" in content or not _is_whole(content):
            raise ValueError("a text holds a NUL or half a character")
    elif isinstance(content, dict):
        for key, value in content.items():
            _check_plain(key, depth + 1)
            _check_plain(value, depth + 1)
    elif isinstance(content, list):
        for value in content:
            _check_plain(value, depth + 1)


def _is_whole(text: str) -> bool:
    """Whether no character is half of one. A text may have many MB: no loop over its signs."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class ImportWishes(Sent):
    """How a source becomes a dataset; `options` are the flags of `data add`, with underscores."""

    name: Name = Field(description="Name of the dataset.")
    options: dict[str, Any] = Field({}, description="Import options; what is missing is guessed.")
    append: bool = Field(False, description="Add the rows to the newest version.")
    strict: bool = Field(False, description="Store nothing that rests on a guess.")


class FromSource(ImportWishes):
    """A dataset of the Hub (`hub:owner/name`) or a sample (`sample:digits`)."""

    source: Name = Field(pattern=r"^(hub|sample):.+$", description="`hub:owner/name` or `sample:`.")


class NewRun(Sent):
    """A training as `train` takes it; `preflight` only estimates it."""

    kind: Literal["train", "preflight"] = "train"
    dataset: Name = Field(description="`name`, `name@version` or `ana/name`.")
    recipe: Name = Field(description="How to train.")
    backbone: Name = Field("", description="A reference such as `starter:text`.")
    settings: dict[str, Any] = Field({}, description="Settings of the recipe.")
    sealed: bool = Field(False, description="Keep the test score closed.")


class FileWishes(Sent):
    """How a file is to be answered."""

    format: Literal["csv", "parquet"] = "csv"
    spreadsheet: bool = Field(False, description="Guard cells that a spreadsheet would run.")
    text_column: Name = ""
    title_column: Name = ""
    processes: int = Field(
        1, ge=1, le=64, description="Processes that answer texts at once on a Ray cluster."
    )


class Unlabelled(FileWishes):
    """The rows without a class of a dataset."""

    unlabelled: Name = Field(description="The dataset.")


class BundleWishes(Sent):
    """What a bundle shall hold."""

    onnx: bool = Field(False, description="Also model.onnx.")
    int8: bool = Field(False, description="Also an ONNX file in 8 bits, its cost measured.")
    examples: bool = Field(False, description="Golden examples from your own test items.")


class Questions(Sent):
    """New items for a model: texts, rows of a table, or pictures or recordings in base64; one of
    them.
    """

    texts: list[Annotated[str, Field(min_length=1, max_length=CHARS)]] = Field(
        [], min_length=1, max_length=ITEMS
    )
    rows: list[dict[str, str | int | float | None]] = Field([], min_length=1, max_length=ITEMS)
    images: list[Annotated[str, Field(min_length=1)]] = Field(
        [], min_length=1, max_length=FILES, description="Encoded pictures (PNG, JPEG), base64."
    )
    sounds: list[Annotated[str, Field(min_length=1)]] = Field(
        [],
        min_length=1,
        max_length=FILES,
        description="Recordings (WAV, FLAC, OGG, MP3), base64.",
    )

    @model_validator(mode="after")
    def _one_of_them(self) -> Questions:
        if sum(map(bool, (self.texts, self.rows, self.images, self.sounds))) != 1:
            raise ValueError("give either texts, rows, images or sounds")
        return self


class Count(Sent):
    """How many rows."""

    count: int = Field(1, ge=1, le=200, description="Rows at most.")


class RowLabel(Sent):
    """A row of a version, counted from 0, and its class."""

    row: int = Field(ge=0, lt=1 << 53)
    label: str = Field(
        "",
        max_length=4000,
        description="The class; a JSON list where there may be several; empty for a skip.",
    )


class Answers(Sent):
    """What somebody says about rows; labels that come together are undone together."""

    action: Literal["label", "skip", "settle"] = Field(
        "label", description="`skip`: cannot say; `settle`: the last word where people differ."
    )
    labels: list[RowLabel] = Field(min_length=1, max_length=1000)
    new: bool = Field(False, description="They may be classes that the dataset lacks.")

    @model_validator(mode="after")
    def _sure(self) -> Answers:
        if len({one.row for one in self.labels}) < len(self.labels):
            raise ValueError("a row is named twice")
        if self.new and self.action != "label":
            raise ValueError("new goes with the action label alone")
        return self


class ProposalWishes(Sent):
    """Which rows are to be proposed; see docs/guide/labelling.md."""

    backbone: Name = Field("", description="Whose features are read; empty: a starter.")
    strategy: str = Field("auto", pattern=f"^({'|'.join(PROPOSED)})$")
    wanted: Name = Field("", description="The class that the strategy `class` looks for.")
    batch: int = Field(20, ge=1, le=500)
    random_share: float = Field(0.15, ge=0.1, le=0.5)


class DatasetSummary(BaseModel):
    """A version in a list; `reference` is what the asker calls it."""

    dataset: str
    version: int
    reference: str
    mine: bool
    fingerprint: str
    modality: str
    task: str
    rows: int
    classes: int
    created: float


class Datasets(BaseModel):
    """Datasets, newest first."""

    datasets: list[DatasetSummary]


class DatasetFacts(BaseModel):
    """The dataset object of the command line contract."""

    dataset: str
    version: int
    reference: str
    mine: bool
    created: float
    fingerprint: str
    modality: str
    task: str
    rows: int
    classes: dict[str, int]
    splits: dict[str, int]
    class_splits: dict[str, dict[str, int]]
    columns: dict[str, str]
    skipped: list[dict[str, Any]]
    skipped_count: int
    findings: list[dict[str, Any]]
    plan: dict[str, Any]
    preparation: dict[str, Any]
    parent: str
    change: str


class DeletedDataset(BaseModel):
    """What went into the trash."""

    deleted: str
    versions: int
    runs: int


class LabellingFacts(BaseModel):
    """The labelling object of the command line contract."""

    dataset: str
    labels: dict[str, str]
    disputes: list[dict[str, Any]]
    passed: list[int]
    without_class: int
    agreement: dict[str, Any]
    test_outlook: str


class Taken(BaseModel):
    """Rows for the asker to label, kept from others for ten minutes."""

    dataset: str
    rows: list[dict[str, Any]]


class Proposed(BaseModel):
    """What a run has chosen to be labelled next, as `labels next` shows it."""

    run: str
    strategy: str
    note: str
    sentence: str
    classes: list[str]
    population: int
    labels: int
    left: int
    rows: list[dict[str, Any]]
    earlier: list[dict[str, Any]] = Field([], description="Rows of earlier choices that wait.")
    clusters: list[dict[str, Any]]
    curve: list[dict[str, Any]]


class Undone(LabellingFacts):
    """The same after something was taken back, and the rows of that."""

    undone: list[int]


class RunFacts(BaseModel):
    """The run object of the command line contract, and what else is known of a run. Times are
    seconds since 1970.
    """

    run_id: str
    kind: str
    dataset: str
    backbone: str
    recipe: str
    status: str
    reason: dict[str, Any] | None
    created: float
    started: float | None
    finished: float | None
    progress: float
    headline: str
    place: int
    parent: str
    mine: bool
    cancel_requested: bool
    stop_requested: bool
    summary: dict[str, Any] | None


class RunDetails(RunFacts):
    """One run; `settings` are those of its recipe, empty for runs without one."""

    settings: dict[str, Any]
    sealed: bool


class Runs(BaseModel):
    """Runs, newest first; `next` is the cursor of the part that follows, null at the end."""

    runs: list[RunFacts]
    next: str | None


class DeletedRun(BaseModel):
    """What went into the trash."""

    deleted: str


class Events(BaseModel):
    """Events of a run, and where the following ones begin."""

    events: list[dict[str, Any]]
    next: int


class FileFacts(BaseModel):
    """A file that may be taken; `bytes` is null where it is made while it is sent."""

    name: str
    bytes: int | None


class Files(BaseModel):
    """Files of a run."""

    files: list[FileFacts]


class Me(BaseModel):
    """Who acts; `scopes` is null for somebody who has signed in. `version` is the server's."""

    handle: str
    name: str
    role: str
    scopes: list[str] | None
    version: str


class PersonFacts(BaseModel):
    """Somebody here."""

    handle: str
    name: str


class Everybody(BaseModel):
    """The people of a server."""

    people: list[PersonFacts]
