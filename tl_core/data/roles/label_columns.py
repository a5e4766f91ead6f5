"""Which column of a table is the class: its name, its values, and whether another column would do
as well.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tl_core.data.roles import column_names as words
from tl_core.data.roles.column_cells import Cells, cells_of, sort_alike
from tl_core.data.roles.wide import adds_up, binary_columns
from tl_core.errors import AmbiguousError

if TYPE_CHECKING:
    import pandas as pd

_MOST_TWIN = 40  # signs of a name that stands beside its number
_SORTED = 1000  # rows from which on a column of a single value may be a class that is sorted by


@dataclass(frozen=True)
class Candidate:
    """A column that may hold the class, or the columns of 0 and 1 that do so together."""

    name: str
    reason: str = ""
    certain: bool = True
    one_hot: tuple[str, ...] = ()
    several: bool = False  # whether a row may have any number of ones
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Table:
    """The columns that may be the class, with facts about each that are made once."""

    head: pd.DataFrame
    free: list[str]
    facts: dict[str, Cells] = field(default_factory=dict)

    def cells(self, name: str) -> Cells:
        if name not in self.facts:
            self.facts[name] = cells_of(self.head, name)
        return self.facts[name]

    def plain(self, name: str) -> str:
        """The name to compare with known ones."""
        return words.joined(words.original(name, list(map(str, self.head.columns))))


def find_label(head: pd.DataFrame, used: set[str]) -> Candidate | None:
    """The column of the class among those that are not `used`, None where nothing looks like one.

    Usual names come before contents. Columns that sort the rows alike (a number and its name) count
    as one, of which the readable one is taken.

    Raises:
        AmbiguousError: when several columns could be it.
    """
    table = _Table(head, [str(name) for name in head.columns if name not in used])
    sure = _alike(table, [name for name in table.free if table.plain(name) in words.SURE_LABELS])
    sure = [name for name in sure if table.cells(name).filled] or sure
    if len(sure) == 1:
        return _in_words(
            table, Candidate(sure[0], "its name says so", notes=_twins(table, sure[0]))
        )
    if sure:
        raise _undecided(sure)
    flags = binary_columns(head, used)
    named_so = _named_so(table)
    varied = [name for name in flags if len(table.cells(name).values) > 1]
    if not varied and (named_so or any(table.cells(name).repeats for name in table.free)):
        flags = []
    apart = [name for name in named_so if name not in flags]
    strong = [name for name in apart if table.plain(name) not in words.WEAK_LABELS]
    if len(flags) > 1 and not strong and (len(flags) > 2 or adds_up(head, flags)):
        return _by_flags(table, flags, varied, apart)
    if len(varied) > 2 and adds_up(head, flags) and not _prefixed(flags):
        raise _undecided(strong, flags)
    return _by_name(table, _alike(table, named_so)) if named_so else _by_content(table, table.free)


def possible_classes(head: pd.DataFrame, free: list[str]) -> list[str]:
    """Columns that may be the class, by their names or what they hold."""
    table = _Table(head, free)
    return [
        name
        for name in free
        if table.plain(name) in words.SURE_LABELS
        or table.cells(name).repeats
        or _is_named(table, name)
    ]


def _is_named(table: _Table, name: str) -> bool:
    return (
        table.plain(name) in (*words.LIKELY_LABELS, *words.SCORES) or words.ends_in_label(name)
    ) and table.cells(name).is_class


def _named_so(table: _Table) -> list[str]:
    """Columns with the name of a class whose values can be classes; ones of a single value only in
    long tables.
    """
    named = [name for name in table.free if _is_named(table, name)]
    varied = [name for name in named if len(table.cells(name).values) > 1]
    return varied or (named if len(table.head) >= _SORTED else [])


def _by_name(table: _Table, names: list[str]) -> Candidate:
    """The one column that is named like a class; a weak name counts less beside others that could
    be it.
    """
    if len(names) > 1:
        raise _undecided(names)
    name = names[0]
    plain = table.plain(name)
    certain, reason = True, "its name says so"
    if plain in words.WEAK_LABELS:
        others = [other for other in table.free if other != name]
        rivals = _alike(
            table,
            [
                name,
                *(
                    other
                    for other in others
                    if table.cells(other).repeats and words.joined(other) not in words.GROUP_NAMES
                ),
            ],
        )
        if len(rivals) > 1:
            raise _undecided(rivals)
        certain = not any(_may_sort(table.cells(other)) for other in others)
        reason = (
            "its name says so"
            if certain
            else "its name may be that of a class, and it has few different values"
        )
    if plain in words.SCORES:
        certain, reason = False, "its name is one of a rating; each different value is a class"
    return _in_words(table, Candidate(name, reason, certain, notes=_twins(table, name)))


def _may_sort(cells: Cells) -> bool:
    """Whether a column says anything that several rows share, so that a table is more than texts
    and one class.
    """
    return 1 < len(cells.values) < 0.8 * cells.filled


def _by_flags(
    table: _Table, flags: list[str], varied: list[str], weak: list[str]
) -> Candidate | None:
    """The class where several columns hold 0 and 1: they are it together, or another column is, or
    there are several labels.
    """
    others = [
        name
        for name in table.free
        if name not in flags
        and (table.cells(name).repeats or name in weak)
        and words.joined(name) not in words.GROUP_NAMES
    ]
    if adds_up(table.head, flags):
        rivals = [
            name
            for name in others
            if name in weak or len(varied) <= 2 or not _is_aside(table, name)
        ]
        if rivals:
            raise _undecided(_alike(table, rivals), flags)
        return Candidate("", one_hot=tuple(flags), certain=not others and bool(varied))
    short = [name for name in others if table.cells(name).is_class]
    if weak and short:
        raise _undecided(_alike(table, [*short, *flags]))
    if short:  # a column of a few words is likelier to be the class than features that are 0 or 1
        return _by_content(table, short)
    return Candidate("", one_hot=tuple(flags), certain=len(varied) > 2, several=True)


def _is_aside(table: _Table, name: str) -> bool:
    """Whether a column beside one-hot ones tells about the item: a number, or what people usually
    note.
    """
    return words.joined(name) in words.SIDE_NAMES or table.cells(name).is_number


def _prefixed(flags: list[str]) -> bool:
    """Whether columns share the beginning of their names, as the values of one feature do:
    country_DE, country_FR.
    """
    start = os.path.commonprefix([name.casefold() for name in flags])
    return len(start) > 2 and not words.ends_in_label(start)


def _by_content(table: _Table, free: list[str]) -> Candidate | None:
    """The one column of few short values that come again."""
    candidates = _alike(table, [name for name in free if table.cells(name).repeats])
    if len(candidates) > 1:
        raise _undecided(candidates)
    return (
        Candidate(candidates[0], "it has few different values, which repeat", certain=False)
        if candidates
        else None
    )


def _alike(table: _Table, names: list[str]) -> list[str]:
    """`names` without those that sort the rows as another one does; of such, a readable one without
    gaps stays.
    """
    kept: dict[bytes, str] = {}
    for name in sorted(
        names, key=lambda name: (table.cells(name).has_blanks, table.cells(name).is_number)
    ):
        kept.setdefault(table.cells(name).order, name)
    return sorted(kept.values(), key=names.index)


def _in_words(table: _Table, candidate: Candidate) -> Candidate:
    """The candidate, or the column that holds the names where it holds their numbers."""
    chosen = table.cells(candidate.name)
    if not chosen.is_number or not 2 <= len(chosen.values) <= chosen.filled // 2:
        return candidate
    for name in table.free:
        cells = table.cells(name)
        if (
            name != candidate.name
            and sort_alike(chosen, cells)
            and not cells.has_blanks
            and not cells.is_number
            and cells.repeats
            and cells.length < _MOST_TWIN
        ):
            return Candidate(
                name,
                f"it names the classes that {candidate.name!r} numbers",
                candidate.certain,
                notes=(f"{candidate.name!r} says the same as {name!r} in numbers.",),
            )
    return candidate


def _twins(table: _Table, chosen: str) -> tuple[str, ...]:
    """A note where the class stands in a number and in a name."""
    same = [
        name
        for name in table.free
        if name != chosen
        and table.plain(name) in words.LABEL_NAMES
        and sort_alike(table.cells(chosen), table.cells(name))
        and len(table.cells(name).values) > 1
    ]
    return (f"{same[0]!r} says the same as {chosen!r} in other words.",) if same else ()


def _undecided(names: list[str], one_hot: list[str] | None = None) -> AmbiguousError:
    """The question which column it is; `one_hot` are columns of 0 and 1 that may be it together."""
    choices = dict.fromkeys(names[:8], "this column")
    wordings = [repr(name) for name in names[:4]]
    if one_hot:
        choices[", ".join(one_hot)] = (
            "these columns, one for each class: a row belongs where its 1 stands"
        )
        wordings.append(
            "the columns of 0 and 1 ("
            + ", ".join(one_hot[:4])
            + (", …" if len(one_hot) > 4 else "")
            + ")"
        )
    return AmbiguousError(
        "It is not clear which column holds the class.",
        f"{' and '.join(wordings)} could each be it, and they sort the rows differently.",
        "label_column",
        choices,
    )
