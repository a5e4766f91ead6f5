"""What the folders and names of files say about each of them: its split, its fold, its class."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from tl_core.data.names import SPLIT_NAMES, is_generic, part_of, readable, split_of, words_of
from tl_core.data.plan import Plan
from tl_core.data.text_facts import clean_label
from tl_core.errors import AmbiguousError

_CAMERA = frozenset(("img", "dsc", "dscn", "dscf", "dcim", "pict", "photo", "image", "picture", "pic", "frame",
    "scan", "screenshot", "screen", "file", "page", "p", "mvi", "gopr", "dji", "pxl", "wp", "sam", "cimg", "imag",
    "snap", "whatsapp", "video", "vid", "clip", "doc", "document", "text", "item", "sample", "id", "n", "no", "x",
    "train", "test", "val", "valid"))
_NUMBERED = re.compile(r"^(?P<name>.*?[^\W\d_].*?)[\s._()#-]*\d+[\s._()-]*$", re.DOTALL)
_LEAST_NAMED = 0.9  # of the files must be named after a class before their names are believed


@dataclass
class Placed:
    """What was read off one file's path; "" for what it does not say."""

    name: PurePosixPath
    split: str = ""
    fold: str = ""
    rest: tuple[str, ...] = ()  # folders that are left when wrappers, splits and folds are taken away
    label: str = ""
    aside: str = ""  # why it is no example


@dataclass
class Folders:
    """The files of a source, placed; `by` says what the classes stand in: folders, names or ""."""

    placed: list[Placed]
    plan: Plan = field(default_factory=Plan)
    by: str = ""

    @property
    def classes(self) -> Counter[str]:
        return Counter(one.label for one in self.placed if one.label and not one.aside)


def read_folders(names: list[PurePosixPath], class_level: int = 0, labels_from: str = "") -> Folders:
    """Place every file by its path below the source.

    Folders named after splits are splits at any depth, numbered pieces (fold0, part_2) are no classes, wrappers are
    passed over. The first folder that is left is the class; where names repeat on the next level, it is asked which
    level is meant. Without class folders, names such as `cat.12.jpg` are taken for classes.

    Args:
        names: paths relative to the source.
        class_level: 1 for the first folder that is left, 2 for the next; 0 recognises it.
        labels_from: folders or names where that was said; "" recognises it.

    Raises:
        AmbiguousError: when two levels could be the class.
    """
    found = Folders([Placed(name) for name in names])
    _take_splits(found)
    _unwrap(found)
    if labels_from != "names":
        _class_folders(found, class_level)
    if len(found.classes) < 2 and labels_from in ("", "names"):
        _class_names(found)
    _set_aside(found)
    return found


def _take_splits(found: Folders) -> None:
    """Note splits and folds and take their folders out of the way."""
    children: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for one in found.placed:
        folders = one.name.parts[:-1]
        for depth, folder in enumerate(folders):
            children[folders[:depth]].add(folder)
    meaning: dict[tuple[str, ...], dict[str, tuple[str, str]]] = {}
    for parent, inside in children.items():
        meaning[parent] = _meaning(inside)
    parts = False
    for one in found.placed:
        folders, rest = one.name.parts[:-1], []
        for depth, folder in enumerate(folders):
            kind, value = meaning[folders[:depth]].get(folder, ("", ""))
            if kind == "split":
                one.split = one.split or value
            elif kind == "both":
                one.split, base = value.split("\0")
                rest.append(base)
            elif kind == "fold":
                one.fold = one.fold or readable(folder)
            elif kind == "part":
                parts = True
            elif kind == "outside":
                one.aside = "outside the train, validation and test folders"
            if kind in ("", "outside"):
                rest.append(folder)
        one.rest = tuple(rest)
    splits = sorted({one.split for one in found.placed if one.split})
    if len(splits) > 1 or any(one.split and one.split != "train" for one in found.placed):
        found.plan.take("folders", "split", f"folders are named after {', '.join(splits)}")
    if folds := sorted({one.fold for one in found.placed if one.fold}):
        found.plan.take("folders", "fold", f"{', '.join(folds[:4])} are numbered pieces, no classes; name one with "
                        "--test-fold to keep it as the test", certain=False)
    if parts:
        found.plan.note("Folders that are numbered parts of one set are no classes; their files are put together.")


def _meaning(siblings: set[str]) -> dict[str, tuple[str, str]]:
    """What the folders in one folder are: each name to (split, train), (both, train and class), (fold, ""), (part, "")
    or (outside, "")."""
    splits = {name: split for name in siblings if (split := split_of(name, siblings))}
    kinds = {*splits.values()}
    if splits and (len(splits) == len(siblings) or len(kinds - {"unlabelled"}) > 1
                   or ("train" in kinds and "unlabelled" in kinds)):
        rest = {name: ("outside", "") for name in siblings if name not in splits}
        return {name: ("split", split) for name, split in splits.items()} | rest
    if both := _classes_with_splits(siblings):
        return both
    pieces = {name: kind for name in siblings if (kind := part_of(name, siblings))}
    if pieces and len(pieces) == len(siblings) and len(siblings) > 1:
        return {name: (kind, "") for name, kind in pieces.items()}
    return {}


