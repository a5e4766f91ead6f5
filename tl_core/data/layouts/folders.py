"""What the folders and names of files say about each of them: its split, its fold, its class."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from tl_core.data.checks.text_facts import clean_label
from tl_core.data.layouts.folder_kinds import Meaning, meanings
from tl_core.data.sources.names import is_generic, readable, words_of
from tl_core.data.sources.plan import Plan
from tl_core.errors import AmbiguousError

_CAMERA = frozenset(
    (
        "img dsc dscn dscf dcim pict photo image picture pic frame scan screenshot screen "
        "file page p mvi gopr dji pxl wp sam cimg imag snap whatsapp video vid clip doc "
        "document text item sample id n no x train test val valid"
    ).split()
)
_NUMBERED = re.compile(r"^(?P<name>.*?[^\W\d_].*?)[\s._()#-]*\d+[\s._()-]*$", re.DOTALL)
_LEAST_NAMED = 0.9  # of the files must be named after a class before their names are believed
_NO_CLASS = frozenset(
    ("unknown", "unlabeled", "unlabelled", "unclassified", "none", "class", "dummy", "todo", "misc")
)
_ODD = re.compile(
    r"(new folder|neuer ordner|nouveau dossier|nueva carpeta|nova pasta|nuova cartella|untitled"
    r" folder|"
    r"ohne titel|results?|outputs?|predictions?)\W*\d*\W*",
    re.IGNORECASE,
)
_DATED = re.compile(
    r"(photos from |fotos (von|de) |photos de )?(19|20)\d\d([-_. ]?\d{1,2}([-_. ]?\d{1,2})?)?|"
    r"\d{1,2}[-_.]\d{1,2}[-_.](19|20)?\d\d|"
    r"\d{3}[A-Z_]{5}",
    re.IGNORECASE,
)


DOMAIN = "domain"  # the column in which the folder above the class is kept


@dataclass(slots=True)
class Placed:
    """What was read off one file's path; "" for what it does not say."""

    name: PurePosixPath
    split: str = ""
    fold: str = ""
    rest: tuple[
        str, ...
    ] = ()  # folders that are left when wrappers, splits and folds are taken away
    label: str = ""
    aside: str = ""  # why it is no example
    above: str | None = None  # the folder above that of the class, where it tells files apart

    @property
    def extra(self) -> dict[str, str]:
        """What is kept of the path beside the class: where the file comes from."""
        return {} if self.above is None else {DOMAIN: self.above}


@dataclass
class Folders:
    """The files of a source, placed; `by` says what the classes stand in: folders, names or ""."""

    placed: list[Placed]
    plan: Plan = field(default_factory=Plan)
    by: str = ""

    @property
    def classes(self) -> Counter[str]:
        return Counter(one.label for one in self.placed if one.label and not one.aside)


def read_folders(
    names: list[PurePosixPath], class_level: int = 0, labels_from: str = ""
) -> Folders:
    """Place every file by its path below the source.

    Folders named after splits are splits at any depth, numbered pieces (fold0, part_2) are no
    classes, wrappers are passed over. The first folder that is left is the class; where names
    repeat on the next level, it is asked which level is meant. Without class folders, names such as
    `cat.12.jpg` are taken for classes.

    Args:
        names: paths relative to the source.
        class_level: 1 for the first folder that is left, 2 for the next; 0 recognises it.
        labels_from: folders or names where that was said; "" recognises it.

    Raises:
        AmbiguousError: when two levels could be the class.
    """
    folders = split_folders(names)
    _masks_aside(folders)
    _unwrap(folders)
    if labels_from != "names":
        _class_folders(folders, class_level)
    if len(folders.classes) < 2 and labels_from in ("", "names"):
        _class_names(folders)
    _set_aside(folders)
    _doubt_odd_names(folders)
    return folders


def split_folders(names: list[PurePosixPath]) -> Folders:
    """The files with their splits and folds alone, by the folders that are named after them."""
    folders = Folders([Placed(name) for name in names])
    meaning = meanings(names)
    parts: set[str] = set()
    copied: Counter[str] = Counter()
    for one in folders.placed:
        rest: list[str] = []
        for depth, folder in enumerate(one.name.parts[:-1]):
            what = meaning.get(one.name.parts[:depth], {}).get(folder, Meaning())
            one.split = what.split if what.split == "unlabelled" else one.split or what.split
            one.fold = one.fold or what.fold
            one.aside = one.aside or what.aside
            parts |= {folder} if what.part else set()
            if what.alike:
                copied[f"{readable(folder)}: {what.aside}"] += 1
            if what.rest:
                rest.append(what.rest)
            elif what.is_class:
                rest.append(folder)
        one.rest = tuple(rest)
    _tell_splits(folders, parts, copied)
    return folders


