"""What a dataset version is made of: the options of its import and the findings about it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TypedDict, cast

from tl_core.config import Checked, setting

SPLITS = ("train", "validation", "test", "unlabelled", "removed")


@dataclass(frozen=True)
class ImportOptions(Checked):
    """How a source becomes a dataset version."""

    text_column: str = setting(
        "", "Column that holds the text. Empty: guessed from names and content."
    )
    label_column: str = setting(
        "",
        "Column that holds the class, or several columns of 0 and 1 (or of probabilities) that are "
        "one class each, their names with commas between. Empty: guessed from names and content.",
    )
    group_column: str = setting(
        "",
        "Column that says which rows belong together (customer, patient, video); a group is"
        " always kept in one split.",
    )
    split_column: str = setting(
        "", "Column that already says train, validation or test; none: no column does."
    )
    title_column: str = setting(
        "",
        "A second text column, such as the title or the subject, that is put in front of the text.",
    )
    image_column: str = setting(
        "", "Column that names the image file, where a table lists images. Empty: guessed."
    )
    audio_column: str = setting(
        "", "Column that names the sound file, where a table lists recordings. Empty: guessed."
    )
    date_column: str = setting(
        "",
        "Column with a date: the newest rows become the test, those before them "
        "validation. Choose it when the model will be used on later items than it learnt from.",
    )
    sheet: str = setting("", "Sheet of an Excel file. Empty: the first one that holds anything.")
    encoding: str = setting(
        "",
        "Text encoding, such as utf-8, gb18030, cp932 or cp1252. Empty: recognised from the "
        "file. Name it when letters look wrong in the preview.",
    )
    header: str = setting(
        "",
        "Whether the first line of a table names its columns. Empty: recognised from the file.",
        choices=("", "yes", "no"),
    )
    date_order: str = setting(
        "",
        "What the numbers of a date such as 03/04/2025 mean: dmy is day, month, year; mdy is "
        "month, day, year; ymd is year, month, day. Empty: decided by values above 12 in the "
        "whole column, else asked.",
        choices=("", "dmy", "mdy", "ymd"),
    )
    class_level: int = setting(
        0,
        "Which folder level names the class, counted from the top below wrappers and split "
        "folders; 0 recognises it and asks where names repeat on the next level. Where it is not "
        "the first, the folder above it is kept as the column `domain`.",
        low=0,
        high=32,
    )
    labels_from: str = setting(
        "",
        "Where the classes of pictures, recordings or documents stand: in their folders, in a "
        "table, or in the names of the files (cat.12.jpg). Empty: recognised, asked where two of "
        "them disagree.",
        choices=("", "folders", "table", "names"),
    )
    test_fold: str = setting(
        "",
        "Name of the fold (folder or value of the fold column) that becomes the test. Empty: "
        "folds are not used as splits.",
    )
    ignore_splits: bool = setting(
        False, "Split the rows anew, even where the data has splits of its own."
    )
    speaker_part: int = setting(
        0,
        "Which part of a recording's file name says who speaks, parted by _, - or blanks: 2 in "
        "3_jackson_12.wav. The recordings of a speaker stay in one split. 0: recognised; -1: no"
        " part does.",
        low=-1,
        high=20,
    )
    pages: str = setting(
        "",
        "What to take of files with several pages (TIFF): the first page, or all of them as items "
        "of their own. Empty: the first, and said so.",
        choices=("", "first", "all"),
    )
    task: str = setting(
        "",
        "single_label: an item has one class, and every different cell is one, even when it looks "
        "like a list of several. multi_label: an item may have any number of classes. Empty: "
        "recognised from the cells.",
        choices=("", "single_label", "multi_label"),
    )
    label_separator: str = setting(
        "",
        "The sign between several classes in one cell, such as ; or |. Empty: recognised from the "
        "cells.",
    )
    label_here: bool = setting(
        False,
        "Nothing has a class yet: classes will be given here, by people who label. No class and no "
        "split is read from the data; every row waits without a class.",
    )
    classes: str = setting(
        "",
        "Names of the classes that will be given, with commas between, where nothing has a class "
        "yet. Empty, or more of them: they are named while labelling.",
    )
    repair: bool = setting(
        False,
        "Repair texts that were decoded wrongly (bÃ©art), and take out HTML entities, "
        "control characters and zero-width characters. The model then repairs what it predicts,"
        " too.",
    )
    hub_config: str = setting("", "Configuration of a Hub dataset. Empty: its default one.")
    hub_split: str = setting(
        "", "Split of a Hub dataset. Empty: all of its train, validation and test."
    )
    row_limit: int = setting(
        0,
        "Most rows to read from each split of a Hub dataset; 0 reads all.",
        low=0,
        high=10_000_000,
    )
    val_is: str = setting(
        "test",
        "What a lone validation split becomes: the test set (validation is then carved "
        "from train), or validation as it is.",
        choices=("test", "validation"),
    )
    val_fraction: float = setting(
        0.0, "Share of the rows set aside for validation; 0 picks it by size.", low=0.0, high=0.5
    )
    test_fraction: float = setting(
        0.0, "Share of the rows set aside for the test; 0 picks it by size.", low=0.0, high=0.5
    )
    new_rows: str = setting(
        "split",
        "Where rows go that are added to a dataset: split like the rest, or all to train, "
        "which leaves the test rows as they are.",
        choices=("split", "train"),
    )
    remove_leaks: bool = setting(
        False, "Leave out training rows that are also in the validation or test rows."
    )
    seed: int = setting(
        0,
        "Random seed of the split; the same seed gives the same split.",
        low=0,
        high=2**31 - 1,
    )

    @property
    def splits_anew(self) -> bool:
        """Whether no split is read from the data."""
        return self.ignore_splits or self.label_here


class Action(TypedDict):
    """A fix by one click: what the program calls it, and what its button says."""

    id: str
    label: str


class FindingFacts(TypedDict):
    """A finding as `version.json` holds it."""

    id: str
    severity: str
    text: str
    count: int
    fix: str
    items: list[str]
    actions: list[Action]


@dataclass(frozen=True)
class Finding:
    """One thing to know about the data: what, how serious, which items, and what to do."""

    id: str
    severity: str  # info | warning | problem
    text: str
    count: int = 0
    fix: str = ""
    items: list[str] = field(default_factory=list)
    actions: list[Action] = field(default_factory=list)

    def as_dict(self) -> FindingFacts:
        return cast(FindingFacts, asdict(self))
