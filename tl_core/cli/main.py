"""All commands, how their errors are printed, and exit codes: 0 done, 2 wrong use or bad input,
1 failed.
"""

from __future__ import annotations

import logging
import secrets
import sys
from collections.abc import Sequence

import click

from tl_core.cli.choosing_workplace import command_name, refuse_elsewhere
from tl_core.cli.commands.backbones import backbones
from tl_core.cli.commands.backup import backup, restore
from tl_core.cli.commands.bundles import export, push, reproduce, verify
from tl_core.cli.commands.data import data
from tl_core.cli.commands.doctor import doctor
from tl_core.cli.commands.items.domains import domains
from tl_core.cli.commands.items.domains_in_turn import hold_out
from tl_core.cli.commands.items.levels import levels
from tl_core.cli.commands.items.similar_items import search
from tl_core.cli.commands.people import people
from tl_core.cli.commands.prediction import explain, predict
from tl_core.cli.commands.queue import queue
from tl_core.cli.commands.quotas import quota
from tl_core.cli.commands.recipes import recipes
from tl_core.cli.commands.runs import report, runs
from tl_core.cli.commands.training import train
from tl_core.cli.labelling.label_queue import labels
from tl_core.cli.machines.artifact_store import store
from tl_core.cli.machines.executors import executors
from tl_core.cli.output import Output
from tl_core.cli.parsing import Group
from tl_core.cli.served_models.served import served
from tl_core.cli.served_models.serving import serve
from tl_core.cli.usage import explain_usage
from tl_core.database.away import AWAY, NO_ANSWER
from tl_core.errors import UserError
from tl_core.log import quiet_libraries, setup_logging

_COMMANDS: tuple[click.Command, ...] = (
    *(data, backbones, recipes, train, runs, labels, report, predict, explain),
    *(export, push, verify, serve, served, reproduce, doctor),
    *(people, quota, queue, executors, backup, restore, store),
)
data.add_command(domains)
data.add_command(hold_out)
data.add_command(search)
data.add_command(levels)
command_line = Group(
    "tl_core",
    commands=_COMMANDS,
    help="Transfer learning for images, texts and sounds, evaluated honestly.",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    quiet_libraries()
    setup_logging("WARNING")
    output = Output(as_json="--json" in given)
    try:
        return _run([part for part in given if part != "--json"], output)
    except click.UsageError as error:
        return output.fail(explain_usage(error), error.exit_code)
    except UserError as error:
        return output.fail(error.as_dict(), error.exit_code)
    except NO_ANSWER as error:
        logging.getLogger(__name__).error("no database", exc_info=error)
        return output.fail(AWAY, 1)
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except Exception as error:
        log_id = secrets.token_hex(3)
        logging.getLogger(__name__).error("unexpected error %s", log_id, exc_info=error)
        return output.fail(_unexpected(error, log_id), 1)


def _run(arguments: list[str], output: Output) -> int:
    """Carry out the command that `arguments` name. `click.Command.main` would also turn errors and
    Ctrl-C into exits of its own.
    """
    refuse_elsewhere(command_name(command_line, arguments))
    try:
        with command_line.make_context("tl_core", arguments, obj=output) as context:
            code: int = command_line.invoke(context)
            return code
    except click.exceptions.Exit as end:  # --help has printed itself
        return end.exit_code


def _unexpected(error: Exception, log_id: str) -> dict[str, str]:
    """The error object of a defect of ours, whose traceback is in the log."""
    return {
        "code": "unexpected",
        "what": "Something went wrong that we did not expect.",
        "why": f"{type(error).__name__}: {error}",
        "try_this": f"Report it with log id {log_id}.",
    }
