"""How far a project has come, by its runs: the last score, the best over its versions, what is
next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from tl_core.registry.run import ACTIVE, Run

_NO_MODEL = "baseline"  # the recipe that only says what can be had without transfer
TRAIN, WATCH, READ, USE = "train", "watch", "read", "use"
"""What is next: a first training, to watch it, to read its report, to use the model."""


@dataclass(frozen=True)
class Score:
    """What a training is known by, with the ends of its interval: accuracy, or micro F1 where an
    item may have several labels; `closed` where it is that of the validation items, because the
    test score has not been opened.
    """

    name: str

    value: float
    low: float
    high: float
    closed: bool


@dataclass(frozen=True)
class Standing:
    """How a project stands.

    Args:
        last: its newest finished training that made a model; None before there is one.
        score: how good that training is; None when nothing is known of it.
        course: the best score of each version that has one, oldest first; where only one has,
            the best so far after each of its trainings.
        over_versions: whether the course goes over versions.
        step: what is next, as named above.
        run: the run that the next step is about; None for a first training.
    """

    last: Run | None
    score: Score | None
    course: tuple[float, ...]
    over_versions: bool
    step: str
    run: Run | None


def standing(runs: Sequence[Run]) -> Standing:
    """How the project stands whose runs these are, newest first; archived ones do not count."""
    counted = [run for run in runs if not run.archived]
    trainings = [run for run in counted if run.kind == "train"]
    finished = [run for run in trainings if run.status == "done" and run.recipe != _NO_MODEL]
    last = next(iter(finished), None)
    course, over_versions = _course(finished)
    step, about = _next(counted, trainings, finished)
    return Standing(last, score_of(last) if last else None, course, over_versions, step, about)


def score_of(run: Run) -> Score | None:
    """The score that a finished training reported."""
    summary = run.summary or {}
    name = "micro_f1" if "micro_f1" in summary else "accuracy"
    found = cast("dict[str, float] | None", summary.get(name))
    if found is None:
        return None
    closed = bool(summary.get("sealed"))
    return Score(name.replace("_f1", " F1"), found["value"], found["low"], found["high"], closed)


def _course(finished: Sequence[Run]) -> tuple[tuple[float, ...], bool]:
    """The best scores over versions, or over the trainings of the only version that has any."""
    versions: dict[int, float] = {}
    so_far: list[float] = []
    for run in reversed(finished):
        score = score_of(run)
        if score is not None:
            number = run.dataset.rpartition("@")[2]
            version = int(number) if number.isdigit() else 0
            versions[version] = max(score.value, versions.get(version, 0.0))
            so_far.append(max([score.value, *so_far[-1:]]))
    if len(versions) > 1:
        return tuple(versions[version] for version in sorted(versions)), True
    return tuple(so_far), False


def _next(
    counted: Sequence[Run], trainings: Sequence[Run], finished: Sequence[Run]
) -> tuple[str, Run | None]:
    """The next step, and the run that it is about."""
    if not finished:
        active = next((run for run in trainings if run.status in ACTIVE), None)
        return (WATCH, active) if active else (TRAIN, None)
    newest = finished[0]
    used = any(run.kind in ("predict", "export") and run.status == "done" for run in counted)
    if (newest.summary or {}).get("sealed") and not used:
        return READ, newest
    return USE, newest
