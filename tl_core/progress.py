"""How long work tells others what it is doing; this plain version tells nobody and never stops."""

from __future__ import annotations

from typing import Any


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

    def curve(self, name: str, **values: float) -> None:
        """One point of a curve, such as the loss at one strength of the penalty."""

    def warn(self, finding: dict[str, Any]) -> None:
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

    def curve(self, name: str, **values: float) -> None:
        self._whole.curve(f"{name} | {self._name}", **values)

    def warn(self, finding: dict[str, Any]) -> None:
        if self._first:  # all of them find the same about the same texts
            self._whole.warn(finding)

    def should_stop(self) -> bool:
        return self._whole.should_stop()
