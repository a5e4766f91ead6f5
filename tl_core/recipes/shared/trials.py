"""Trainings inside a training: what each leaves is kept in a folder of its own, so that an
interruption costs one.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from tl_core.errors import TrainingError
from tl_core.json_files import find_object, write_json
from tl_core.progress import Part, Progress
from tl_core.recipes.shared.common import Floats, Ints, Trained

_BASELINE = "baseline "
_BESIDE, _HELD = "beside ", "held "
_ARRAYS = (
    "test",
    "validation_rows",
    "validation",
    "baselines",
    "alternatives",
    "beside",
    "beside_held",
)
_TICK = 5.0  # seconds between two notes of the time that has been spent


def keep(folder: Path, trained: Trained) -> None:
    """Write what a training found; `recall` reads it again."""
    arrays: dict[str, Any] = {
        "test": trained.test,
        "validation_rows": trained.validation_rows,
        "validation": trained.validation,
        **{_BASELINE + name: scores for name, scores in trained.baselines.items()},
        **{_BESIDE + name: scores for name, scores in trained.beside.items()},
        **{_HELD + name: scores for name, scores in trained.beside_held.items()},
    }
    np.savez(folder / "trained.npz", **arrays)
    rest = {name: value for name, value in asdict(trained).items() if name not in _ARRAYS}
    write_json(folder / "trained.json", json.loads(json.dumps(rest)))


def recall(folder: Path) -> Trained | None:
    """What a training found that ended; None when it has not."""
    rest = find_object(folder / "trained.json")
    if not rest:
        return None
    with np.load(folder / "trained.npz") as stored:
        arrays = dict(stored)
    named = {
        field: _taken(arrays, prefix)
        for field, prefix in (
            ("baselines", _BASELINE),
            ("beside", _BESIDE),
            ("beside_held", _HELD),
        )
    }
    return Trained(**arrays, **rest, **named)  # type: ignore[arg-type]


def _taken(arrays: dict[str, Floats], prefix: str) -> dict[str, Floats]:
    """The arrays whose names begin so, taken out, by the rest of their names."""
    return {
        name.removeprefix(prefix): arrays.pop(name)
        for name in list(arrays)
        if name.startswith(prefix)
    }


def said(trained: Trained, rows: Ints) -> Floats:
    """Probabilities that a training gave to `rows` before it learnt from them (rows, classes), NaN
    for others.
    """
    out = np.full((len(rows), trained.test.shape[1]), np.nan)
    place = {int(row): number for number, row in enumerate(trained.validation_rows)}
    known = [number for number, row in enumerate(rows.tolist()) if row in place]
    out[known] = trained.validation[[place[int(rows[number])] for number in known]]
    return out


class Budget:
    """Seconds that may be spent, counted over interruptions in a file."""

    def __init__(self, path: Path, seconds: float) -> None:
        self.seconds, self._path = seconds, path
        self._before = float(str(find_object(path).get("spent", 0.0)))
        self._started = self._noted = time.monotonic()

    @property
    def spent(self) -> float:
        return self._before + time.monotonic() - self._started

    @property
    def left(self) -> float:
        return self.seconds - self.spent

    def tick(self) -> None:
        """Note the time now and then."""
        if time.monotonic() - self._noted > _TICK:
            self.note()

    def note(self, **facts: object) -> None:
        """Note the time, and whatever else whoever watches should see."""
        self._noted = time.monotonic()
        write_json(
            self._path,
            {**find_object(self._path), "budget": self.seconds, "spent": self.spent, **facts},
        )


class OutOfTimeError(TrainingError):
    """A part of a search took longer than it may."""


def out_of_time() -> OutOfTimeError:
    """The error in words."""
    return OutOfTimeError("It is too slow for this budget.", "", "Give the search more minutes.")


class Timed(Part):
    """A part that is to end by a time: it is asked to stop then, and, if `firm`, made to."""

    def __init__(
        self,
        whole: Progress,
        name: str,
        share: float,
        budget: Budget,
        until: float,
        *,
        firm: bool = False,
    ) -> None:
        super().__init__(whole, name, share, first=False)
        self._budget, self._until, self._firm = budget, until, firm

    def batch(self, done: int, total: int) -> None:
        super().batch(done, total)
        self._budget.tick()
        if self.late:
            raise out_of_time()

    @property
    def late(self) -> bool:
        return self._firm and self._budget.spent > self._until

    def should_stop(self) -> bool:
        self._budget.tick()
        return super().should_stop() or self._budget.spent > self._until
