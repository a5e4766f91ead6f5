"""What a person has decided about single labels, saved at once beside the version that it is about.

Nothing of the version itself changes: the decisions are an overlay of one line each, of which a
later line about the same row counts, and become a new version when asked for.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from tl_core.data.cells.label_lists import LIST, parts_of
from tl_core.data.label_sets import Named, as_cell
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import DataError, nearest

_FILE = "edits.jsonl"
ACTIONS = ("keep", "relabel", "drop", "undo")


@dataclass(frozen=True)
class Decision:
    """`action` is keep (the class is right), relabel (to `label`) or drop; `label` is a class, or
    where an item may have several, a JSON list of them.
    """

    action: str
    label: str = ""


def decide(version: DatasetVersion, row: int, action: str, label: str = "") -> None:
    """Save a decision about `row`; `undo` takes an earlier one back.

    Raises:
        DataError: for a row or class that the version does not have, or a label that the row has
        already.
    """
    if not 0 <= row < len(version.labels) or version.splits[row] == "removed":
        raise DataError(f"There is no row {row} in this version.", "", "Rows are numbered from 0.")
    if action not in ACTIONS:
        raise DataError(
            f"There is no decision {action!r} about a label.", "", nearest(action, ACTIONS)
        )
    if action == "relabel":
        wanted, number = classes_of(version, label), version.labels[row]
        if number >= 0 and {*version.sets.named[number]} == {*wanted}:
            raise DataError(
                f"Row {row} is of class {label!r} already.", "", "Keep it, or choose another class."
            )
        label = as_cell(wanted) if version.sets.several else label
    line = json.dumps(
        {"row": int(row), "action": action, **({"label": label} if action == "relabel" else {})},
        ensure_ascii=False,
    )
    with (version.folder / _FILE).open(
        "a", encoding="utf-8"
    ) as handle:  # one short write: tabs cannot tear it
        handle.write(line + "\n")


def classes_of(version: DatasetVersion, label: str) -> Named:
    """The classes that a decision names.

    Raises:
        DataError: when the version lacks one of them, or allows one class only.
    """
    names, several = version.info.labels, version.sets.several
    listed = several and label.startswith("[") and label not in names
    wanted = tuple(parts_of(label, LIST) if listed else [label])
    for name in wanted:
        if name not in names:
            raise DataError(
                f"There is no class {name!r} in this dataset.", "", nearest(name, names)
            )
    return tuple(sorted(wanted))


def decisions(folder: Path) -> dict[int, Decision]:
    """All decisions about the version in `folder` by row, in the order in which they were made."""
    path, made = folder / _FILE, dict[int, Decision]()
    if not path.is_file():
        return made
    for line in path.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        made.pop(entry["row"], None)
        if entry["action"] != "undo":
            made[entry["row"]] = Decision(entry["action"], entry.get("label", ""))
    return made


def carry_over(old: Path, new: Path) -> None:
    """Rows that were found right stay settled in the version made from `old`; its rows keep their
    numbers.
    """
    kept = [
        json.dumps({"row": row, "action": "keep"})
        for row, one in decisions(old).items()
        if one.action == "keep"
    ]
    if kept:
        (new / _FILE).write_text("\n".join(kept) + "\n", encoding="utf-8")
