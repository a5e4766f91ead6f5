"""What a person has decided about single labels, saved at once beside the version that it is about.

Nothing of the version itself changes: the decisions are an overlay of one line each, of which a
later line about the same row counts, and become a new version when asked for.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tl_core.data.cells.label_lists import LIST, parts_of
from tl_core.data.label_sets import Named, as_cell
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import DataError, nearest
from tl_core.json_files import add_lines, find_lines

_FILE = "edits.jsonl"
ACTIONS = ("keep", "relabel", "drop", "undo")


@dataclass(frozen=True)
class Decision:
    """`action` is keep (the class is right), relabel (to `label`) or drop; `label` is a class, or
    where an item may have several, a JSON list of them.
    """

    action: str
    label: str = ""


@dataclass(frozen=True)
class Spoken:
    """What somebody decided about a row, `undo` included, and when (seconds since 1970)."""

    decision: Decision
    at: float


@dataclass(frozen=True)
class NewNames:
    """What became of class names in a version made from another: those that were `renamed`, and
    those that are `gone`.
    """

    renamed: Mapping[str, str] = field(default_factory=dict)
    gone: Collection[str] = ()

    def of(self, cell: str, *, several: bool) -> str | None:
        """A label, or a list of them, in the names of the new version; None where its class is
        gone.
        """
        left = self.of_all({*parts_of(cell, LIST)} if several else {cell})
        if several:
            return as_cell(sorted(left or ()))
        return next(iter(left)) if left else None

    def of_all(self, named: set[str] | None) -> set[str] | None:
        """The same of a set of names; None stays."""
        if named is None:
            return None
        return {self.renamed.get(name, name) for name in named if name not in self.gone}


def decide(
    version: DatasetVersion, row: int, action: str, label: str = "", *, new: bool = False
) -> None:
    """Save a decision about `row`; raises and takes `new` as `decide_all`."""
    decide_all(version, {row: Decision(action, label)}, new=new)


def decide_all(
    version: DatasetVersion,
    made: Mapping[int, Decision],
    *,
    new: bool = False,
    queued: bool = False,
) -> None:
    """Save decisions about rows; the action `undo` takes an earlier one back.

    Args:
        version: that they are about.
        made: by row.
        new: whether a label may be a class that the version does not have yet.
        queued: whether they are what the answers of a queue come to, and nobody's own word.

    Raises:
        DataError: for a row or class that the version does not have, or a label that the row has
            already; then none is saved.
    """
    splits = version.splits
    mark = {"queued": True} if queued else {"at": time.time()}
    lines = [_line(version, splits, row, one, new=new) | mark for row, one in made.items()]
    add_lines(version.folder / _FILE, lines)


def _line(
    version: DatasetVersion, splits: NDArray[np.str_], row: int, one: Decision, *, new: bool
) -> dict[str, object]:
    """One decision as it is kept, if it can be made."""
    if not 0 <= row < len(splits) or splits[row] == "removed":
        raise DataError(f"There is no row {row} in this version.", "", "Rows are numbered from 0.")
    if one.action not in ACTIONS:
        raise DataError(
            f"There is no decision {one.action!r} about a label.", "", nearest(one.action, ACTIONS)
        )
    entry: dict[str, object] = {"row": int(row), "action": one.action}
    if one.action == "relabel":
        wanted, number = classes_of(version, one.label, new=new), version.labels[row]
        if number >= 0 and {*version.sets.named[number]} == {*wanted}:
            raise DataError(
                f"Row {row} is of class {one.label!r} already.",
                "",
                "Keep it, or choose another class.",
            )
        entry["label"] = as_cell(wanted) if version.sets.several else one.label
    return entry


def classes_of(version: DatasetVersion, label: str, *, new: bool = False) -> Named:
    """The classes that a decision names; with `new` also classes that the version lacks.

    Raises:
        DataError: when the version lacks one of them.
    """
    names, several = version.info.labels, version.sets.several
    listed = several and label.startswith("[") and label not in names
    wanted = tuple(parts_of(label, LIST) if listed else [label])
    for name in wanted:
        if name not in names and not new:
            raise DataError(
                f"There is no class {name!r} in this dataset.", "", nearest(name, names)
            )
    return tuple(sorted(wanted))


def decisions(folder: Path) -> dict[int, Decision]:
    """All decisions about the version in `folder` by row, in the order in which they were made."""
    return {
        row: Decision(entry["action"], entry.get("label", ""))
        for row, entry in _newest(folder).items()
    }


def spoken(folder: Path) -> dict[int, Spoken]:
    """The newest decision about each row that was somebody's own word, whatever the answers of a
    queue came to since. Whoever takes an own word back leaves the queue's; whoever takes the
    queue's back wants none. Releases that told the two not apart left no moment: these are the
    queue's.
    """
    own: dict[int, Spoken] = {}
    without: dict[int, Spoken] = {}  # rows of which the queue's word was taken back
    last: dict[int, dict[str, Any]] = {}
    for entry in find_lines(folder / _FILE):
        row = entry["row"]
        if "at" in entry:
            said = Spoken(Decision(entry["action"], entry.get("label", "")), entry["at"])
            if entry["action"] != "undo":
                own[row] = said
            elif "at" not in last.get(row, ()):
                own[row] = without[row] = said
            elif row in without:
                own[row] = without[row]
            else:
                own.pop(row, None)
        last[row] = entry
    return own


def carry_over(old: Path, new: Path) -> None:
    """Rows that were found right stay settled in the version made from `old`; its rows keep their
    numbers.
    """
    kept = [one for one in _newest(old).values() if one["action"] == "keep"]
    if kept:
        add_lines(new / _FILE, kept)


def carry_all(
    old: DatasetVersion, new: DatasetVersion, names: NewNames, applied: Mapping[int, Decision]
) -> None:
    """What was decided about rows of `old` waits in the version made from it, too, as far as it has
    the rows and classes; its rows keep their numbers. What is `applied` there does not, nor what
    somebody has decided there already.
    """
    lines, there = [], _newest(new.folder)
    splits, several = new.splits, new.sets.several
    for row, entry in _newest(old.folder).items():
        decided = Decision(entry["action"], entry.get("label", ""))
        if splits[row] == "removed" or row in there or applied.get(row) == decided:
            continue
        label, now = entry.get("label", ""), _named(new, row)
        if entry["action"] == "keep" and now != names.of_all(_named(old, row)):
            continue  # another label than the one that was found right
        if entry["action"] == "relabel":
            renamed = names.of(label, several=several)
            if renamed is None:
                continue
            entry = entry | {"label": renamed}
            if now == {*classes_of(new, renamed, new=True)}:
                entry = {key: entry[key] for key in entry if key != "label"} | {"action": "keep"}
        lines.append(entry)
    if lines:
        add_lines(new.folder / _FILE, lines)


def _named(version: DatasetVersion, row: int) -> set[str] | None:
    """The classes that a row has; None without a label."""
    number = version.labels[row]
    return {*version.sets.named[number]} if number >= 0 else None


def _newest(folder: Path) -> dict[int, dict[str, Any]]:
    """The line that counts about each row about which something is decided."""
    lines: dict[int, dict[str, Any]] = {}
    for entry in find_lines(folder / _FILE):
        lines.pop(entry["row"], None)
        if entry["action"] != "undo":
            lines[entry["row"]] = entry
    return lines
