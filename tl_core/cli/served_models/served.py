"""Commands served: what servers on this machine were asked, compared with the training data; two
models compared; unsure items on their way to be labelled.
"""

from __future__ import annotations

import click

from tl_core.cli.output import Output
from tl_core.cli.parsing import Command, Group
from tl_core.errors import ConfigError
from tl_core.settings import read_settings
from tl_core.watch.journal import Journal, journal_of, journals
from tl_core.watch.pairs import all_pairs, pairs_of
from tl_core.watch.unsure import UnsureItems
from tl_core.watch.verdict import LEVEL, verdict

name_argument = click.argument("name", help="what the model is called in addresses")


@click.group("served", cls=Group)
def served() -> None:
    """What served models were asked: drift, canaries, unsure items."""


@served.command("list", cls=Command)
@click.pass_obj
def list_served(output: Output) -> int:
    """Served models, with their newest verdict."""
    root = read_settings().served_path
    models = [_state(one) for one in journals(root)]
    canaries = [one.report() for one in all_pairs(root)]
    lines = [f"{one['name']}: {one['sentence']}" for one in models]
    lines += [f"{one['name']} with a canary: {one['sentence']}" for one in canaries]
    return output.show(
        {"models": models, "canaries": canaries}, lines or ["Nothing has been served yet."]
    )


def _state(journal: Journal) -> dict[str, object]:
    past = journal.past
    now = verdict(journal.reference, journal.open_window)
    newest = past[-1] if past else now.as_dict()
    return {
        "name": journal.about.name,
        "run": journal.about.run,
        "dataset": journal.about.dataset,
        "windows": len(past),
        "drifted": sum(bool(one["drifted"]) for one in past),
        "sentence": newest["sentence"],
        "unsure_kept": len(UnsureItems(journal.folder)),
    }


@served.command("drift", cls=Command)
@name_argument
@click.pass_obj
def drift(output: Output, name: str) -> int:
    """Whether served items are like those of the training, window by window."""
    journal = journal_of(read_settings().served_path, name)
    past, open_window = journal.past, journal.open_window
    now = verdict(journal.reference, open_window)
    drifted = [one for one in past if one["drifted"]]
    lines = [
        f"{journal.about.name} compared with {journal.reference.rows:,}"
        f" {journal.reference.source} rows of {journal.about.dataset or 'its dataset'}:",
        f"  {len(drifted)} of {len(past)} full windows differ; without any drift about"
        f" {100 * LEVEL:.0f} in 100 would.",
    ]
    for one in [*past[-5:], now.as_dict()]:
        lines.append(f"  {one['sentence']}")
    return output.show(
        {
            **_state(journal),
            "level": LEVEL,
            "compared_with": {
                "rows": journal.reference.rows,
                "source": journal.reference.source,
            },
            "past": past,
            "now": now.as_dict(),
        },
        lines,
    )


@served.command("canary", cls=Command)
@name_argument
@click.pass_obj
def canary(output: Output, name: str) -> int:
    """Where two models behind one path differ, and which of them is right."""
    report = pairs_of(read_settings().served_path, name).report()
    lines = [f"{report['first']} and the canary {report['second']}:", f"  {report['sentence']}"]
    lines += [
        f"  {one['items']:,} times {one['first']} where the canary said {one['second']}"
        for one in report["kinds"][:5]
    ]
    if report["failures"]:
        lines.append(f"  The canary had no answer {report['failures']:,} times.")
    return output.show(report, lines)


@served.command("collect", cls=Command)
@name_argument
@click.option("--dataset", default="", help="where to; default: the dataset of the model")
@click.pass_obj
def collect(output: Output, name: str, dataset: str) -> int:
    """Add the unsure items of a served model to its dataset, to be labelled."""
    from tl_core.cli.stores import open_stores
    from tl_core.services.unsure_items import add_unsure

    stores = open_stores()
    journal = journal_of(stores.settings.served_path, name)
    target = dataset or journal.about.dataset.partition("@")[0]
    if not target:
        raise ConfigError("The bundle names no dataset.", "", "Name one with --dataset.")
    items = UnsureItems(journal.folder)
    record, info, _ = add_unsure(stores.datasets, stores.settings, items, target)
    waiting = info.splits.get("unlabelled", 0)
    return output.show(
        {"dataset": record.reference, "unlabelled": waiting},
        [
            f"{record.reference}: {waiting:,} items without a class.",
            f"Choose what to label first: python -m tl_core labels next {record.reference}",
        ],
    )
