"""Commands for people who label what has no class: take, give, skip, undo, settle, by hand or by a
file.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import click
import numpy as np

from tl_core.cli.commands.data import name_argument
from tl_core.cli.commands.labels import labels
from tl_core.cli.output import Output
from tl_core.cli.stores import open_stores
from tl_core.registry.datasets import DatasetRecord
from tl_core.registry.label_answers import AnswerStore
from tl_core.services.answer_files import read_answers, write_rows
from tl_core.services.labelling import Labelling, order_of

__all__ = ["labels"]

row_argument = click.argument("row", type=int, help="number of the row, from 0")


@labels.command("take")
@name_argument
@click.option("--count", type=int, default=1, help="how many")
@click.pass_obj
def take(output: Output, name: str, count: int) -> int:
    """The next rows for you to label, kept from others for ten minutes."""
    labelling, record = _labelling(name)
    order = order_of(labelling.version)
    rows = labelling.next(order, count)
    items = labelling.version.titles(np.array(rows, dtype=np.int64))
    found = [
        {"row": row, "why": order[row], "item": item} for row, item in zip(rows, items, strict=True)
    ]
    lines = [f"row {one['row']} ({one['why']}): {one['item']}" for one in found]
    nothing = f"Nothing waits. Choose more: python -m tl_core labels next {record.reference}"
    return output.show({"dataset": record.reference, "rows": found}, lines or [nothing])


@labels.command("give")
@name_argument
@row_argument
@click.argument("label", metavar="CLASS", help="its class; a JSON list where there may be several")
@click.option("--new", is_flag=True, help="the dataset does not have this class yet")
@click.pass_obj
def give(output: Output, name: str, row: int, label: str, new: bool) -> int:
    """Give a row a class."""
    labelling, record = _labelling(name)
    labelling.label([row], label, why=order_of(labelling.version).get(row, ""), new=new)
    return _status(output, labelling, record)


@labels.command("skip")
@name_argument
@row_argument
@click.pass_obj
def skip(output: Output, name: str, row: int) -> int:
    """Pass a row over; others are asked about it."""
    labelling, record = _labelling(name)
    labelling.skip(row, why=order_of(labelling.version).get(row, ""))
    return _status(output, labelling, record)


@labels.command("undo")
@name_argument
@click.pass_obj
def undo(output: Output, name: str) -> int:
    """Take back what you answered last."""
    labelling, record = _labelling(name)
    rows = labelling.undo()
    if not rows:
        output.note("There is nothing of yours to take back.")
    return _status(output, labelling, record)


@labels.command("settle")
@name_argument
@row_argument
@click.argument("label", metavar="CLASS", help="the class that counts")
@click.pass_obj
def settle(output: Output, name: str, row: int, label: str) -> int:
    """Have the last word about a row on which people differ."""
    labelling, record = _labelling(name)
    labelling.settle(row, label)
    return _status(output, labelling, record)


@labels.command("status")
@name_argument
@click.pass_obj
def status(output: Output, name: str) -> int:
    """How far the labelling is, how people agree, and where they differ."""
    return _status(output, *_labelling(name))


@labels.command("export")
@name_argument
@click.option("-o", "--output", "target", required=True, metavar="FILE", help="a CSV file")
@click.pass_obj
def export_rows(output: Output, name: str, target: str) -> int:
    """Write the rows without a class as a CSV file, to be labelled elsewhere."""
    labelling, record = _labelling(name)
    version, now = labelling.version, labelling.standing.labels
    order = list(order_of(version))
    rows = list(dict.fromkeys([*order, *version.rows_of("unlabelled").tolist()]))
    write_rows(version, rows, now, Path(target))
    return output.show(
        {"dataset": record.reference, "rows": len(rows), "file": target},
        [f"{len(rows):,} rows written to {target}. Fill in the column 'class', then import it."],
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
    return _status(output, labelling, record)


def _labelling(name: str) -> tuple[Labelling, DatasetRecord]:
    """The labelling of a version by the acting person."""
    datasets = open_stores().datasets
    record = datasets.get(name)
    return Labelling(AnswerStore(datasets), record), record


def _status(output: Output, labelling: Labelling, record: DatasetRecord) -> int:
    """How far it is, by counts, and every dispute."""
    now, waiting = labelling.standing, labelling.version.rows_of("unlabelled")
    handle = open_stores().datasets.policy.handle
    pairs = [
        replace(pair, first=handle(pair.first), second=handle(pair.second))
        for pair in labelling.agreement.pairs
    ]
    agreement = replace(labelling.agreement, pairs=pairs)
    disputes = [
        {"row": one.row, "said": {handle(who): what for who, what in one.said.items()}}
        for one in now.disputes
    ]
    content = {
        "dataset": record.reference,
        "labels": {str(row): label for row, label in now.labels.items()},
        "disputes": disputes,
        "passed": now.passed,
        "without_class": len(waiting),
        "agreement": asdict(agreement),
        "test_outlook": labelling.test_outlook(),
    }
    lines = [
        f"{len(now.labels):,} labelled, {len(now.disputes):,} to be settled,"
        f" {len(now.passed):,} passed over; {len(waiting):,} rows of {record.reference} have no"
        " class.",
        *filter(None, [labelling.test_outlook()]),
        *(
            f"  {pair.first} and {pair.second}: {pair.agreed:,} of {pair.items:,} alike"
            + ("" if pair.kappa is None else f", Cohen's kappa {pair.kappa:.2f}")
            for pair in pairs
        ),
        *(
            f"  row {one.row}: "
            + ", ".join(f"{handle(who)} said {what}" for who, what in one.said.items())
            for one in now.disputes
        ),
    ]
    return output.show(content, lines)
