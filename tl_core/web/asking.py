"""Answers of trained models while a program waits: computed in a helper process, so that no torch
comes into the server's own.
"""

from __future__ import annotations

from typing import Protocol

import anyio
import anyio.to_thread

from tl_core.errors import UserError

AT_ONCE = 8  # questions that may wait; more of them would only wait longer
_SECONDS = 60.0
_LOOK_SECONDS = 0.02


class BusyError(UserError):
    """Too many wait already."""

    code = "busy"


class SlowError(UserError):
    """The answer did not come in time."""

    code = "slow"


class Helper(Protocol):
    """What is needed of `tl_core.helper.client.ComputeClient`."""

    def call(self, name: str, /, **arguments: object) -> int:
        """Ask for something; gives the ticket of its answer."""
        ...

    def poll(self, ticket: int) -> tuple[bool, object]:
        """(False, None) while the answer is not there, else (True, value)."""
        ...


class Asking:
    """Asks a helper process, a few questions at a time.

    Args:
        helper: the process; it is started by the first question.
        seconds: longest wait for an answer.
    """

    def __init__(self, helper: Helper, seconds: float = _SECONDS) -> None:
        self._helper, self._seconds, self._waiting = helper, seconds, 0

    async def answer(self, name: str, **arguments: object) -> object:
        """The answer of the call `name`.

        Raises:
            BusyError: when too many wait already.
            SlowError: when it does not come in time.
            UserError: when it is an error.
        """
        if self._waiting >= AT_ONCE:
            raise BusyError(
                "Too many questions wait for models already.", "", "Come again in a moment."
            )
        self._waiting += 1
        try:
            with anyio.fail_after(self._seconds):
                return await self._asked(name, arguments)
        except TimeoutError:
            raise SlowError(
                f"There was no answer within {self._seconds:,.0f} seconds.",
                "The model is large, or this machine is busy.",
                "Ask about fewer items, or predict them as a file.",
            ) from None
        finally:
            self._waiting -= 1

    async def _asked(self, name: str, arguments: dict[str, object]) -> object:
        ticket = await anyio.to_thread.run_sync(lambda: self._helper.call(name, **arguments))
        while True:  # in a thread: the helper may be starting, and whoever asks it waits for that
            there, value = await anyio.to_thread.run_sync(self._helper.poll, ticket)
            if there:
                return value
            await anyio.sleep(_LOOK_SECONDS)
