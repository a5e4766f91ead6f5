"""Jobs as a command sees them: started, followed on standard error to their end, and read."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar, cast

from tl_core.cli.output import Output
from tl_core.cli.workplace import Workplace
from tl_core.config import RunConfig
from tl_core.registry.run import ACTIVE, Run
from tl_core.results import Estimate, MemoryWay, ResultFile

if TYPE_CHECKING:
    from tl_core.jobs.events import RunView

Content = TypeVar("Content")


def follow_to_the_end(run: Run, place: Workplace, output: Output, *, detach: bool) -> int:
    """Print a run that was started at its end, with `detach` at once; its exit code.

    Ctrl-C detaches: the run goes on.
    """
    if detach:
        return output.show(
            run.as_dict(),
            [
                f"Run {run.id} is queued (place {run.place}). "
                f"Watch it: python -m tl_core runs show {run.id}"
            ],
        )
    try:
        run = follow(run, place, output)
    except KeyboardInterrupt:
        output.note(f"\nThe run goes on. Stop it with: python -m tl_core runs cancel {run.id}")
        run = place.run(run.id)
        return output.show(run.as_dict(), [f"Run {run.id} is {run.status}."])
    content, lines = (
        run.as_dict(),
        [f"Run {run.id} is {run.status}. {run.headline or reason_of(run)}"],
    )
    if run.kind == "preflight":
        content["estimate"] = run.summary
        lines += _memory_lines(cast(Estimate, run.summary or {}))
    output.show(content, lines)
    return 0 if run.status == "done" else 1


def _memory_lines(estimate: Estimate) -> list[str]:
    """What a training would hold in memory, in each way that is known."""
    ways = estimate.get("ways", [])
    if not ways:
        return []
    return [estimate["advice"], *(_memory_line(way) for way in ways)]


def _memory_line(way: MemoryWay) -> str:
    parts = {
        "weights": way["weights"],
        "gradients": way["gradients"],
        "optimizer": way["optimizer"],
        "best state": way["best_state"],
        "activations": way["activations"],
    }
    told = ", ".join(f"{name} {size / 2**20:,.0f}" for name, size in parts.items())
    verdict = "fits" if way["fits"] else "too much"
    return f"  {way['total'] / 2**20:10,.0f} MiB {verdict}  {way['way']} ({told})"


def result_of(
    config: RunConfig, file: ResultFile[Content], place: Workplace, output: Output
) -> tuple[str, Content] | None:
    """Carry out a light run; its id and the content of the `file` that it wrote, or None, the
    reason printed, when it failed. For this machine, which has the folders of its runs.
    """
    run = follow(place.start(config), place, output)
    if run.status == "done":
        return run.id, file.load(run.folder)
    output.show(run.as_dict(), [f"Run {run.id} is {run.status}. {reason_of(run)}"])
    return None


def follow(run: Run, place: Workplace, output: Output) -> Run:
    """Show stage, share and time left on standard error until the run has ended."""
    from tl_core.jobs.events import RunView

    view, shown = RunView(), ""
    while True:
        run = place.run(run.id)
        known = len(view.findings)
        place.take_in(run, view)
        for finding in view.findings[known:]:
            output.note(f"\n[{finding['severity']}] {finding['text']} {finding['fix']}")
        line = _status_line(run, view)
        if line != shown:
            output.note("\r" + line.ljust(len(shown)), end="")
            shown = line
        if run.status not in ACTIVE:
            output.note("")
            return run
        time.sleep(place.look_seconds)


def reason_of(run: Run) -> str:
    """Why a run ended as it did, in one line; empty where there is nothing to say."""
    if not run.reason:
        return ""
    parts = (run.reason.get(key) for key in ("what", "why", "try_this"))
    return " ".join(str(part) for part in parts if part)


def _status_line(run: Run, view: RunView) -> str:
    if run.status == "queued":
        return f"waiting, place {run.place} in the queue"
    left = view.seconds_left()
    done = f" {view.done:,}/{view.total:,}" if view.total else ""
    rest = f", about {left:.0f} s left" if left else ""
    return f"{run.progress:4.0%} {view.stage}{done}{rest}"