def _classes_with_splits(siblings: set[str]) -> dict[str, tuple[str, str]]:
    """Folders such as cats_train, cats_test, dogs_train and dogs_test: each is a class and a split."""
    found: dict[str, tuple[str, str]] = {}
    splits: dict[str, set[str]] = defaultdict(set)
    for name in siblings:
        words = re.split(r"[\s_.-]+", name)
        marks = [word for word in words if word.lower() in SPLIT_NAMES]
        base = "_".join(word for word in words if word not in marks)
        if len(marks) != 1 or not base:
            return {}
        split = SPLIT_NAMES[marks[0].lower()]
        found[name] = ("both", f"{split}\0{base}")
        splits[base].add(split)
    every = {frozenset(one) for one in splits.values()}
    return found if len(splits) > 1 and len(every) == 1 and len(next(iter(every))) > 1 else {}


def _unwrap(found: Folders) -> None:
    """Take away the leading folders that all files share, those of files that lie deeper only."""
    while True:
        deep = [one for one in found.placed if len(one.rest) > 1 and not one.aside]
        heads = {one.rest[0] for one in found.placed if one.rest and not one.aside}
        if not deep or len(heads) != 1:
            return
        for one in found.placed:
            one.rest = one.rest[1:]


def _class_folders(found: Folders, class_level: int) -> None:
    left = [one for one in found.placed if one.rest and not one.aside]
    level = class_level or _asked_level(left)
    for one in left:
        place = min(level, len(one.rest)) - 1
        one.label = clean_label(readable(one.rest[place]))
    if len({one.label for one in left}) == 1 and is_generic(left[0].label):
        for one in left:  # a folder "images" with everything in it names no class
            one.label = ""
    if found.classes:
        found.by = "folders"
        found.plan.take("folders", "label", f"each class has a folder{f' (level {level})' if level > 1 else ''}")


def _asked_level(left: list[Placed]) -> int:
    """1, unless the names of the next level repeat below several folders: then only a person knows.

    Raises:
        AmbiguousError: in that case.
    """
    below: dict[str, set[str]] = defaultdict(set)
    for one in left:
        if len(one.rest) > 1:
            below[one.rest[1]].add(one.rest[0])
    tops = sorted({one.rest[0] for one in left})
    inner = sorted(name for name in below if not is_generic(name))
    if len(tops) < 2 or len(inner) < 2 or not any(len(below[name]) > 1 for name in inner):
        return 1
    twice = next(name for name in inner if len(below[name]) > 1)
    first, second = sorted(below[twice])[:2]
    raise AmbiguousError("It is not clear which folder level names the class.",
                         f"{readable(twice)!r} stands in {readable(first)!r} and in {readable(second)!r}.",
                         "class_level", {"1": _shown(tops), "2": _shown(inner)})


def _shown(names: list[str]) -> str:
    return "classes " + ", ".join(map(readable, names[:4])) + (" …" if len(names) > 4 else "")


def label_in_name(name: str) -> str:
    """The class in a file name such as `cat.12.jpg`, `great dane_003.png` or `cat (4).jpg`; "" where there is none."""
    stem = readable(name).rpartition(".")[0] or readable(name)
    match = _NUMBERED.match(stem)
    label = clean_label(match["name"].strip(" ._-(#")) if match else ""
    return "" if set(words_of(label)) <= _CAMERA else label


def _class_names(found: Folders) -> None:
    """Classes from the names of files, where nearly all files to learn from have one and at least two repeat."""
    candidates = [one for one in found.placed if not one.aside and one.split in ("", "train", "validation")]
    candidates = candidates or [one for one in found.placed if not one.aside]
    labels = {id(one): label_in_name(one.name.name) for one in found.placed if not one.aside}
    counts = Counter(labels[id(one)] for one in candidates)
    named = sum(count for label, count in counts.items() if label and count > 1)
    if sum(1 for label, count in counts.items() if label and count > 1) < 2 or named < _LEAST_NAMED * len(candidates):
        return
    known = {label for label, count in counts.items() if label and count > 1}
    for one in found.placed:
        one.label = labels.get(id(one), "") if labels.get(id(one)) in known else ""
    found.by = "names"
    found.plan.taken = [one for one in found.plan.taken if one.role != "label"]
    example = next(one for one in found.placed if one.label)
    found.plan.take("file names", "label", f"{readable(example.name.name)} is of the class {example.label}",
                    certain=False)


def _set_aside(found: Folders) -> None:
    """Files without a class: those of a test or beside `unlabelled` wait for a model, others are no examples."""
    for one in found.placed:
        if one.split == "unlabelled":
            one.label = ""
        elif not one.label and not one.aside and one.split != "test" and found.by == "folders":
            one.aside = "in no class folder"
