"""Commands about everybody's queue: list, priority."""

from __future__ import annotations

import time
from dataclasses import asdict

import click

from tl_core.cli.commands.quotas import oversight
from tl_core.cli.output import Output
from tl_core.cli.parsing import Group
from tl_core.registry.elsewhere.executor_names import title_of
from tl_core.registry.scheduling.oversight import QueuedRun

queue = Group("queue", help="Everybody's queue, for administrators: list, priority.")


@queue.command("list")
@click.pass_obj
def list_queue(output: Output) -> int:
    """Runs that run or wait, in the order of their turns."""
    found = oversight().queue()
    return output.show(
        [asdict(run) for run in found],
        [_line(run) for run in found] or ["Nothing runs or waits."],
    )


@queue.command("priority")
@click.argument("run_id", metavar="RUN", help="run id")
@click.argument("priority", metavar="N", type=int, help="higher goes first; 0: like all others")
@click.pass_obj
def set_priority(output: Output, run_id: str, priority: int) -> int:
    """Let a waiting run go before others, or after them."""
    desk = oversight()
    desk.prioritise(run_id, priority)
    run = next((run for run in desk.queue() if run.run == run_id), None)
    return output.show(
        {"run_id": run_id, "priority": priority, "place": run.place if run else 0},
        [f"Run {run_id} has priority {priority}" + (f", place {run.place}." if run else ".")],
    )


def _line(run: QueuedRun) -> str:
    if run.elsewhere:
        state = f"waiting in {title_of(run.elsewhere)}"
    elif run.status == "running":
        state = f"running, {run.progress:.0%}"
    elif run.starts is None:
        state = f"place {run.place}"
    else:
        state = (
            f"place {run.place}, from about {time.strftime('%H:%M', time.localtime(run.starts))}"
        )
    return f"{run.run}  {run.lane:6} {run.kind:9} {run.owner:16} {run.priority:4}  {state}"
