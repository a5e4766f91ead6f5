"""Waiting for what another thread, process or machine does."""

from __future__ import annotations

import time


def wait_for(condition, seconds: float = 300.0):
    """What the condition gives, once it gives something.

    Raises:
        AssertionError: it gave nothing within so many seconds.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.1)
    raise AssertionError(f"it did not happen within {seconds:.0f} seconds")
