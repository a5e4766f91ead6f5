"""Commands about single labels: find suspects, decide, make the decisions a version."""

from __future__ import annotations

import argparse

from tl_core.cli.context import Output, stores
from tl_core.cli.data import dataset_object
from tl_core.cli.training import result_of
from tl_core.config import RunConfig
from tl_core.data import edits
from tl_core.data.store import DatasetVersion
from tl_core.select.starter import suggested

_SHOWN = 30


def suggest(args: argparse.Namespace, output: Output) -> int:
    """Run the search and print what it found, the likeliest first."""
    settings, datasets, _ = stores()
    record = datasets.get(args.name)
    backbone = args.backbone or suggested(record.folder, settings)
    result = result_of(
        RunConfig(
            "suspect", settings.user, record.reference, str(record.folder), backbone, "probe"
        ),
        "suspects.json",
        output,
    )
    if result is None:
        return 1
    run_id, found = result
    return output.show(
        {"dataset": record.reference, "run": run_id, **found},
        [
            found["sentence"],
            *(
                f"  row {one['row']}: {one['given']} -> {one['suggested']} ({one['confidence']:.0%}"
                " sure)"
                for one in found["rows"][:_SHOWN]
            ),
        ],
    )


def decide_row(args: argparse.Namespace, output: Output) -> int:
    """Save one decision."""
    record = stores()[1].get(args.name)
    edits.decide(DatasetVersion(record.folder), args.row, args.decision, args.to)
    made = edits.decisions(record.folder)
    return output.show(
        {
            "dataset": record.reference,
            "decisions": {
                str(row): {"action": one.action, "label": one.label} for row, one in made.items()
            },
        },
        [
            f"Saved; {len(made):,} decided. Make them a version: python -m tl_core labels apply"
            f" {record.reference}"
        ],
    )


def apply(args: argparse.Namespace, output: Output) -> int:
    """Make a version of all decisions."""
    from tl_core.intake import relabel_dataset

    record, info, _ = relabel_dataset(stores()[1], args.name)
    return output.show(dataset_object(record, info), [f"{record.reference}: {info.change}"])
