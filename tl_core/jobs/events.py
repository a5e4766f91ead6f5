"""The event file of a run: one JSON object a line, appended by the worker, read from an offset by
anyone.

Types: stage (name, total, share), batch (done, total), curve (name, a key of `Curve`, part and
values), learning (groups of layers, part), log (text), finding, machine (what GPUs, processor and
memory do).
"""

from __future__ import annotations

import contextlib
import json
import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

from tl_core.data.dataset_version import FindingFacts
from tl_core.errors import Cancelled
from tl_core.jobs.monitor import MachineFacts
from tl_core.progress import LEARNING, Curve, Progress, learning_label

_QUIET_SECONDS = 0.2  # batches that follow faster than this are not written one by one
# runs of earlier versions named curves by their labels, with the part behind a bar
_CURVES = {curve.label: curve for curve in Curve} | {str(curve): curve for curve in Curve}
_OF_THE_REST = 0.9  # that a stage takes where its share is more than what is left
_WINDOW = 12  # batch events that the rate is taken from


class EventLog(Progress):
    """The worker's progress: writes events, knows the overall share done, and raises `Cancelled`
    when asked.
    """

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self._file = (folder / "events.jsonl").open("a", encoding="utf-8")
        self._lock, self._clock = threading.Lock(), clock
        self._last_batch = self._before = self._share = self._inside = 0.0
        self.moved = clock()  # when the work last had something to tell, in seconds since 1970
        self.cancelled, self.stopping = threading.Event(), threading.Event()

    @property
    def fraction(self) -> float:
        """Share of the whole run that is done, 0-1."""
        return min(1.0, self._before + self._share * self._inside)

    def stage(self, name: str, total: int = 0, share: float = 0.0) -> None:
        self._check()
        self._before = min(1.0, self._before + self._share)
        # shares are guesses: where they add up to more than all, some is left for what comes
        rest = 1.0 - self._before
        self._share, self._inside = share if share < rest + 1e-9 else _OF_THE_REST * rest, 0.0
        self._last_batch = 0.0
        self._write("stage", name=name, total=total)

    def batch(self, done: int, total: int) -> None:
        self._check()
        self._inside = done / total if total else self._inside
        self.moved = now = self._clock()
        if not 0 <= now - self._last_batch < _QUIET_SECONDS or done == total:
            self._last_batch = now
            self._write("batch", done=done, total=total)

    def log(self, text: str) -> None:
        self._write("log", text=text)

    def point(self, curve: Curve, values: dict[str, float], part: str = "") -> None:
        # JSON has no NaN: what is no finite number becomes null
        numbers = {name: value if math.isfinite(value) else None for name, value in values.items()}
        self._write("curve", name=curve, **_of(part), values=numbers)

    def learning(self, groups: list[str], part: str = "") -> None:
        self._write("learning", groups=groups, **_of(part))

    def warn(self, finding: Mapping[str, object]) -> None:
        self._write("finding", finding=finding)

    def machine(self, facts: MachineFacts) -> None:
        """What the machine is doing now."""
        with contextlib.suppress(ValueError):  # the run has just ended
            self._write("machine", facts=facts)

    def should_stop(self) -> bool:
        return self.stopping.is_set()

    def close(self) -> None:
        """Close the file; nothing is written afterwards."""
        with self._lock:
            self._file.close()

    def _check(self) -> None:
        if self.cancelled.is_set():
            raise Cancelled

    def _write(self, kind: str, **content: object) -> None:
        now = self._clock()
        if kind != "machine":  # which the heart tells, whatever the work does
            self.moved = now
        event = {"t": round(now, 3), "type": kind, **content}
        line = json.dumps(event, ensure_ascii=False)
        with self._lock:
            self._file.write(line + "\n")
            self._file.flush()


def _of(part: str) -> dict[str, str]:
    return {"part": part} if part else {}


Points = list[dict[str, float]]


class Event(TypedDict, total=False):
    """One line of the event file: when, its type, and the keys of that type."""

    t: float
    type: str
    name: str
    total: int
    done: int
    part: str
    values: dict[str, float]
    groups: list[str]
    text: str
    facts: MachineFacts
    finding: FindingFacts


