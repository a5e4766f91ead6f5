"""Commands about single labels: find suspects, what to label next, decide, make the decisions a
version.
"""

from __future__ import annotations

import click

from tl_core.cli.choosing_workplace import open_workplace
from tl_core.cli.commands.data import name_argument
from tl_core.cli.following import result_of
from tl_core.cli.output import Output
from tl_core.cli.parsing import Choice, Group
from tl_core.cli.stores import open_stores
from tl_core.cli.this_machine import ThisMachine
from tl_core.config import RunConfig
from tl_core.config.specs import PROPOSED
from tl_core.data.versions import edits
from tl_core.results import LABEL_ERRORS
from tl_core.select.starter import suggested
from tl_core.services.dataset_contract import dataset_object
from tl_core.services.labelling import decide_one

_SHOWN = 30

labels = Group(
    "labels",
    help=(
        "Single labels: suggest, next, take, give, skip, undo, status, settle, export, import,"
        " decide, apply."
    ),
)


@labels.command("suggest")
@name_argument
@click.option(
    "--backbone",
    default="",
    help="backbone whose features are used; default: the starter for the dataset",
)
@click.pass_obj
def suggest(output: Output, name: str, backbone: str) -> int:
    """Look for labels that are probably wrong, the likeliest first."""
    settings, datasets, _ = open_stores()
    record = datasets.get(name)
    config = RunConfig(
        "suspect",
        settings.user,
        record.reference,
        str(record.folder),
        backbone or suggested(record.folder, settings),
        "probe",
    )
    result = result_of(config, LABEL_ERRORS, ThisMachine(), output)
    if result is None:
        return 1
    run_id, suspects = result
    return output.show(
        {"dataset": record.reference, "run": run_id, **suspects},
        [
            suspects["sentence"],
            *(
                f"  row {row['row']}: {row['given']} -> {row['suggested']}"
                f" ({row['confidence']:.0%} sure)"
                for row in suspects["rows"][:_SHOWN]
            ),
        ],
    )


@labels.command("next")
@name_argument
@click.option(
    "--backbone",
    default="",
    help="backbone whose features are used; default: the starter for the dataset",
)
@click.option(
    "--strategy",
    type=Choice(PROPOSED),
    default="auto",
    help="which rows: " + ", ".join(PROPOSED),
)
@click.option("--class", "wanted", default="", metavar="CLASS", help="for the strategy class")
@click.option("--batch", type=int, default=20, help="rows that are proposed; default: 20")
@click.option(
    "--random-share",
    type=float,
    default=0.15,
    metavar="SHARE",
    help="of the batch that is drawn at random, for the score; default: 0.15; half at least, as"
    " long as a dataset that began without any class has no test rows",
)
@click.pass_obj
def next_rows(
    output: Output,
    name: str,
    backbone: str,
    strategy: str,
    wanted: str,
    batch: int,
    random_share: float,
) -> int:
    """Rows without a class to be labelled next, and how good the labels so far are."""
    place = open_workplace()
    record = place.dataset(name)
    wishes: dict[str, object] = {
        "strategy": strategy,
        "wanted": wanted,
        "batch": batch,
        "random_share": random_share,
    }
    result = place.propose(record.reference, backbone, wishes, output)
    if result is None:
        return 1
    run_id, queue = result
    return output.show(
        {"dataset": record.reference, "run": run_id, **queue},
        [
            queue["sentence"],
            *([queue["note"]] if queue["note"] else []),
            *(
                f"  row {row['row']} ({row['why']})"
                + (
                    f": {row['suggestion']}? ({row['confidence']:.0%} sure)"
                    if row["suggestion"]
                    else ""
                )
                for row in queue["rows"]
            ),
            f"Give each its class: python -m tl_core labels give {record.reference} ROW CLASS",
        ],
    )


@labels.command("decide")
@name_argument
@click.argument("row", type=int, help="number of the row, from 0")
@click.argument(
    "decision", metavar="DECISION", type=Choice(edits.ACTIONS), help=", ".join(edits.ACTIONS)
)
@click.option("--to", default="", metavar="CLASS", help="the class, for relabel")
@click.pass_obj
def decide(output: Output, name: str, row: int, decision: str, to: str) -> int:
    """Save a decision about one row."""
    datasets = open_stores().datasets
    record = datasets.to_change(name)
    decide_one(datasets, record, row, decision, to)
    decisions = {
        str(number): {"action": made.action, "label": made.label}
        for number, made in edits.decisions(record.folder).items()
    }
    return output.show(
        {"dataset": record.reference, "decisions": decisions},
        [
            f"Saved; {len(decisions):,} decided. Make them a version: python -m tl_core labels"
            f" apply {record.reference}"
        ],
    )


@labels.command("apply")
@name_argument
@click.pass_obj
def apply(output: Output, name: str) -> int:
    """Make what was decided a new version."""
    place = open_workplace()
    record, info, _ = place.apply_labels(name, output)
    outlook = place.labelling(record.reference)["test_outlook"]
    return output.show(
        dataset_object(record, info),
        [f"{record.reference}: {info.change}", *filter(None, [outlook])],
    )