def _tell_splits(folders: Folders, parts: set[str], copied: Counter[str]) -> None:
    splits = sorted({one.split for one in folders.placed if one.split})
    if len(splits) == 1 and splits[0] in ("validation", "test"):
        folders.plan.note(
            f"Everything lies in a folder named after a {splits[0]} split, so that is no split"
            " here; the rows are split anew."
        )
        for one in folders.placed:
            one.split = ""
    elif len(splits) > 1:
        folders.plan.take("folders", "split", f"folders are named after {', '.join(splits)}")
    for where, count in copied.items():
        folders.plan.doubt(
            f"{count:,} file(s) are left out although their folders are named like the classes"
            f" ({where})."
        )
    if folds := sorted({one.fold for one in folders.placed if one.fold}):
        folders.plan.take(
            "folders",
            "fold",
            f"{', '.join(folds[:4])} are numbered pieces, no classes; name one with "
            "--test-fold to keep it as the test",
            certain=False,
        )
    if parts:
        folders.plan.note(
            "Folders that are numbered parts of one set are no classes; their files are put"
            " together."
        )


def _masks_aside(folders: Folders) -> None:
    """Set aside `cat_mask.png` beside `cat.png`: a drawing of where something is, no example."""
    there = {str(one.name.with_suffix("")) for one in folders.placed}
    masks = 0
    for one in folders.placed:
        stem = str(one.name.with_suffix(""))
        base = re.sub(
            r"[\s_-]?(mask|seg|segmentation|gt|groundtruth)(_\d+)?$", "", stem, flags=re.IGNORECASE
        )
        if base != stem and base in there:
            one.aside, masks = one.aside or "a mask of another picture", masks + 1
    masks += sum(one.aside.startswith("in a folder of masks") for one in folders.placed)
    if masks:
        folders.plan.doubt(f"{masks:,} picture(s) are taken for masks of others and left out.")


def _unwrap(folders: Folders) -> None:
    """Take away the leading folders that all files share, those of files that lie deeper only, and
    folders such as `images` that are alone in theirs.
    """
    while True:
        deep = [one for one in folders.placed if len(one.rest) > 1 and not one.aside]
        heads = {one.rest[0] for one in folders.placed if one.rest and not one.aside}
        if not deep or len(heads) != 1:
            break
        for one in folders.placed:
            one.rest = one.rest[1:]
    children: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for one in folders.placed:
        for depth, folder in enumerate(one.rest):
            children[one.rest[:depth]].add(folder)

    def wraps(rest: tuple[str, ...], depth: int) -> bool:
        alone = len(children[rest[:depth]]) == 1 and depth > 0
        return alone and (
            rest[depth] == rest[depth - 1]
            or (is_generic(rest[depth]) and not rest[depth].isdecimal())
        )

    for one in folders.placed:
        one.rest = tuple(
            folder for depth, folder in enumerate(one.rest) if not wraps(one.rest, depth)
        )


def _class_folders(folders: Folders, class_level: int) -> None:
    left = [one for one in folders.placed if one.rest and not one.aside]
    level = class_level or _asked_level(left)
    for one in left:
        one.label = clean_label(readable(one.rest[min(level, len(one.rest)) - 1]))
    _keep_domains(folders, left, level)
    if len({one.label for one in left}) == 1 and is_generic(left[0].label):
        for one in left:  # a folder "images" with everything in it names no class
            one.label = ""
    learnt = {one.label for one in left if one.split in ("", "train")}
    for one in left:
        if (
            one.split in ("test", "validation")
            and one.label not in learnt
            and (
                {*words_of(one.label)} & _NO_CLASS
                or (is_generic(one.label) and not one.label.isdecimal())
            )
        ):
            # test/images and test/unknown are how tools want pictures without a class
            one.label = ""
    if folders.classes:
        folders.by = "folders"
        folders.plan.take(
            "folders", "label", f"each class has a folder{f' (level {level})' if level > 1 else ''}"
        )


