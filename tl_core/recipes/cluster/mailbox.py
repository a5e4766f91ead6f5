"""Lines of text that processes anywhere in a Ray cluster say, printed by whoever has started
them.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import ray
from ray.actor import ActorHandle
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

_BETWEEN_SECONDS = 0.2


class _Mailbox:
    """What was said and not printed yet."""

    def __init__(self) -> None:
        self._lines: list[str] = []

    def put(self, line: str) -> None:
        self._lines.append(line)

    def take(self) -> list[str]:
        lines, self._lines = self._lines, []
        return lines


def sayer(mailbox: ActorHandle) -> Callable[[str], None]:
    """What says a line, without waiting for it to arrive."""

    def say(line: str) -> None:
        mailbox.put.remote(line)

    return say


@contextmanager
def printed() -> Iterator[ActorHandle]:
    """A mailbox on this machine, where it is lost only if all is; what comes is printed until the
    end of the block, and what has come by then. Empty lines tell that time goes by.
    """
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    mailbox = ray.remote(num_cpus=0, scheduling_strategy=here)(_Mailbox).remote()
    over = threading.Event()
    speaker = threading.Thread(target=_print, args=(mailbox, over))
    speaker.start()
    try:
        yield mailbox
    finally:
        over.set()
        speaker.join()


def _print(mailbox: ActorHandle, over: threading.Event) -> None:
    last = False
    while not last:
        last = over.wait(_BETWEEN_SECONDS)
        for line in ray.get(mailbox.take.remote()) or [""]:
            sys.stdout.write(line + "\n")
        sys.stdout.flush()
