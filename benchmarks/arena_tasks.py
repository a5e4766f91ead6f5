"""The tasks of the arena, each written once as files with fixed splits that ours and the references
read alike.

Photos lie in class folders below train, val and test; texts in one table with the columns text,
label and split. Where a set brings a test of its own, that is the test; else three tenths are.
Training rows are capped.
"""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np

from tl_core.data.sources.samples import sample_source

PHOTOS = ("hymenoptera", "digits", "pacs photo", "pacs art_painting", "pacs cartoon", "pacs sketch")
TEXTS = ("trec", "messages", "messages-zh", "films", "products", "restaurants")
MOST, TEST, VALIDATION = 1000, 0.3, 0.15
Item = tuple[
    str, str, str
]  # a text or the path of a picture, its class, its split if it brings one


def items_of(task: str, data: Path, staging: Path) -> list[Item]:
    """Everything that a task holds."""
    if task == "hymenoptera":
        return [*_folders(data / task / "train"), *(_named(_folders(data / task / "val"), "test"))]
    if task == "digits":
        return _folders(sample_source("digits", staging))
    if task.startswith("pacs "):
        return _folders(data / "pacs" / task.partition(" ")[2])
    if task == "trec":
        return [*_rows(data / task / "train.csv"), *_named(_rows(data / task / "test.csv"), "test")]
    if task in ("messages", "messages-zh"):
        return _rows(sample_source(task, staging))
    return _rows(data / "review_domains" / f"{task}.csv")


def _folders(root: Path) -> list[Item]:
    return [
        (str(path), folder.name, "")
        for folder in sorted(root.iterdir())
        if folder.is_dir()
        for path in sorted(folder.iterdir())
    ]


def _rows(path: Path) -> list[Item]:
    with path.open(newline="", encoding="utf-8") as handle:
        return [
            (text, label, "")
            for text, label in (tuple(row.values())[:2] for row in csv.DictReader(handle))
        ]


def _named(items: list[Item], split: str) -> list[Item]:
    return [(item, label, split) for item, label, _ in items]


def split(items: list[Item], most: int = MOST) -> list[Item]:
    """The same with a split for each, drawn class by class; training rows beyond `most` are left
    out.
    """
    random = np.random.default_rng(0)
    labels = np.array([label for _, label, _ in items])
    given = np.array([name for _, _, name in items])
    splits = given.astype("<U10")
    for label in np.unique(labels):
        free = random.permutation(np.flatnonzero((labels == label) & (given == "")))
        test = 0 if (given == "test").any() else round(TEST * len(free))
        held = round(VALIDATION * len(free))
        splits[free[:test]], splits[free[test : test + held]], splits[free[test + held :]] = (
            "test",
            "val",
            "train",
        )
    train = random.permutation(np.flatnonzero(splits == "train"))
    splits[train[most:]] = ""
    return [
        (item, label, str(name))
        for (item, label, _), name in zip(items, splits, strict=True)
        if name
    ]


def write(task: str, data: Path, target: Path, most: int = MOST) -> Path:
    """A task as files below `target`; gives the folder of photos, or the table."""
    place = target / ("photos" if task in PHOTOS else "texts.csv")
    if place.exists():
        return place
    rows = split(items_of(task, data, target / "staging"), most)
    if task in PHOTOS:
        for number, (path, label, name) in enumerate(rows):
            folder = place / name / label
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, folder / f"{number:05}{Path(path).suffix}")
    else:
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("w", newline="", encoding="utf-8") as handle:
            csv.writer(handle).writerows([("text", "label", "split"), *rows])
    return place
