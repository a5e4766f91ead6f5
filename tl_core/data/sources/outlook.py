"""What can be told of a source before it becomes a dataset."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple, TypedDict

from tl_core.data.dataset_version import ImportOptions
from tl_core.data.sources.intake import Intake
from tl_core.data.sources.plan import PlanFacts, SampleRow
from tl_core.data.sources.types import ItemFile
from tl_core.errors import ErrorObject

if TYPE_CHECKING:
    import pyarrow as pa

SAMPLES = 3  # rows that are shown as a model will see them


class Preview(TypedDict, total=False):
    """What is in a source; the keys from `columns` on are those of its kind."""

    source: str
    question: ErrorObject | None
    modality: str
    skipped: list[dict[str, str]]
    skipped_count: int
    rows: int
    classes: dict[str, int]
    splits: dict[str, int]
    guess: dict[str, str]
    folds: list[str]
    columns: list[str]
    one_hot: list[str]
    preview: list[dict[str, str]]
    sheets: list[str]
    documents: bool
    files_are_classes: bool
    table: list[str]
    thumbnails: list[tuple[str, bytes]]


class ImportPlan(TypedDict, total=False):
    """How a source would be imported, or the question that only a person can answer."""

    question: ErrorObject | None
    classes: dict[str, dict[str, int]]
    several: bool  # whether an item may have several classes
    unlabelled: int
    too_many: bool
    plan: PlanFacts


class StatedFacts(NamedTuple):
    """What the source says of each row: arrays of strings."""

    classes: pa.Array
    splits: pa.Array
    groups: pa.Array
    dates: pa.Array


def facts_of_files(
    files: Iterable[ItemFile], options: ImportOptions, intake: Intake, sample: list[SampleRow]
) -> StatedFacts | None:
    """What is said of items that are files, into `sample` a few of different classes; None where
    there are no files.
    """
    import pyarrow as pa

    stated: list[tuple[str, str, str, str]] = []
    for file in files:
        if len(sample) < SAMPLES and file.label not in {one["label"] for one in sample}:
            sample.append({"name": file.name, "label": file.label})
        split = intake.place(file.fold, options) or file.split
        stated.append((file.label, split, file.group, file.date))
    if not stated:
        return None
    return StatedFacts(*(pa.array(list(part), pa.string()) for part in zip(*stated, strict=True)))
