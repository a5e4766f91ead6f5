"""What a person has decided about single labels, saved at once beside the version that it is about.

Nothing of the version itself changes: the decisions are an overlay of one line each, of which a
later line about the same row counts, and become a new version when asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

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


def decide(
    version: DatasetVersion, row: int, action: str, label: str = "", *, new: bool = False
) -> None:
    """Save a decision about `row`; raises and takes `new` as `decide_all`."""
    decide_all(version, {row: Decision(action, label)}, new=new)


def decide_all(version: DatasetVersion, made: Mapping[int, Decision], *, new: bool = False) -> None:
    """Save decisions about rows; the action `undo` takes an earlier one back.

    Args:
        version: that they are about.
        made: by row.
        new: whether a label may be a class that the version does not have yet.

    Raises:
        DataError: for a row or class that the version does not have, or a label that the row has
            already; then none is saved.
    """
    splits = version.splits
    lines = [_line(version, splits, row, one, new=new) for row, one in made.items()]
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
    made = dict[int, Decision]()
    for entry in find_lines(folder / _FILE):
        made.pop(entry["row"], None)
        if entry["action"] != "undo":
            made[entry["row"]] = Decision(entry["action"], entry.get("label", ""))
    return made


def carry_over(old: Path, new: Path) -> None:
    """Rows that were found right stay settled in the version made from `old`; its rows keep their
    numbers.
    """
    kept = [
        {"row": row, "action": "keep"}
        for row, one in decisions(old).items()
        if one.action == "keep"
    ]
    if kept:
        add_lines(new / _FILE, kept)