class MachineAt(MachineFacts):
    """What the machine did at a time, in seconds since 1970."""

    t: float


@dataclass
class RunView:
    """What the events so far amount to; `follow` takes in those that are new."""

    stage: str = ""
    done: int = 0
    total: int = 0
    stages: list[str] = field(default_factory=list)
    curves: dict[Curve, Points] = field(default_factory=dict)  # of the run itself
    part_curves: dict[Curve, dict[str, Points]] = field(default_factory=dict)  # of its parts
    logs: list[str] = field(default_factory=list)
    findings: list[FindingFacts] = field(default_factory=list)
    batches: list[tuple[float, int]] = field(default_factory=list)
    machine: list[MachineAt] = field(default_factory=list)
    learning: str = ""
    offset: int = 0  # in bytes, of what has been taken in

    def follow(self, folder: Path) -> RunView:
        """Take in what the run in `folder` has written since the last time; gives itself."""
        events, self.offset = read_events(folder, self.offset)
        for event in events:
            self.add(event)
        return self

    def add(self, event: Event) -> None:
        """Take one event in."""
        kind = event["type"]
        if kind == "stage":
            self.stage, self.total, self.done = event["name"], event["total"], 0
            self.batches = [(event["t"], 0)]
            self.stages.append(event["name"])
            self.logs.append(event["name"])
        elif kind == "batch" and event["total"]:
            self.done, self.total = event["done"], event["total"]
            self.batches = [*self.batches[-_WINDOW:], (event["t"], event["done"])]
        elif kind == "curve":
            self._add_point(event)
        elif kind == "learning":
            self.learning = ", ".join(event["groups"])
            self.logs.append(learning_label(event["groups"], event.get("part", "")))
        elif kind == "log":
            self.logs.append(event["text"])
            # runs of earlier versions say it in words
            self.learning = event["text"].partition(LEARNING)[2] or self.learning
        elif kind == "machine":
            self.machine.append({"t": event["t"], **event["facts"]})
        elif kind == "finding":
            self.findings.append(event["finding"])

    @property
    def has_curves(self) -> bool:
        """Whether any curve, of the run itself or of a part, has begun."""
        return bool(self.curves or self.part_curves)

    def of(self, curve: Curve) -> dict[str, Points]:
        """The points of one curve by part; that of the run itself has no name."""
        own = {"": self.curves[curve]} if curve in self.curves else {}
        return {**own, **self.part_curves.get(curve, {})}

    def _add_point(self, event: Event) -> None:
        name, _, former_part = event["name"].partition(" | ")
        if name not in _CURVES:
            return
        curve, part = _CURVES[name], event.get("part", former_part)
        points = (
            self.part_curves.setdefault(curve, {}).setdefault(part, [])
            if part
            else self.curves.setdefault(curve, [])
        )
        step = event["values"].get("step")
        while step is not None and points and points[-1].get("step", -1.0) >= step:
            points.pop()  # a resumed training has gone back to its checkpoint
        points.append(event["values"])

    @property
    def rate(self) -> float:
        """Items a second over the last batch events of this stage; 0 while unknown."""
        if len(self.batches) < 2:
            return 0.0
        (first, start), (last, done) = self.batches[0], self.batches[-1]
        return (done - start) / (last - first) if last > first else 0.0

    def seconds_left(self) -> float | None:
        """Time left in this stage, from batch events only; None while unknown."""
        return (self.total - self.done) / self.rate if self.rate > 0 and self.total else None


def read_events(folder: Path, offset: int = 0, most: int = -1) -> tuple[list[Event], int]:
    """Whole events from byte `offset` on, and the offset after them; a line still being written is
    left. No more than `most` bytes are read where that is no negative number.
    """
    try:
        with (folder / "events.jsonl").open("rb") as handle:
            handle.seek(offset)
            data = handle.read(most)
    except FileNotFoundError:
        return [], offset
    end = data.rfind(b"\n") + 1
    events = []
    for line in data[:end].splitlines():
        try:
            events.append(json.loads(line))
        except ValueError:
            continue  # a torn line of a worker that was killed while writing
    return events, offset + end
