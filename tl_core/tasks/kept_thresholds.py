"""From which probability on a model names each class, kept beside its weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np

from tl_core.errors import ConfigError, nearest
from tl_core.json_files import find_object, write_json
from tl_core.tasks import task_of_model
from tl_core.tasks.base import Decision, Task
from tl_core.tasks.multi_label import EVEN, MULTI_LABEL, AnyOfAll, Floats

FILE = "thresholds.json"


def save_thresholds(model: Path, thresholds: Mapping[str, float]) -> None:
    """Keep a threshold for each class with the model in folder `model`.

    Raises:
        ConfigError: for a number that is no probability.
    """
    for name, value in thresholds.items():
        if not 0 <= value <= 1:
            raise ConfigError(
                f"A threshold of {value} for {name!r} is not possible.",
                "It is a probability.",
                "Give a number from 0 to 1.",
            )
    write_json(model / FILE, {"thresholds": dict(thresholds)})


def read_thresholds(model: Path, classes: Sequence[str]) -> Floats:
    """The kept thresholds (classes,); one half for a class without one."""
    kept = find_object(model / FILE).get("thresholds")
    known = kept if isinstance(kept, dict) else {}
    return np.array([float(known.get(name, EVEN)) for name in classes])


def with_changes(
    model: Path, classes: Sequence[str], changes: Mapping[str, float]
) -> dict[str, float]:
    """The kept thresholds with some of them changed; the name "" stands for all classes.

    Raises:
        ConfigError: for a class that the model does not have.
    """
    for name in changes:
        if name and name not in classes:
            raise ConfigError(f"The model has no class {name!r}.", "", nearest(name, classes))
    before = dict(zip(classes, read_thresholds(model, classes).tolist(), strict=True))
    if "" in changes:
        before = dict.fromkeys(classes, changes[""])
    return before | {name: value for name, value in changes.items() if name}


def thresholds_of(decision: Decision) -> list[float] | None:
    """The thresholds that a decision goes by; None where it takes the likeliest class."""
    if not isinstance(decision, AnyOfAll):
        return None
    thresholds: list[float] = np.atleast_1d(decision.thresholds).tolist()
    return thresholds


def decision_of_model(model: Path, classes: Sequence[str]) -> Decision:
    """The same, by the task that the model's configuration tells; needs no torch."""
    said = find_object(model / "config.json").get("problem_type")
    return kept_decision(model, task_of_model(said), classes)


def kept_decision(model: Path, task: Task, classes: Sequence[str]) -> Decision:
    """How answers of the model in folder `model` are decided."""
    if task is MULTI_LABEL:
        return AnyOfAll(read_thresholds(model, classes))
    return cast(Decision, task.part("decision"))
