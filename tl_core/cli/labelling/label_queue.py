"""Commands for people who label what has no class: take, give, skip, undo, settle, by hand or by a
file.
"""

from __future__ import annotations

from pathlib import Path

import click

from tl_core.cli.choosing_workplace import open_workplace
from tl_core.cli.commands.data import name_argument
from tl_core.cli.commands.labels import labels
from tl_core.cli.output import Output
from tl_core.cli.stores import open_stores
from tl_core.cli.workplace import LabellingObject
from tl_core.registry.datasets import DatasetRecord
from tl_core.registry.label_answers import LABEL, SETTLE, SKIP, AnswerStore
from tl_core.services.answer_files import read_answers, write_rows
from tl_core.services.labelling import Labelling, order_of

__all__ = ["labels"]

row_argument = click.argument("row", type=int, help="number of the row, from 0")


@labels.command("take")
@name_argument
@click.option("--count", type=click.IntRange(1, 200), default=1, help="how many, at most 200")
@click.pass_obj
def take(output: Output, name: str, count: int) -> int:
    """The next rows for you to label, kept from others for ten minutes."""
    found = open_workplace().take_rows(name, count)
    lines = [f"row {one['row']} ({one['why']}): {one['item']}" for one in found["rows"]]
    nothing = f"Nothing waits. Choose more: python -m tl_core labels next {found['dataset']}"
    return output.show(found, lines or [nothing])


@labels.command("give")
@name_argument
@row_argument
@click.argument("label", metavar="CLASS", help="its class; a JSON list where there may be several")
@click.option("--new", is_flag=True, help="the dataset does not have this class yet")
@click.pass_obj
def give(output: Output, name: str, row: int, label: str, new: bool) -> int:
    """Give a row a class."""
    return _status(output, open_workplace().answer_rows(name, LABEL, {row: label}, new=new))


@labels.command("skip")
@name_argument
@row_argument
@click.pass_obj
def skip(output: Output, name: str, row: int) -> int:
    """Pass a row over; others are asked about it."""
    return _status(output, open_workplace().answer_rows(name, SKIP, {row: ""}))


@labels.command("undo")
@name_argument
@click.pass_obj
def undo(output: Output, name: str) -> int:
    """Take back what you answered last."""
    rows, content = open_workplace().undo_answer(name)
    if not rows:
        output.note("There is nothing of yours to take back.")
    return _status(output, content)


@labels.command("settle")
@name_argument
@row_argument
@click.argument("label", metavar="CLASS", help="the class that counts")
@click.pass_obj
def settle(output: Output, name: str, row: int, label: str) -> int:
    """Have the last word about a row on which people differ."""
    return _status(output, open_workplace().answer_rows(name, SETTLE, {row: label}))


@labels.command("status")
@name_argument
@click.pass_obj
def status(output: Output, name: str) -> int:
    """How far the labelling is, how people agree, and where they differ."""
    return _status(output, open_workplace().labelling(name))


@labels.command("export")
@name_argument
@click.option("-o", "--output", "target", required=True, metavar="FILE", help="a CSV file")
@click.pass_obj
def export_rows(output: Output, name: str, target: str) -> int:
    """Write the rows without a class as a CSV file, to be labelled elsewhere; those that others
    have labelled are left out.
    """
    labelling, record = _labelling(name)
    version, now = labelling.version, labelling.standing
    own = now.said.get(open_stores().datasets.policy.principal.id, {})
    waiting = dict.fromkeys([*order_of(version), *version.rows_of("unlabelled").tolist()])
    rows = [row for row in waiting if row in own or row not in now.answered]
    left = len(waiting) - len(rows)
    write_rows(version, rows, own, Path(target))
    return output.show(
        {"dataset": record.reference, "rows": len(rows), "left_out": left, "file": target},
        [
            f"{len(rows):,} rows written to {target}. Fill in the column 'class', then import it.",
            *([f"{left:,} that others have labelled are left out."] if left else []),
        ],
    )


@labels.command("import")
@name_argument
@click.argument("file", metavar="FILE", help="a CSV file with the columns row and class")
@click.option("--new", is_flag=True, help="it may name classes that the dataset does not have yet")
@click.pass_obj
def import_answers(output: Output, name: str, file: str, new: bool) -> int:
    """Read classes that were filled in elsewhere."""
    labelling, record = _labelling(name)
    labelling.give(read_answers(labelling.version, Path(file)), new=new)
    return _status(output, open_workplace().labelling(record.reference))


def _labelling(name: str) -> tuple[Labelling, DatasetRecord]:
    """The labelling of a version by the acting person."""
    datasets = open_stores().datasets
    record = datasets.get(name)
    return Labelling(AnswerStore(datasets), record), record


def _status(output: Output, content: LabellingObject) -> int:
    """How far it is, by counts, and every dispute."""
    lines = [
        f"{len(content['labels']):,} labelled, {len(content['disputes']):,} to be settled,"
        f" {len(content['passed']):,} passed over; {content['without_class']:,} rows of"
        f" {content['dataset']} have no class.",
        *filter(None, [content["test_outlook"]]),
        *(
            f"  {pair['first']} and {pair['second']}: {pair['agreed']:,} of {pair['items']:,} alike"
            + ("" if pair["kappa"] is None else f", Cohen's kappa {pair['kappa']:.2f}")
            for pair in content["agreement"]["pairs"]
        ),
        *(
            f"  row {one['row']}: "
            + ", ".join(f"{who} said {what}" for who, what in one["said"].items())
            for one in content["disputes"]
        ),
    ]
    return output.show(dict(content), lines)
