"""Two models behind one path: what both said of the same items, and what people said later."""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import numpy as np
from filelock import FileLock

from tl_core.errors import DataError, NotFoundError, nearest
from tl_core.evaluate.compare import compare
from tl_core.evaluate.measures import PairedTest, Score
from tl_core.evaluate.scores.intervals import proportion
from tl_core.json_files import add_lines, find_lines, find_object, write_json

FOLDER = "canaries"
_ABOUT, _NOTES, _EARLIER = "about.json", "pairs.jsonl", "pairs.before.jsonl"
_MOST_BYTES = 16 << 20  # of a file of notes; one earlier file is kept
_SHOWN = 20  # kinds of disagreement that a report lists
_WAIT = 10.0  # seconds for another process that writes


class Disagreement(TypedDict):
    """What one said, what the other said of the same items, and how often."""

    first: str
    second: str
    items: int


class PairedReport(TypedDict):
    """Two models compared on the items that both have answered.

    `labelled` compares which of them is right, on the items whose label came back; None where none
    has.
    """

    name: str
    first: str
    second: str
    items: int
    disagreeing: Score
    kinds: list[Disagreement]
    labelled: PairedTest | None
    failures: int
    sentence: str


@dataclass(frozen=True)
class Rivals:
    """A path's two models by their bundles, the run and the dataset of the first, and the share of
    requests that the second answers.
    """

    name: str
    first: str
    second: str
    share: float
    run: str = ""
    dataset: str = ""


class Pairs:
    """Notes of two models on the same items, in a folder that several processes write to; of an
    item nothing but the two answers is kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        told = find_object(folder / _ABOUT)
        self.rivals = Rivals(
            str(told.get("name", folder.name)),
            str(told.get("first", "")),
            str(told.get("second", "")),
            float(str(told.get("share", 0))),
            str(told.get("run", "")),
            str(told.get("dataset", "")),
        )

    @classmethod
    def begun(cls, root: Path, rivals: Rivals) -> Pairs:
        """The notes about two models below `root`; those about two others of that name are
        dropped.
        """
        folder = root / FOLDER / rivals.name
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock", timeout=_WAIT):
            before = cls(folder).rivals
            if (before.first, before.second) != (rivals.first, rivals.second):
                (folder / _NOTES).unlink(missing_ok=True)
                (folder / _EARLIER).unlink(missing_ok=True)
            write_json(folder / _ABOUT, rivals.__dict__)
        return cls(folder)

    def note(self, first: Sequence[str], second: Sequence[str]) -> str:
        """Note what both said of the items of one request; gives the request's id."""
        request = secrets.token_hex(8)
        self._write({"id": request, "time": time.time(), "first": [*first], "second": [*second]})
        return request

    def note_failure(self) -> None:
        """Note that the second one had no answer, so that the first one's was given."""
        self._write({"failed": time.time()})

    def label(self, request: str, labels: Sequence[str]) -> None:
        """Note what the items of a request really were; an empty text where it is unknown.

        Raises:
            DataError: for a request that is not known, or with another number of items.
        """
        found = next((one for one in self._notes() if one.get("id") == request), None)
        if found is None:
            raise DataError(
                "There is no such request.",
                "Only requests that both models have answered have an id, and old ones are"
                " forgotten.",
                "Send the id of the header X-Graft-Request.",
            )
        items = found["first"]
        if not isinstance(items, list) or len(items) != len(labels):
            raise DataError("There are not as many labels as the request had items.")
        self._write({"of": request, "labels": [*labels]})

    def report(self) -> PairedReport:
        """What the two models said, compared."""
        first, second, truth, failures = self._gathered()
        differ = [(one, other) for one, other in zip(first, second, strict=True) if one != other]
        known = [place for place, label in enumerate(truth) if label]
        labelled = None
        if known:
            ours, theirs = (
                np.array([said[k] == truth[k] for k in known]) for said in (first, second)
            )
            labelled = compare(ours, theirs, "items with a label", ("The first one", "the canary"))
        return {
            "name": self.rivals.name,
            "first": self.rivals.first,
            "second": self.rivals.second,
            "items": len(first),
            "disagreeing": proportion(len(differ), len(first)),
            "kinds": [
                {"first": one, "second": other, "items": count}
                for (one, other), count in Counter(differ).most_common(_SHOWN)
            ],
            "labelled": labelled,
            "failures": failures,
            "sentence": _sentence(len(differ), len(first), labelled),
        }

    def _gathered(self) -> tuple[list[str], list[str], list[str], int]:
        """What both said of each item, what it was where that is known, and how often the second
        one failed.
        """
        answers: dict[str, tuple[list[str], list[str]]] = {}
        labels: dict[str, list[str]] = {}
        failures = 0
        for one in self._notes():
            if "failed" in one:
                failures += 1
            elif "of" in one:
                labels[str(one["of"])] = _texts(one["labels"])
            else:
                answers[str(one["id"])] = (_texts(one["first"]), _texts(one["second"]))
        first: list[str] = []
        second: list[str] = []
        truth: list[str] = []
        for request, (ours, theirs) in answers.items():
            first += ours
            second += theirs
            truth += labels.get(request, [""] * len(ours))
        return first, second, truth, failures

    def _write(self, note: Mapping[str, object]) -> None:
        with FileLock(self._folder / ".lock", timeout=_WAIT):
            path = self._folder / _NOTES
            if path.is_file() and path.stat().st_size > _MOST_BYTES:
                path.replace(self._folder / _EARLIER)
            add_lines(path, [note])

    def _notes(self) -> Iterator[dict[str, object]]:
        for name in (_EARLIER, _NOTES):
            yield from find_lines(self._folder / name)


def _texts(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []


def _sentence(differing: int, items: int, labelled: PairedTest | None) -> str:
    if not items:
        return "No item has been answered by both yet."
    rate = proportion(differing, items)
    said = (
        f"The two differ on {differing:,} of {items:,} items, {100 * rate['value']:.1f} % (95 %"
        f" interval {100 * rate['low']:.1f} to {100 * rate['high']:.1f})."
    )
    if labelled is None:
        return f"{said} Which of them is right is not known: no label has come back."
    return f"{said} {labelled['sentence']}"


def all_pairs(root: Path) -> list[Pairs]:
    """Those below `root`, by name."""
    return [Pairs(path.parent) for path in sorted((root / FOLDER).glob(f"*/{_ABOUT}"))]


def pairs_of(root: Path, name: str) -> Pairs:
    """The notes about the two models of a name.

    Raises:
        NotFoundError: when there are none.
    """
    known = {one.rivals.name: one for one in all_pairs(root)}
    if name not in known:
        raise NotFoundError(
            f"No two models have been served as {name!r}.",
            "",
            nearest(name, known)
            if known
            else "Serve two: python -m tl_core serve BUNDLE --canary OTHER.",
        )
    return known[name]
