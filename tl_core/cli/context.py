"""What commands share: one place to print, and the stores of the acting user."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable
from typing import Any

from tl_core.errors import ConfigError
from tl_core.progress import Progress
from tl_core.registry.database import open_database
from tl_core.registry.datasets import DatasetStore
from tl_core.registry.runs import RunStore
from tl_core.settings import Settings, read_settings

_OFTEN = 0.2  # seconds between two lines of progress


class Output:
    """Prints JSON documents or plain lines on standard output, everything else on standard
    error.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    def show(self, content: Any, lines: list[str]) -> int:  # noqa: ANN401
        """Print `content` as JSON or `lines` as text; gives exit code 0."""
        if self.as_json:
            print(json.dumps(finite(content), ensure_ascii=False, allow_nan=False, default=str))
        else:
            print("\n".join(lines))
        return 0

    def fail(self, error: dict[str, str], code: int) -> int:
        """Print an error object; gives `code`."""
        if self.as_json:
            print(json.dumps({"error": error}, ensure_ascii=False))
        else:
            self.note(
                "Error: "
                + " ".join(
                    part for part in (error["what"], error["why"], error["try_this"]) if part
                )
            )
        return code

    def note(self, text: str, end: str = "\n") -> None:
        """A remark on standard error."""
        print(text, end=end, file=sys.stderr, flush=True)


class Shown(Progress):
    """Progress as one line on standard error: the stage, how many are done, and how many a
    second.
    """

    def __init__(self, output: Output, clock: Callable[[], float] = time.monotonic) -> None:
        self._output, self._clock = output, clock
        self._stage, self._started, self._last, self._width = "", 0.0, 0.0, 0
        self._before: int | None = None

    def stage(self, name: str, total: int = 0, share: float = 0.0) -> None:
        del total, share
        self._stage, self._started, self._before = name, self._clock(), None
        self._write(f"{name}…")

    def batch(self, done: int, total: int) -> None:
        now = self._clock()
        self._before = done if self._before is None else self._before  # an earlier try did them
        if now - self._last < _OFTEN and done != total:
            return
        self._last, seconds = now, now - self._started
        rate = (
            f", {(done - self._before) / seconds:,.0f} a second"
            if seconds > 0 and done > self._before
            else ""
        )
        self._write(f"{self._stage}: {done:,} of {total:,}{rate}")

    def end(self) -> None:
        """The line is finished; what follows stands below it."""
        self._output.note("")

    def _write(self, line: str) -> None:
        self._output.note("\r" + line.ljust(self._width), end="")
        self._width = len(line)


def finite(content: Any) -> Any:  # noqa: ANN401
    """The same with NaN and infinity as null, which JSON has no words for."""
    if isinstance(content, float) and not math.isfinite(content):
        return None
    if isinstance(content, dict):
        return {str(key): finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [finite(value) for value in content]
    return content


def stores() -> tuple[Settings, DatasetStore, RunStore]:
    """Settings and the acting user's stores."""
    settings = read_settings()
    engine = open_database(settings)
    return (
        settings,
        DatasetStore(engine, settings.user, settings.home_path),
        RunStore(engine, settings.user, settings.home_path),
    )


def parse_setting(text: str) -> tuple[str, Any]:
    """`key=value`; the value is JSON where it can be, else a string."""
    key, sign, raw = text.partition("=")
    if not sign:
        raise ConfigError(f"--set {text!r} has no value.", "", "Write --set key=value.")
    try:
        return key, json.loads(raw)
    except ValueError:
        return key, raw
