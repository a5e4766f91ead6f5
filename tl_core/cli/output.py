"""Where commands print: documents and lines on standard output, all else on standard error."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence

from tl_core.json_files import finite
from tl_core.progress import Progress

_SECONDS_BETWEEN = 0.2  # two lines of progress


class Output:
    """Prints JSON documents or plain lines on standard output, everything else on standard
    error.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    def show(self, content: object, lines: Sequence[str]) -> int:
        """Print `content` as JSON or `lines` as text; gives exit code 0."""
        if self.as_json:
            print(json.dumps(finite(content), ensure_ascii=False, allow_nan=False, default=str))
        else:
            print("\n".join(lines))
        return 0

    def fail(self, error: Mapping[str, object], code: int) -> int:
        """Print an error object; gives `code`."""
        if self.as_json:
            print(json.dumps({"error": error}, ensure_ascii=False))
        else:
            sentences = (str(error[key]) for key in ("what", "why", "try_this"))
            self.note("Error: " + " ".join(part for part in sentences if part))
        return code

    def note(self, text: str, end: str = "\n") -> None:
        """A remark on standard error."""
        print(text, end=end, file=sys.stderr, flush=True)


class ProgressLine(Progress):
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
        if now - self._last < _SECONDS_BETWEEN and done != total:
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
