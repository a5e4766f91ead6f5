"""What the folders inside one folder are to each other: splits, folds, parts, copies, masks, or
classes.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import PurePosixPath

from tl_core.data.sources.names import (
    SPLIT_NAMES,
    UNLABELLED,
    is_generic,
    part_of,
    split_of,
    words_of,
)

_MASKS = frozenset(
    (
        "mask",
        "masks",
        "segmentation",
        "segmentations",
        "gt",
        "groundtruth",
        "annotation",
        "annotations",
        "trimap",
        "trimaps",
    )
)
_LABELLED = frozenset(("labeled", "labelled"))
Tree = dict[tuple[str, ...], set[str]]


@dataclass(frozen=True)
class Meaning:
    """What one folder stands for; one that `is_class` is left for the class, `rest` is the class in
    a name that also says the split.
    """

    split: str = ""
    fold: str = ""
    rest: str = ""
    part: bool = False
    aside: str = ""
    alike: bool = False  # it holds folders named like the classes, and is left out all the same
    is_class: bool = True


def meanings(names: list[PurePosixPath]) -> dict[tuple[str, ...], dict[str, Meaning]]:
    """What the folders of each folder mean, as far as they are no plain classes."""
    tree: Tree = defaultdict(set)
    for name in names:
        for depth, folder in enumerate(name.parts[:-1]):
            tree[name.parts[:depth]].add(folder)
    return {
        parent: meaning
        for parent, inside in list(tree.items())
        if (meaning := _meaning(parent, inside, tree))
    }


def _meaning(parent: tuple[str, ...], siblings: set[str], tree: Tree) -> dict[str, Meaning]:
    copy = Meaning(aside="a second copy of the folders beside it", alike=True, is_class=False)
    copies = {
        name: copy
        for name in siblings
        if len(siblings) > 2 and len(tree.get((*parent, name), set()) & siblings) > 1
    }
    if copies:
        return copies
    splits = {name: split for name in siblings if (split := split_of(name, siblings))}
    kinds = {*splits.values()}
    if splits and (
        len(splits) == len(siblings)
        or len(kinds - {"unlabelled"}) > 1
        or ("train" in kinds and "unlabelled" in kinds)
    ):
        return _splits(parent, siblings, splits, tree)
    waiting = {
        name
        for name in siblings
        if {*words_of(name)} & UNLABELLED and split_of(name) == "unlabelled"
    }
    if waiting and len(waiting) < len(siblings):
        labelled = {
            name: Meaning(is_class=False)
            for name in siblings - waiting
            if {*words_of(name)} <= _LABELLED
        }
        return {name: Meaning(split="unlabelled", is_class=False) for name in waiting} | labelled
    masks = {name for name in siblings if {*words_of(name)} <= _MASKS}
    if masks and all(is_generic(name) for name in siblings - masks) and masks != siblings:
        aside = Meaning(aside="in a folder of masks", is_class=False)
        return dict.fromkeys(masks, aside) | dict.fromkeys(
            siblings - masks, Meaning(is_class=False)
        )
    if both := _classes_with_splits(siblings):
        return both
    pieces = {name: kind for name in siblings if (kind := part_of(name, siblings))}
    if pieces and len(pieces) == len(siblings) and len(siblings) > 1:
        return {
            name: Meaning(fold=name if kind == "fold" else "", part=kind == "part", is_class=False)
            for name, kind in pieces.items()
        }
    return {}


def _splits(
    parent: tuple[str, ...], siblings: set[str], splits: dict[str, str], tree: Tree
) -> dict[str, Meaning]:
    """Splits, and what lies beside them; folders of the same classes there are worth a word."""
    inside = set().union(*(tree.get((*parent, name), set()) for name in splits))
    meaning = {name: Meaning(split=split, is_class=False) for name, split in splits.items()}
    for name in siblings - {*splits}:
        alike = len(tree.get((*parent, name), set()) & inside) > 1
        meaning[name] = Meaning(aside="outside the train, validation and test folders", alike=alike)
    return meaning


def _classes_with_splits(siblings: set[str]) -> dict[str, Meaning]:
    """Folders such as cats_train, cats_test, dogs_train and dogs_test: each is a class and a
    split.
    """
    meaning: dict[str, Meaning] = {}
    splits: dict[str, set[str]] = defaultdict(set)
    for name in siblings:
        words = re.split(r"[\s_.-]+", name)
        marks = [word for word in words if word.lower() in SPLIT_NAMES]
        base = "_".join(word for word in words if word not in marks)
        if len(marks) != 1 or not base:
            return {}
        meaning[name] = Meaning(split=SPLIT_NAMES[marks[0].lower()], rest=base)
        splits[base].add(meaning[name].split)
    every = {frozenset(one) for one in splits.values()}
    return meaning if len(splits) > 1 and len(every) == 1 and len(next(iter(every))) > 1 else {}
