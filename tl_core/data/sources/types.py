"""What a source is made of: files that are items, and tables, with the class and split of each."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from tl_core.data.layouts.class_lists import ClassList
from tl_core.data.limits import LIMITS, Limits
from tl_core.data.roles.columns import Columns
from tl_core.data.sources.names import readable
from tl_core.data.sources.plan import Plan

LAYOUT_HELP = (
    "Make one folder for each class and put its files in it, or bring a table (CSV, XLSX, JSONL or"
    " Parquet) with one row for each item."
)
PLAIN_TEXTS = {".txt", ".md", ".text"}


@dataclass(frozen=True, slots=True)
class ItemFile:
    """One item (a picture, a document): a file, or bytes that a table carried."""

    path: Path
    name: str  # as shown to people: relative to the source
    label: str
    split: str  # "" when the source has no splits
    group: str = ""
    date: str = ""
    extra: dict[str, str] = field(default_factory=dict)
    data: bytes | None = None
    fold: str = ""


@dataclass(frozen=True)
class TableFile:
    """One table of a source; `label` is the class of all its rows where files stand for classes.

    `kind` is list or cub for plain lists of pictures, else empty; `columns` are those that were
    found when the source was opened, None where its reader finds them.
    """

    path: Path
    split: str = ""
    sheet: str = ""
    label: str = ""
    kind: str = ""
    columns: Columns | None = None


@dataclass
class Source:
    """What was found: files of which each is an item, or tables whose rows are the items or name
    their files.

    `tables` hold the items. `listings` list `files`, whose own classes are then only those of
    their folders; with `folders_hold` these count for files that no listing names, and
    `table_classes` says how a listing calls them. `class_list` says what numbers of classes mean.
    `plan` says what was taken and why.
    """

    modality: str
    files: list[ItemFile] = field(default_factory=list)
    tables: list[TableFile] = field(default_factory=list)
    listings: list[TableFile] = field(default_factory=list)
    folders_hold: bool = False
    table_classes: dict[str, str] = field(default_factory=dict)
    class_list: ClassList = field(default_factory=ClassList)
    skipped: list[dict[str, str]] = field(default_factory=list)
    limits: Limits = LIMITS
    root: Path = Path()
    plan: Plan = field(default_factory=Plan)

    @property
    def splits(self) -> set[str]:
        """The splits that the source itself has."""
        return {*(one.split for one in self.files), *(one.split for one in self.tables)} - {""}


@dataclass
class Contents:
    """The files of a folder, relative to `root`: by the modality of which each is an item, and
    tables.
    """

    root: Path
    items: defaultdict[str, list[PurePosixPath]] = field(default_factory=lambda: defaultdict(list))
    tables: list[PurePosixPath] = field(default_factory=list)
    skipped: list[dict[str, str]] = field(default_factory=list)

    @property
    def texts(self) -> list[PurePosixPath]:
        """Plain texts; beside items of another modality they are notes or lists."""
        return self.items["text"]

    def skip(self, name: PurePosixPath, reason: str) -> None:
        self.skipped.append({"item": readable(str(name)), "reason": reason})
