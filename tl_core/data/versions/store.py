"""An immutable dataset version on disk, read through memory-mapped Arrow.

`items.arrow` holds what the model sees and the extra columns, `index.parquet` the label and split
of each row, `version.json`, written last, everything else. A folder without it is not a version.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tl_core.data.checks.class_names import named_classes
from tl_core.data.dataset_version import FindingFacts
from tl_core.data.item_kind import kind_of
from tl_core.data.label_sets import LabelSets
from tl_core.data.preparation import PreparationFacts
from tl_core.data.sources.plan import PlanFacts
from tl_core.data.versions.items import open_items
from tl_core.data.versions.rows import Facts, RowFacts, read_facts
from tl_core.errors import DataError
from tl_core.json_files import write_json
from tl_core.modalities import MODALITIES
from tl_core.tasks import MULTI_LABEL, TASKS

if TYPE_CHECKING:
    import datasets
    import pyarrow as pa

SCHEMA_VERSION = 2


@dataclass(frozen=True)
class VersionInfo:
    """Everything about a version but its rows.

    `classes` maps each class to its labelled rows. Where an item may have several classes,
    `label_sets` holds the places of the classes of each number that a row may have for a label.
    """

    modality: str
    task: str
    rows: int
    classes: dict[str, int]
    splits: dict[str, int]
    class_splits: dict[str, dict[str, int]]
    fingerprint: str
    inputs_fingerprint: str
    columns: dict[str, str] = field(default_factory=dict)
    skipped: list[dict[str, str]] = field(default_factory=list)
    skipped_count: int = 0
    findings: list[FindingFacts] = field(default_factory=list)
    options: dict[str, object] = field(default_factory=dict)
    source: str = ""
    extras_fingerprint: str = ""
    parent: str = ""  # the version this one was made from, as name@number
    change: str = ""  # what was done to it, in a sentence
    settled: list[str] = field(default_factory=list)  # findings that a person has accepted
    plan: PlanFacts = field(default_factory=PlanFacts)  # what was taken and why
    # what is done to a row before a network sees it
    preparation: PreparationFacts = field(default_factory=PreparationFacts)
    label_sets: list[list[int]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)  # classes in the order of their keys in Labelling
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        if self.modality not in MODALITIES or self.task not in TASKS:
            raise DataError(
                f"This dataset holds {self.modality} for {self.task}.",
                "A newer version may have made it.",
                "Update this program.",
            )

    @property
    def labels(self) -> list[str]:
        """Class names in their order."""
        return list(self.classes)

    @property
    def labelled_here(self) -> bool:
        """Whether the dataset began without any class, so that its labels are given here."""
        return bool(self.options.get("label_here"))

    @property
    def offered(self) -> list[str]:
        """Classes that a row may be given: those of the version, and those that were named for it
        and have no row yet.
        """
        return list(dict.fromkeys([*self.labels, *self.named]))

    @property
    def named(self) -> list[str]:
        """Classes that were named when the dataset was made, in the order in which they were."""
        return named_classes(str(self.options.get("classes", "")))

    @cached_property
    def sets(self) -> LabelSets:
        """What the numbers of labels mean."""
        if self.task == MULTI_LABEL.name:
            return LabelSets.of_places(self.labels, self.label_sets)
        return LabelSets.of_classes(self.labels)

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


class DatasetVersion:
    """One version, opened for reading.

    Raises:
        DataError: when the folder holds no complete version.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        try:
            self.info = VersionInfo(**json.loads((self.folder / "version.json").read_text()))
        except (OSError, ValueError, TypeError) as error:
            raise DataError(
                "The dataset's files are missing or damaged.",
                f"{type(error).__name__} in {self.folder.name}.",
                "Add the data again.",
            ) from error

    @cached_property
    def items(self) -> datasets.Dataset:
        """The rows' inputs as a memory-mapped Hugging Face dataset; images stay encoded bytes."""
        import datasets

        return datasets.Dataset.from_file(str(self.folder / "items.arrow"))

    @cached_property
    def table(self) -> pa.Table:
        """The same rows as a memory-mapped Arrow table: cheap to open, so pages and training read
        through it.
        """
        return open_items(self.folder)

    @cached_property
    def _index(self) -> Facts:
        import pyarrow.parquet as pq

        table = pq.read_table(self.folder / "index.parquet")
        return {name: table.column(name).to_numpy() for name in table.column_names}

    @property
    def labels(self) -> NDArray[np.int64]:
        """What each row has for a label: a number of `info.sets`, -1 without one."""
        values: NDArray[np.int64] = self._index["label"]
        return values

    @property
    def sets(self) -> LabelSets:
        """What the numbers of labels mean."""
        return self.info.sets

    @property
    def targets(self) -> NDArray[np.int64]:
        """What is learnt and judged: the class of each row (rows,), or where there may be several,
        whether it has each (rows, classes); -1 without a label.
        """
        return self.sets.targets(self.labels)

    def label_names(self, rows: NDArray[np.int64]) -> list[str]:
        """What people call the labels of rows, "" without one."""
        names = np.array([*self.sets.names, ""], dtype=object)
        return list(names[self.labels[rows]])

    @property
    def splits(self) -> NDArray[np.str_]:
        return np.asarray(self._index["split"], dtype="<U10")

    @property
    def groups(self) -> NDArray[np.int64]:
        """Rows with equal numbers belong together: same named group, or exact duplicates."""
        values: NDArray[np.int64] = self._index["group"]
        return values

    @property
    def folds(self) -> NDArray[np.int64]:
        """Part of the planned cross-validation that each train or validation row is held out in; -1
        without one.
        """
        values: NDArray[np.int64] = self._index.get("fold", np.full(len(self.labels), -1)).astype(
            np.int64
        )
        return values

    def row_facts(self) -> RowFacts:
        """Everything remembered of the rows, to judge them again or to make a new version of
        them.
        """
        facts, pairs = read_facts(self.folder)
        named, dates = facts.pop("named"), facts.pop("date")
        return RowFacts(
            self.info.modality,
            self.sets,
            self.labels,
            self.splits,
            named,
            dates,
            facts,
            pairs,
        )

    def facts(self) -> Facts:
        """Facts about each row: light, sharpness and size of pictures; length, script and such of
        texts.
        """
        return self.row_facts().facts

    def finding_rows(self, finding: str) -> NDArray[np.int64]:
        """The rows that a finding is about, rows that belong together one after the other."""
        import pyarrow.parquet as pq

        table = pq.read_table(self.folder / "findings.parquet", filters=[("finding", "=", finding)])
        rows: NDArray[np.int64] = table.column("row").to_numpy()
        return rows

    def rows_of(self, *names: str) -> NDArray[np.int64]:
        """Row numbers of the named splits, in order."""
        return np.flatnonzero(np.isin(self.splits, names))

    def texts(self, rows: NDArray[np.int64]) -> list[str]:
        """The texts of `rows`."""
        return list(self.table.column("text").take(rows).to_pylist())

    def file_bytes(self, row: int) -> bytes:
        """The encoded file of one row, as it was brought, in a version whose items are files."""
        column = self.table.column(kind_of(self.info.modality).stored.name)
        data: bytes = column.slice(int(row), 1).to_pylist()[0]["bytes"]
        return data

    def image_bytes(self, row: int) -> bytes:
        """The encoded picture of one row, as it was brought."""
        data: bytes = self.table.column("image").slice(int(row), 1).to_pylist()[0]["bytes"]
        return data

    def titles(self, rows: NDArray[np.int64]) -> list[str]:
        """What a person knows each row by: the item itself, or its name."""
        return kind_of(self.info.modality).titles(self.table.take(rows))

    def names(self, rows: NDArray[np.int64]) -> list[str]:
        """What to call each row to a person: the file name, or the row number in the source."""
        return list(self.table.column("name").take(rows).to_pylist())


