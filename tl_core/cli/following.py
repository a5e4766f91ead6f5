"""Jobs as a command sees them: started, followed on standard error to their end, and read."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from tl_core.cli.output import Output
from tl_core.cli.stores import Stores, open_stores
from tl_core.config import RunConfig
from tl_core.registry.run import ACTIVE, Run
from tl_core.registry.runs import RunStore
from tl_core.results import ResultFile

if TYPE_CHECKING:
    from tl_core.jobs.events import RunView

Content = TypeVar("Content")
_LOOK_SECONDS = 0.2


def start_and_follow(run: Run, stores: Stores, output: Output, *, detach: bool) -> int:
    """Have a queued run carried out and print it at its end, with `detach` at once; its exit code.

    Ctrl-C detaches: the run goes on.
    """
    from tl_core.jobs.dispatch import ensure_dispatcher

    ensure_dispatcher(stores.settings)
    if detach:
        return output.show(
            run.as_dict(),
            [
                f"Run {run.id} is queued (place {run.place}). "
                f"Watch it: python -m tl_core runs show {run.id}"
            ],
        )
    try:
        run = follow(run, stores.runs, output)
    except KeyboardInterrupt:
        output.note(f"\nThe run goes on. Stop it with: python -m tl_core runs cancel {run.id}")
        run = stores.runs.get(run.id)
        return output.show(run.as_dict(), [f"Run {run.id} is {run.status}."])
    content = run.as_dict()
    if run.kind == "preflight":
        content["estimate"] = run.summary
    output.show(content, [f"Run {run.id} is {run.status}. {run.headline or reason_of(run)}"])
    return 0 if run.status == "done" else 1


def result_of(
    config: RunConfig, file: ResultFile[Content], output: Output
) -> tuple[str, Content] | None:
    """Carry out a light run; its id and the content of the `file` that it wrote, or None, the
    reason printed, when it failed.
    """
    from tl_core.jobs.dispatch import ensure_dispatcher

    settings, _, runs = open_stores()
    run = runs.create(config)
    ensure_dispatcher(settings)
    run = follow(run, runs, output)
    if run.status == "done":
        return run.id, file.load(run.folder)
    output.show(run.as_dict(), [f"Run {run.id} is {run.status}. {reason_of(run)}"])
    return None


def follow(run: Run, runs: RunStore, output: Output) -> Run:
    """Show stage, share and time left on standard error until the run has ended."""
    from tl_core.jobs.events import RunView

    view, shown = RunView(), ""
    while True:
        run = runs.get(run.id)
        known = len(view.findings)
        for finding in view.follow(run.folder).findings[known:]:
            output.note(f"\n[{finding['severity']}] {finding['text']} {finding['fix']}")
        line = _status_line(run, view)
        if line != shown:
            output.note("\r" + line.ljust(len(shown)), end="")
            shown = line
        if run.status not in ACTIVE:
            output.note("")
            return run
        time.sleep(_LOOK_SECONDS)


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