def _keep_domains(folders: Folders, left: list[Placed], level: int) -> None:
    """Keep the folder above the class where there are several: photo/dog and sketch/dog are dogs
    of two kinds.
    """
    deep = [one for one in left if level > 1 and len(one.rest) >= level]
    named = sorted({readable(one.rest[level - 2]) for one in deep})
    if len(named) < 2 or len(deep) < len(left):
        return
    for one in folders.placed:  # all have the column, or none has
        one.above = readable(one.rest[level - 2]) if len(one.rest) >= level else ""
    folders.plan.take(
        "folders",
        DOMAIN,
        f"the folder above the class says where a file comes from ({', '.join(named[:4])}"
        f"{' …' if len(named) > 4 else ''}); it is kept as the column {DOMAIN}",
    )


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
    inner = sorted(name for name in below if not is_generic(name) or name.isdecimal())
    twice = next(
        (
            name
            for name in inner
            if len(below[name]) > 1 or (name in tops and below[name] != {name})
        ),
        "",
    )
    if len(tops) < 2 or len(inner) < 2 or not twice:
        return 1
    where = sorted(below[twice])[:2]
    what = (
        f"{readable(twice)!r} stands in {' and in '.join(repr(readable(name)) for name in where)}"
        + (" and beside it." if len(where) == 1 else ".")
    )
    raise AmbiguousError(
        "It is not clear which folder level names the class.",
        what,
        "class_level",
        {"1": _shown(tops), "2": _shown(inner)},
    )


def _shown(names: list[str]) -> str:
    return "classes " + ", ".join(map(readable, names[:4])) + (" …" if len(names) > 4 else "")


def label_in_name(name: str) -> str:
    """The class in a file name such as `cat.12.jpg`, `great dane_003.png` or `cat (4).jpg`; ""
    where there is none.
    """
    stem = readable(name).rpartition(".")[0] or readable(name)
    match = _NUMBERED.match(stem)
    label = clean_label(match["name"].strip(" ._-(#")) if match else ""
    return "" if set(words_of(label)) <= _CAMERA else label


def _class_names(folders: Folders) -> None:
    """Classes from the names of files, where nearly all files to learn from have one and at least
    two repeat.
    """
    candidates = [
        one for one in folders.placed if not one.aside and one.split in ("", "train", "validation")
    ]
    candidates = candidates or [one for one in folders.placed if not one.aside]
    labels = {id(one): label_in_name(one.name.name) for one in folders.placed if not one.aside}
    counts = Counter(labels[id(one)] for one in candidates)
    known = {label for label, count in counts.items() if label and count > 1}
    if len(known) < 2 or sum(counts[label] for label in known) < _LEAST_NAMED * len(candidates):
        return
    for one in folders.placed:
        one.label = labels.get(id(one), "") if labels.get(id(one)) in known else ""
    folders.by = "names"
    folders.plan.taken = [one for one in folders.plan.taken if one.role != "label"]
    example = next(one for one in folders.placed if one.label)
    folders.plan.take(
        "file names",
        "label",
        f"{readable(example.name.name)} is of the class {example.label}",
        certain=False,
    )


def _set_aside(folders: Folders) -> None:
    """Files without a class: those of a test or in `unlabelled` wait for a model, others are no
    examples.
    """
    tested = any(one.split == "test" for one in folders.placed)
    for one in folders.placed:
        if one.split == "unlabelled":
            one.label = ""
        elif (
            not one.label
            and not one.aside
            and folders.by == "folders"
            and one.split != "test"
            and not (one.split == "validation" and not tested)
        ):
            one.aside = "in no class folder"


def _doubt_odd_names(folders: Folders) -> None:
    """Say it where folders that are named after days, or after nothing, were taken for classes."""
    if folders.by != "folders":
        return
    names = list(folders.classes)
    odd = [
        name
        for name in names
        if _ODD.fullmatch(name) or (is_generic(name) and not name.isdecimal())
    ]
    if len(names) > 1 and all(_DATED.fullmatch(name) for name in names):
        folders.plan.doubt(
            f"The folders {', '.join(names[:4])} are named after days or years and are taken for"
            " classes."
        )
    elif odd and len(names) > 1:
        folders.plan.doubt(
            f"The folder {odd[0]!r} is taken for a class like"
            f" {next(n for n in names if n != odd[0])!r}."
        )
