"""How long work tells others what it is doing; this plain version tells nobody and never stops."""

from __future__ import annotations

from typing import Any


class Progress:
    """Receives stages, finished items and remarks. The worker's version writes events and raises `Cancelled`."""

    def stage(self, name: str, total: int = 0, share: float = 0.0) -> None:
        """A new stage begins; `total` items are expected (0: unknown); it is `share` (0-1) of the whole run."""

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
