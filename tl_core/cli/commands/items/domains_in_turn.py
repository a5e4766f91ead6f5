"""Command data hold-out: each domain of a dataset held out in turn, by fine-tuned networks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack, cast

import click

from tl_core.cli.commands.data import name_argument
from tl_core.cli.commands.items.domains import score_lines
from tl_core.cli.following import follow, follow_to_the_end, reason_of
from tl_core.cli.output import Output
from tl_core.cli.parsing import Command
from tl_core.cli.stores import parse_settings
from tl_core.config import RunConfig
from tl_core.config.domains import HOLDING_OUT, MOST_HELD_OUT
from tl_core.config.specs import HoldOutSpec
from tl_core.results import HELD_OUT, Estimate, HeldOutByNetworks

if TYPE_CHECKING:
    from tl_core.cli.this_machine import ThisMachine


class HoldOutOptions(TypedDict):
    """The options, as they were given."""

    column: str
    methods: str
    backbone: str
    settings: tuple[str, ...]  # key=value each
    estimate: bool
    detach: bool


@click.command("hold-out", cls=Command)
@name_argument
@click.option("--column", required=True, help="column that says where an item comes from")
@click.option(
    "--methods",
    default="erm,swad",
    metavar="NAME,...",
    help=f"how the networks learn: {', '.join(HOLDING_OUT)}",
)
@click.option(
    "--backbone", default="", metavar="REF", help="what is fine-tuned; default: the starter"
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="a setting of all fine-tunings, such as epochs=3; values are JSON",
)
@click.option(
    "--estimate", is_flag=True, help="measure one training and print what all would take instead"
)
@click.option("--detach", is_flag=True, help="return at once; the run goes on")
@click.pass_obj
def hold_out(output: Output, name: str, **options: Unpack[HoldOutOptions]) -> int:
    """Hold out each domain, and ask fine-tuned networks of the others about it."""
    from tl_core.cli.this_machine import ThisMachine

    place = ThisMachine()
    config, spec = _requested(place, name, options)
    if options["estimate"]:
        return _price(place, config, spec, output)
    run = place.start(config)
    if options["detach"]:
        return follow_to_the_end(run, place, output, detach=True)
    run = follow(run, place, output)
    if run.status != "done":
        output.show(run.as_dict(), [f"Run {run.id} is {run.status}. {reason_of(run)}"])
        return 1
    found = HELD_OUT.load(run.folder)
    return output.show({"dataset": config.dataset, "run": run.id, **found}, list(_lines(found)))


def _requested(
    place: ThisMachine, name: str, options: HoldOutOptions
) -> tuple[RunConfig, HoldOutSpec]:
    """What the options describe.

    Raises:
        NotFoundError: when there is no such column.
        DataError: when it names no domains.
        ConfigError: for a method that needs more of them.
    """
    from tl_core.backbones.sources.reference import parse_reference
    from tl_core.select import starter

    record = place.dataset(name)
    spec = HoldOutSpec(
        column=options["column"],
        methods=tuple(one.strip() for one in options["methods"].split(",") if one.strip()),
        settings=parse_settings(options["settings"]),
    )
    spec.check_domains(_domains(record.folder, spec.column))
    reference = options["backbone"] or starter.suggested(record.folder, place.settings)
    config = RunConfig(
        "hold_out",
        place.settings.user,
        record.reference,
        str(record.folder),
        str(parse_reference(reference)),
        options=spec.as_dict(),
    )
    return config, spec


def _domains(folder: Path, column: str) -> int:
    """How many domains a column of the version in `folder` names."""
    from tl_core.data.domains import domains_of
    from tl_core.data.versions.store import DatasetVersion

    return len(domains_of(DatasetVersion(folder), column).names)


def _price(place: ThisMachine, config: RunConfig, spec: HoldOutSpec, output: Output) -> int:
    """One training is measured, which learns from all domains; all trainings take no longer."""
    domains = min(_domains(Path(config.dataset_dir), spec.column), MOST_HELD_OUT)
    options = spec.options(spec.methods[0])
    one = replace(config, kind="preflight", recipe="finetune", options=options)
    run = follow(place.start(one), place, output)
    if run.status != "done":
        output.show(run.as_dict(), [f"Run {run.id} is {run.status}. {reason_of(run)}"])
        return 1
    measured = cast(Estimate, run.summary or {})
    trainings = domains * len(spec.methods)
    minutes = trainings * measured["minutes"]
    return output.show(
        {"trainings": trainings, "minutes": minutes, "one": measured},
        [
            f"{trainings} trainings ({domains} domains, {len(spec.methods)} methods) take about"
            f" {minutes:.0f} minutes at most; one was measured at {measured['minutes']:.1f}."
        ],
    )


def _lines(found: HeldOutByNetworks) -> Iterator[str]:
    """A line for each domain, then mean, worst, and what each method brings."""
    yield found["sentence"]
    yield from score_lines(found["held_out"], found["methods"])
    yield f"Choice: {found['rule']}."
    yield from (gain["sentence"] for gain in found["gains"])
