"""How long work tells others what it is doing; this plain version tells nobody and never stops."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Curve(StrEnum):
    """The curves that work may draw: their keys among the events."""

    TRAINING = "training"
    VALIDATION = "validation"
    LEARNING_RATE = "learning_rate"
    PENALTY = "penalty"
    BEST = "best"

    @property
    def label(self) -> str:
        """What people read."""
        return _LABELS[self]


LEARNING = "Learning now: "
_LABELS = {
    Curve.TRAINING: "training",
    Curve.VALIDATION: "validation",
    Curve.LEARNING_RATE: "learning rate",
    Curve.PENALTY: "choosing C",
    Curve.BEST: "best so far",
}


def learning_label(groups: list[str], part: str = "") -> str:
    """What people read about the groups of layers that move."""
    return (f"{part}: " if part else "") + LEARNING + ", ".join(groups)


class Progress:
    """Receives stages, finished items and remarks. The worker's version writes events and raises
    `Cancelled`.
    """

    def stage(self, name: str, total: int = 0, share: float = 0.0) -> None:
        """A new stage begins; `total` items are expected (0: unknown); it is `share` (0-1) of the
        whole run.
        """

    def batch(self, done: int, total: int) -> None:
        """`done` of `total` items of this stage are finished. May raise `Cancelled`."""

    def log(self, text: str) -> None:
        """One line for people."""

    def curve(self, curve: Curve, **values: float) -> None:
        """One point of a curve, such as the loss at one strength of the penalty."""
        self.point(curve, values)

    def point(self, curve: Curve, values: dict[str, float], part: str = "") -> None:
        """The same; `part` names the training that it belongs to, where a job has several."""

    def learning(self, groups: list[str], part: str = "") -> None:
        """The groups of layers that move from now on."""
        self.log(learning_label(groups, part))

    def warn(self, finding: Mapping[str, object]) -> None:
        """A finding that only training could make."""

    def should_stop(self) -> bool:
        """Whether somebody asked to end early and keep the best so far."""
        return False


class Part(Progress):
    """One training's share of a job that has several; its stages, remarks and curves carry its
    name.
    """

    def __init__(self, whole: Progress, name: str, share: float, *, first: bool = True) -> None:
        self._whole, self._name, self._share, self._first = whole, name, share, first

    def stage(self, name: str, total: int = 0, share: float = 0.0) -> None:
        self._whole.stage(f"{self._name}: {name}", total, share * self._share)

    def batch(self, done: int, total: int) -> None:
        self._whole.batch(done, total)

    def log(self, text: str) -> None:
        self._whole.log(f"{self._name}: {text}")

    def point(self, curve: Curve, values: dict[str, float], part: str = "") -> None:
        self._whole.point(curve, values, self._named(part))

    def learning(self, groups: list[str], part: str = "") -> None:
        self._whole.learning(groups, self._named(part))

    def warn(self, finding: Mapping[str, object]) -> None:
        if self._first:  # all of them find the same about the same texts
            self._whole.warn(finding)

    def should_stop(self) -> bool:
        return self._whole.should_stop()

    @property
    def late(self) -> bool:
        """Whether it is to end at once, with nothing to show for it."""
        return False

    def _named(self, inner: str) -> str:
        return f"{inner} | {self._name}" if inner else self._name