def write_index(
    folder: Path,
    labels: NDArray[np.int64],
    splits: NDArray[np.str_],
    groups: NDArray[np.int64],
    folds: NDArray[np.int8],
) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    names, codes = np.unique(splits, return_inverse=True)
    split = pa.DictionaryArray.from_arrays(
        pa.array(codes, pa.int8()), pa.array(names.tolist(), pa.string())
    )
    pq.write_table(
        pa.table(
            {
                "label": pa.array(labels, pa.int64()),
                "split": split.dictionary_decode(),
                "group": pa.array(groups, pa.int64()),
                "fold": pa.array(folds, pa.int8()),
            }
        ),
        folder / "index.parquet",
    )


def write_unlabelled(folder: Path, rows: NDArray[np.int64], modality: str) -> None:
    """Write rows without a class as a table of their own, to be predicted once there is a model;
    those of a modality that no plain table holds stay where they are.
    """
    if not len(rows) or "csv" not in kind_of(modality).formats:
        return
    from pyarrow import csv

    csv.write_csv(open_items(folder).take(rows).drop_columns(["name"]), folder / "unlabelled.csv")


def write_info(folder: Path, info: VersionInfo) -> None:
    """Write `version.json` last and whole, so that its presence means a complete version."""
    write_json(folder / "version.json", info.as_dict())
