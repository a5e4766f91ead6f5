"""Commands about where trainings are carried out: list, check."""

from __future__ import annotations

import click

from tl_core.cli.output import Output
from tl_core.cli.parsing import Group
from tl_core.errors import StateError
from tl_core.jobs.executors.executor_table import EXECUTORS
from tl_core.jobs.executors.tell import ExecutorFacts, facts_of
from tl_core.settings import read_settings

executors = Group("executors", help="Where trainings are carried out: list, check.")


@executors.command("list")
@click.pass_obj
def list_executors(output: Output) -> int:
    """All executors, whether each can work here, and what it has."""
    settings = read_settings()
    found = [facts_of(name, settings) for name in EXECUTORS]
    return output.show(found, [line for facts in found for line in _lines(facts)])


@executors.command("check")
@click.argument("name", metavar="EXECUTOR", required=False, help="default: that of TL_EXECUTOR")
@click.pass_obj
def check_executor(output: Output, name: str | None) -> int:
    """Whether trainings can be carried out there now; exit code 2 where they cannot."""
    settings = read_settings()
    facts = facts_of(name or settings.executor, settings)
    if facts["problem"]:
        raise StateError(
            f"Nothing can be trained by {facts['title']} now.",
            facts["problem"],
            "See docs/guide/executors.md.",
        )
    return output.show(facts, _lines(facts))


def _lines(facts: ExecutorFacts) -> list[str]:
    chosen = ", chosen by TL_EXECUTOR" if facts["chosen"] else ""
    head = f"{facts['name']} ({facts['title']}{chosen}): "
    if facts["problem"]:
        return [head + facts["problem"]]
    slots = facts["slots"]
    nodes = [
        f"  {node['name']}: {node['processors']} processors, {node['memory'] / 1e9:.1f} GB, "
        f"{node['gpus']} GPUs {node['state']}".rstrip()
        for node in facts["nodes"]
    ]
    return [f"{head}ready, {slots} training{'s' * (slots != 1)} at the same time", *nodes]
