"""Which column of a table is the class: its name, its values, and whether another column would do as well."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tl_core.data import column_names as words
from tl_core.data.wide import adds_up, binary_columns, several_labels
from tl_core.errors import AmbiguousError

if TYPE_CHECKING:
    import pandas as pd

_SHORT = 60  # signs on average; longer cells are texts
_FEW = 40
_UNIQUE = 0.8  # different values a row; beyond it a column is an id or a text
_MANY = 10
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")


@dataclass(frozen=True)
class Candidate:
    """A column that may hold the class, or the columns of 0 and 1 that do so together."""

    name: str
    reason: str = ""
    certain: bool = True
    one_hot: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def find_label(head: pd.DataFrame, used: set[str], named: str = "") -> Candidate | None:
    """The column of the class among those that are not `used`, None where nothing looks like one.

    Usual names come before contents. Columns that sort the rows alike (a number and its name) count as one, of which
    the readable one is taken.

    Raises:
        AmbiguousError: when several columns could be it.
        DataError: when columns of 0 and 1 give a row several labels.
    """
    if named:
        return Candidate(named, "named by you")
    free = [str(name) for name in head.columns if name not in used]
    sure = _alike(head, [name for name in free if words.joined(name) in words.SURE_LABELS])
    sure = _with_values(head, sure)
    if len(sure) == 1:
        return Candidate(sure[0], "its name says so", notes=_twins(head, free, sure[0]))
    if sure:
        raise _undecided(sure)
    likely = _by_name(head, free, words.LIKELY_LABELS)
    scores = _by_name(head, free, words.SCORES)
    flags = binary_columns(head, used)
    if len(flags) > 1 and not {*likely, *scores} - {*flags} and (len(flags) > 2 or adds_up(head, flags)):
        return _one_hot(head, flags, free)
    named_so = _alike(head, likely + scores) or _alike(head, [
        name for name in free if (found := words.parts(name)) and found[-1] in words.LABEL_WORDS
        and _is_class(head, name)])
    if len(named_so) == 1:
        certain = named_so[0] not in scores
        return Candidate(named_so[0], "its name says so" if certain else "its name is one of a rating; each different "
                         "value is a class", certain, notes=_twins(head, free, named_so[0]))
    if named_so:
        raise _undecided(named_so)
    return _by_content(head, free)


def _one_hot(head: pd.DataFrame, flags: list[str], free: list[str]) -> Candidate | None:
    if adds_up(head, flags):
        return Candidate("", one_hot=tuple(flags))
    short = [name for name in free if name not in flags and _is_class(head, name) and _repeats(head, name)]
    if short:  # a column of a few words is likelier to be the class than features that are 0 or 1
        return _by_content(head, short)
    raise several_labels(flags, "These columns hold 0 and 1, and rows have another number of ones than one.")


def _by_name(head: pd.DataFrame, free: list[str], known: tuple[str, ...]) -> list[str]:
    """Columns with such a name whose values can be classes; ones of a single value only where there is no other."""
    found = [name for name in free if words.joined(name) in known and _is_class(head, name)]
    return [name for name in found if head[name].nunique() > 1] or (found if len(head) >= 1000 else [])


def _with_values(head: pd.DataFrame, names: list[str]) -> list[str]:
    """Those that hold anything, when some do."""
    return [name for name in names if (head[name].str.strip() != "").any()] or names


def _is_class(head: pd.DataFrame, name: str) -> bool:
    """Whether values are short and come again, as classes do."""
    filled = head[name][head[name].str.strip() != ""]
    if not len(filled) or filled.str.len().mean() >= _SHORT:
        return False
    return len(filled) < _MANY or filled.nunique() <= _UNIQUE * len(filled)


def _repeats(head: pd.DataFrame, name: str) -> bool:
    return bool(2 <= head[name].nunique() <= max(2, len(head) // 3) and head[name].str.len().mean() < _FEW)


def _by_content(head: pd.DataFrame, free: list[str]) -> Candidate | None:
    """The one column of few short values that come again."""
    found = _alike(head, [name for name in free if _repeats(head, name) and not _is_measure(head, name)])
    if len(found) > 1:
        raise _undecided(found)
    return Candidate(found[0], "it has few different values that come again", certain=False) if found else None


def _is_measure(head: pd.DataFrame, name: str) -> bool:
    """Whether a column holds numbers with a fraction, dates or addresses, which are no classes."""
    filled = [cell for cell in head[name].unique() if cell.strip()]
    return bool(filled) and all(re.fullmatch(r"[+-]?\d*[.,]\d*[1-9]\d*|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}.*|https?:\S+",
                                             cell.strip()) for cell in filled)


def _alike(head: pd.DataFrame, names: list[str]) -> list[str]:
    """`names` without those that sort the rows as another one does; of such, the readable one stays."""
    kept: list[str] = []
    for name in sorted(names, key=lambda name: _is_number(head, name)):
        if not any(_same_partition(head, name, other) for other in kept):
            kept.append(name)
    return sorted(kept, key=names.index)


def _is_number(head: pd.DataFrame, name: str) -> bool:
    return all(_NUMBER.fullmatch(cell.strip()) for cell in head[name].unique() if cell.strip())


def _same_partition(head: pd.DataFrame, one: str, other: str) -> bool:
    pairs = len(head[[one, other]].drop_duplicates())
    return bool(pairs == head[one].nunique() == head[other].nunique())


def _twins(head: pd.DataFrame, free: list[str], chosen: str) -> tuple[str, ...]:
    """A note where the class stands in a number and in a name."""
    same = [name for name in free if name != chosen and words.joined(name) in words.LABEL_NAMES
            and _same_partition(head, chosen, name) and head[name].nunique() > 1]
    return (f"{same[0]!r} says the same as {chosen!r} in other words.",) if same else ()


def _undecided(names: list[str]) -> AmbiguousError:
    return AmbiguousError("It is not clear which column holds the class.",
        f"{' and '.join(map(repr, names[:4]))} could "
                          "each be it, and they sort the rows differently.", "label_column",
                          dict.fromkeys(names[:8], "this column"))
