"""Command `data levels`: what separates the levels of class names such as `animal/dog`."""

from __future__ import annotations

import click

from tl_core.cli.commands.data import name_argument
from tl_core.cli.output import Output
from tl_core.cli.parsing import Command
from tl_core.cli.stores import open_stores
from tl_core.data import class_levels
from tl_core.data.versions.store import DatasetVersion


@click.command("levels", cls=Command)
@name_argument
@click.option(
    "--separator",
    default="",
    metavar="SIGN",
    help="sign between two levels, none for no levels, or auto to recognise it; empty changes"
    " nothing",
)
@click.pass_obj
def levels(output: Output, name: str, separator: str) -> int:
    """Levels of class names such as animal/dog: shown, or how they are separated."""
    datasets = open_stores().datasets
    record = datasets.to_change(name) if separator else datasets.get(name)
    labels = DatasetVersion(record.folder).info.labels
    if separator:
        class_levels.choose(record.folder, separator, labels)
    found = class_levels.levels_of(record.folder, labels)
    tops = list(dict.fromkeys(path[0] for path in found.paths)) if found else []
    return output.show(
        {
            "dataset": record.reference,
            "chosen": class_levels.choice_of(record.folder),
            "separator": found.separator if found else None,
            "depth": found.depth if found else 1,
            "topmost": tops,
        },
        [
            f"{found.depth} levels, separated by {found.separator!r}; topmost: {', '.join(tops)}"
            if found
            else "The class names have no levels."
        ],
    )
