"""The rounds of a labelling, kept beside the version that it is about: which rows were proposed and
why, how far the random order has been drawn, and what was measured.

Nothing of the version itself changes; a version made from the labels takes the rounds along.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tl_core.json_files import add_lines, find_lines

_FILE = "labelling.jsonl"


@dataclass(frozen=True)
class Round:
    """One batch of proposals.

    Args:
        rows: in the order of the queue.
        why: of each of them.
        drawn: rows from the front of the random order that have been drawn so far, over all rounds.
        seed: of that order.
        point: what was measured when it was proposed (`results.LabellingPoint`).
    """

    rows: list[int]
    why: list[str]
    drawn: int
    seed: int = 0
    point: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class History:
    """What is known of a labelling: its rounds in order, and rows that have got their class in an
    earlier version of it.
    """

    rounds: list[Round]
    labelled: list[int]

    @property
    def drawn(self) -> int:
        """How far the random order has been drawn."""
        return max((one.drawn for one in self.rounds), default=0)


def add_round(folder: Path, one: Round) -> None:
    """Keep a round beside the version in `folder`."""
    _append(folder, {"round": asdict(one)})


def history(folder: Path) -> History:
    """Everything kept beside the version in `folder`."""
    rounds, labelled = [], list[int]()
    for entry in _lines(folder):
        if "round" in entry:
            rounds.append(Round(**entry["round"]))
        labelled += entry.get("labelled", [])
    return History(rounds, labelled)


def carry_over(old: Path, new: Path, labelled: Iterable[int]) -> None:
    """The version in `new` was made from labels given to that in `old`: its rows keep their
    numbers, so the labelling goes on there. `labelled` are the rows that had no class and have got
    one.
    """
    for entry in _lines(old):
        _append(new, entry)
    rows = sorted({int(row) for row in labelled})
    if rows:
        _append(new, {"labelled": rows})


def _append(folder: Path, entry: dict[str, Any]) -> None:
    add_lines(folder / _FILE, [entry])


def _lines(folder: Path) -> list[dict[str, Any]]:
    return list(find_lines(folder / _FILE))
