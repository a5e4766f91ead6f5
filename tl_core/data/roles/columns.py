"""Which columns of a table hold what: named by a person, or guessed by name and content with the
reason why.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from tl_core.data.checks.class_names import LABEL_HERE
from tl_core.data.dataset_version import ImportOptions
from tl_core.data.roles import column_names as words
from tl_core.data.roles.column_cells import cells_of, sort_alike
from tl_core.data.roles.column_names import LABEL_NAMES, TEXT_NAMES
from tl_core.data.roles.label_columns import Candidate, find_label
from tl_core.data.roles.named_columns import check_named, several
from tl_core.data.roles.split_columns import NONE, SplitColumns, find_splits
from tl_core.data.roles.text_columns import other_kind, second_texts, text_column
from tl_core.data.roles.wide import adds_to_one
from tl_core.data.sources.file_kind import PICTURES, FileKind
from tl_core.data.sources.plan import Plan, Taken
from tl_core.errors import AmbiguousError, DataError
from tl_core.tasks import MULTI_LABEL

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "LABEL_NAMES",
    "TEXT_NAMES",
    "Columns",
    "file_column",
    "guess_columns",
    "guess_file_columns",
    "guess_text_column",
]
_NAMED = "named by you"


@dataclass(frozen=True)
class Columns:
    """The columns of a table by role, empty where there is none, and why each was taken.

    `one_hot` are the columns of 0 and 1 whose names are the classes, where no column holds the
    class itself; with `several` a row may have any number of ones.
    """

    text: str = ""
    label: str = ""
    group: str = ""
    split: str = ""
    title: str = ""
    image: str = ""
    date: str = ""
    fold: str = ""
    audio: str = ""
    one_hot: tuple[str, ...] = ()
    several: bool = False
    taken: tuple[Taken, ...] = ()
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()

    @property
    def file(self) -> str:
        """The column that names the files, or holds them."""
        return self.image or self.audio

    def named(self) -> dict[str, str]:
        """Role to column, for those that there are."""
        roles = {
            spec.name: getattr(self, spec.name)
            for spec in fields(self)
            if isinstance(spec.default, str)
        }
        return {role: name for role, name in roles.items() if name}

    def tell(self, plan: Plan) -> None:
        """Add what was taken to a plan."""
        for one in self.taken:
            plan.take(one.name, one.role, one.reason, certain=one.certain)
        plan.note(*self.notes)
        plan.doubt(*self.doubts)


class _Choice:
    """Columns while they are being chosen."""

    def __init__(self, head: pd.DataFrame, options: ImportOptions, roles: dict[str, str]) -> None:
        self.head, self.options, self.names = head, options, check_named(head, options)
        self.chosen: dict[str, str] = {}
        self.one_hot: tuple[str, ...] = ()
        self.several = options.task == MULTI_LABEL.name
        self.aside: set[str] = (
            set()
        )  # columns that say which split a row is in, beside the one that is taken
        self.taken: list[Taken] = []
        self.notes: list[str] = []
        self.doubts: list[str] = []
        for role in ("text", "label", "group", "split", "title", "image", "audio", "date"):
            name = str(getattr(options, f"{role}_column"))
            if name and name in self.names:
                self.take(role, name, _NAMED)
            elif name and role == "label":
                self.together(several(name, self.names), _NAMED)
                self.several |= not options.task and not adds_to_one(head, self.one_hot)
        for role, name in roles.items():
            if (
                role not in self.chosen
                and name in self.names
                and not (role == "label" and self.one_hot)
            ):
                self.take(role, name, "the format says so")

    def take(self, role: str, name: str, reason: str, *, certain: bool = True) -> None:
        self.chosen[role] = name
        self.taken.append(Taken(name, role, reason, certain))

    def together(self, names: tuple[str, ...], reason: str, *, certain: bool = True) -> None:
        """Take columns of 0 and 1 that are one class each."""
        self.one_hot = names
        self.taken.append(
            Taken(", ".join(names[:6]) + (" …" if len(names) > 6 else ""), "label", reason, certain)
        )

    @property
    def used(self) -> set[str]:
        return self.aside | {*self.chosen.values()}

    def splits(self) -> None:
        """A column that says train, validation or test, or one of folds."""
        if "split" in self.chosen:
            return
        unasked = self.options.splits_anew or self.options.split_column == NONE
        try:
            columns = find_splits(self.head, [name for name in self.names if name not in self.used])
        except DataError:
            if not unasked:
                raise
            columns = SplitColumns()
        self.aside |= {columns.fold, columns.split, *columns.also} - {""}
        if unasked:
            return
        if columns.split:
            self.take("split", columns.split, columns.reason)
        if columns.fold and (not columns.split or self.options.test_fold):
            self.take(
                "fold",
                columns.fold,
                "its values are numbers of folds; rows are split anew unless --test-fold "
                "names one of them",
                certain=bool(self.options.test_fold),
            )
        self.notes += columns.notes
        self.doubts += columns.doubts

    def label(self, *, needed: bool) -> None:
        """The column of the class, or the columns of 0 and 1 that are one class each."""
        if "label" in self.chosen or self.one_hot:
            return
        try:
            candidate: Candidate | None = find_label(self.head, self.used | self._likely_text())
        except AmbiguousError as error:
            if needed or any(words.joined(name) in words.SURE_LABELS for name in error.choices):
                raise
            return  # the class stands elsewhere, and nothing here is sure to name it
        if candidate is None:
            return
        if candidate.one_hot:
            self.several |= candidate.several and not self.options.task
            self.together(
                candidate.one_hot,
                "rows have any number of ones in these columns, whose names are the classes"
                if self.several
                else "each row has exactly one 1 in these columns, whose names are the classes",
                certain=candidate.certain,
            )
        elif needed or candidate.certain:
            self.take("label", candidate.name, candidate.reason, certain=candidate.certain)
        self.notes += candidate.notes

    def _likely_text(self) -> set[str]:
        """The column that will be the text, unless its name is one of a class: it is no candidate
        for the class.
        """
        if {"text", "image", "audio"} & self.chosen.keys():
            return set()
        name = text_column(self.head, self.names, self.used)[0]
        return {name} if name and words.joined(name) not in words.LABEL_NAMES else set()

    def text(self) -> None:
        if "text" in self.chosen:
            return
        name, reason, certain = text_column(self.head, self.names, self.used | {*self.one_hot})
        if name:
            self.take("text", name, reason, certain=certain)
            self._more_text(name)

    def _more_text(self, text: str) -> None:
        """Say that a title, or another text of about that length, is not read."""
        if self.options.title_column or not len(self.head):
            return
        free = [name for name in self.names if name not in self.used and name != text]
        titles = [
            name
            for name in free
            if words.joined(name) in words.TITLE_NAMES
            and self.head[name].str.len().mean() > 5
            and not self._leaks(name)
        ]
        others = titles[:1] or second_texts(self.head, free, text)[:3]
        if len(others) == 1:
            self.doubts.append(
                f"The column {others[0]!r} is not read; --title-column puts it before the text."
            )
        elif others:
            self.doubts.append(
                f"The columns {' and '.join(map(repr, others))} are not read; --title-column puts "
                "one of them before the text."
            )

    def _leaks(self, name: str) -> bool:
        """Whether a column says the class in other words, which a text must not."""
        label = self.chosen.get("label", "")
        cells = cells_of(self.head, name)
        return bool(label) and cells.repeats and sort_alike(cells, cells_of(self.head, label))

    def group(self, sure: frozenset[str] = frozenset()) -> None:
        """Say which column looks like one whose rows belong together; take it where it is `sure`
        to.
        """
        if "group" in self.chosen or not len(self.head):
            return
        for name in self.names:
            if name in self.used or words.joined(name) not in words.GROUP_NAMES | sure:
                continue
            filled = self.head[name][self.head[name] != ""]
            if len(filled) > 3 and filled.nunique() < 0.9 * len(filled) and filled.nunique() > 1:
                if words.joined(name) in sure:
                    self.take("group", name, "its rows belong together by its name")
                    return
                self.notes.append(
                    f"Values of {name!r} repeat: if its rows belong together, name it with"
                    " --group-column, so that they stay in one split."
                )
                return

    def done(self) -> Columns:
        chosen = defaultdict(str, self.chosen)
        return Columns(
            chosen["text"],
            chosen["label"],
            chosen["group"],
            chosen["split"],
            chosen["title"],
            chosen["image"],
            chosen["date"],
            chosen["fold"],
            chosen["audio"],
            one_hot=self.one_hot,
            several=self.several,
            taken=tuple(self.taken),
            notes=tuple(self.notes),
            doubts=tuple(self.doubts),
        )


def guess_columns(
    head: pd.DataFrame,
    options: ImportOptions,
    roles: dict[str, str] | None = None,
    *,
    label: bool = True,
) -> Columns:
    """Columns as named in `options` or by the file's format (`roles`), the rest guessed from the
    first rows.

    With `label` False the class stands elsewhere (in the name of the file), or nothing has one yet
    (`options`): none is looked for.

    Raises:
        AmbiguousError: when several columns could be the class.
        DataError: when a named column does not exist, or text or label cannot be guessed.
    """
    choice = _Choice(head, options, roles or {})
    label = label and not options.label_here
    choice.splits()
    if label:
        choice.label(needed=True)
    choice.text()
    choice.group()
    columns = choice.done()
    if not columns.text or (label and not columns.label and not columns.one_hot):
        missing = "the text" if not columns.text else "the class"
        raise DataError(
            f"It is not clear which column holds {missing}.",
            f"The table has {len(choice.names)} column(s): {', '.join(choice.names[:12])}."
            + _why_not(head, choice.used),
            "Name the columns yourself (--text-column, --label-column); a "
            "table needs one with the text and one with the class." + LABEL_HERE,
        )
    if columns.text == columns.label:
        raise DataError(
            f"The column {columns.text!r} is named as text and as class.",
            "",
            "Name two different columns.",
        )
    return columns


def _why_not(head: pd.DataFrame, used: set[str]) -> str:
    """A word about columns that look like texts and are none."""
    for name in head.columns:
        if name not in used and (kind := other_kind(head[name])):
            return (
                f" {name!r} holds {kind}, which are no texts; bring the files themselves beside the"
                " table."
            )
    return ""


def guess_file_columns(
    head: pd.DataFrame,
    options: ImportOptions,
    file: str = "",
    roles: dict[str, str] | None = None,
    *,
    kind: FileKind = PICTURES,
    needed: bool = True,
) -> Columns:
    """Columns of a table that lists files of a kind, `file` the one that was found to name them.

    With `needed` False the files have classes already (class folders), so a column is only taken
    for the class where its name says so.

    Raises:
        AmbiguousError: when several columns could be the class.
        DataError: when a named column does not exist, or the file cannot be guessed.
    """
    choice = _Choice(head, options, roles or {})
    if kind.modality not in choice.chosen:
        name = (
            file
            or file_column(head, kind)
            or _by_name(choice.names, kind.columns, {options.label_column})
        )
        if not name:
            raise DataError(
                f"It is not clear which column names the {kind.many}.",
                f"The table has: {', '.join(choice.names[:12])}.",
                "Call that column file_name.",
            )
        choice.take(
            kind.modality,
            name,
            f"its values name the {kind.many}"
            if file
            else f"its cells look like files of {kind.many}",
        )
    choice.splits()
    if not options.label_here:
        choice.label(needed=needed)
    choice.group(kind.groups)
    return choice.done()


def file_column(head: pd.DataFrame, kind: FileKind = PICTURES) -> str:
    """The column whose cells look like names of such files; empty when there is none."""
    known = {name: place for place, name in enumerate(kind.columns)}
    endings = tuple(kind.suffixes)
    shares = {
        str(name): (
            sum(value.lower().endswith(endings) for value in head[name].tolist())
            / max(1, len(head))
        )
        for name in head.columns
    }
    fitting = [name for name, share in shares.items() if share >= 0.5]
    return min(fitting, key=lambda name: known.get(name.lower(), 99), default="")


def guess_text_column(head: pd.DataFrame) -> str:
    """The column that most likely holds the text, for tables without classes.

    Raises:
        DataError: when no column holds texts.
    """
    text, _, _ = text_column(head, [str(name) for name in head.columns], set())
    if not text:
        raise DataError(
            "No column holds any text.",
            _why_not(head, set()).strip(),
            "Check that the table's first row names its columns.",
        )
    return text


def _by_name(names: list[str], known: tuple[str, ...], taken: set[str]) -> str:
    free = {words.joined(name): name for name in reversed(names) if name not in taken}
    return next((free[word] for word in known if word in free), "")
