"""Command data domains: how far the domains of a dataset are apart, and each held out in turn."""

from __future__ import annotations

from collections.abc import Iterator

import click

from tl_core.cli.commands.data import name_argument
from tl_core.cli.following import result_of
from tl_core.cli.output import Output
from tl_core.cli.parsing import Choice, Command
from tl_core.cli.stores import open_stores
from tl_core.cli.this_machine import ThisMachine
from tl_core.config import RunConfig
from tl_core.evaluate.measures import Score
from tl_core.results import DOMAINS, DomainComparison, HeldOutDomain, OverDomains, UnseenDomains


@click.command("domains", cls=Command)
@name_argument
@click.option("--column", required=True, help="column that says where an item comes from")
@click.option(
    "--backbone", default="", metavar="REF", help="what reads the items; default: the starter"
)
@click.option(
    "--rule",
    type=Choice(("within", "across")),
    default="within",
    help="how penalties are chosen when a domain is held out: within the other domains by"
    " cross-validation, or across them by holding out each in turn",
)
@click.pass_obj
def domains(output: Output, name: str, column: str, backbone: str, rule: str) -> int:
    """How far its domains are apart, and what to expect of one never seen."""
    from tl_core.backbones.sources.reference import parse_reference
    from tl_core.select import starter

    settings, datasets, _ = open_stores()
    record = datasets.get(name)
    reference = backbone or starter.suggested(record.folder, settings)
    config = RunConfig(
        "domains",
        settings.user,
        record.reference,
        str(record.folder),
        str(parse_reference(reference)),
        options={"column": column, "rule": rule},
    )
    found = result_of(config, DOMAINS, ThisMachine(), output)
    if found is None:
        return 1
    run_id, comparison = found
    return output.show(
        {"dataset": record.reference, "run": run_id, **comparison}, list(_lines(comparison))
    )


def _lines(comparison: DomainComparison) -> Iterator[str]:
    """The distances, the widest first, and each domain held out."""
    yield comparison["sentence"]
    for one in comparison["domains"]:
        yield f"  {one['name']:24} {one['rows']:>7,} items, {one['labelled']:,} with a class"
    told = [pair["gap"]["sentence"] for pair in comparison["pairs"] if pair["gap"]]
    yield from (f"  {sentence}" for sentence in told)
    unseen = comparison["unseen"]
    if unseen is None:
        yield comparison["missing"]
    else:
        yield from _held_out_lines(unseen)


def _held_out_lines(unseen: UnseenDomains) -> Iterator[str]:
    """What probes do."""
    yield from score_lines(unseen["held_out"], unseen["methods"])
    yield f"Choice: {unseen['rule']}."
    if unseen["gain"]:
        yield unseen["gain"]["sentence"]


def score_lines(held_out: list[HeldOutDomain], over: list[OverDomains]) -> Iterator[str]:
    """A line for each domain, then mean and worst."""
    methods = [one["method"] for one in over]
    yield f"{'held out':24} {'  '.join(f'{name:>16}' for name in methods)}   probe of its own"
    for one in held_out:
        cells = "  ".join(f"{_shown(one['scores'][name]):>16}" for name in methods)
        own = _shown(one["inside"]) if one["inside"] else "-"
        yield f"{one['domain']:24} {cells}   {own}"
        if left_out := one.get("left_out"):
            yield f"  {left_out:,} copies of its items elsewhere were not learnt from"
    for title, scores in (
        ("mean", [one["mean"] for one in over]),
        ("worst", [one["worst"] for one in over]),
    ):
        yield f"{title:24} {'  '.join(f'{_shown(score):>16}' for score in scores)}"


def _shown(score: Score) -> str:
    return f"{score['value']:.3f} ({score['low']:.2f}-{score['high']:.2f})"
