"""Commands about backbones: what is at hand, what is in them, which one suits a dataset."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from tl_core.cli.following import result_of
from tl_core.cli.output import Output
from tl_core.cli.parsing import Group
from tl_core.cli.stores import open_stores, parse_settings
from tl_core.cli.this_machine import ThisMachine
from tl_core.config import FinetuneSettings, RunConfig
from tl_core.errors import ConfigError
from tl_core.results import RANKING, RankedBackbones
from tl_core.settings import read_settings

if TYPE_CHECKING:
    from tl_core.backbones.describe import LayerTree

_LEAST_ROWS = 20  # fewer of them rank by chance

backbones = Group("backbones", help="Backbones: list, show, rank.")


@backbones.command("list")
@click.pass_obj
def list_all(output: Output) -> int:
    """Starters, local model folders and the catalogue."""
    from tl_core.backbones.describe import list_backbones
    from tl_core.backbones.sources.catalogue import read_catalogue

    at_hand, catalogue = list_backbones(read_settings()), read_catalogue()
    return output.show(
        {
            "backbones": at_hand,
            "catalogue": [
                {**asdict(card), "commercial": card.commercial, "offline": card.is_offline()}
                for card in catalogue
            ],
        },
        [
            *(
                f"{card['reference']:52} {card['modality']:6} {card['size']:28} {card['text']}"
                for card in at_hand
            ),
            *(
                f"{card.reference:52} {card.modality:6} {card.parameters_m:>5g} million weights    "
                f"    {card.good_at}"
                for card in catalogue
            ),
            "any other hub:<owner>/<name> and local:<folder> work as well",
        ],
    )


@backbones.command("show")
@click.argument("reference", help="starter:, local:, hub:, run: or static: reference")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="settings of finetune; the tree then shows what they freeze and the learning rate of the"
    " rest",
)
@click.pass_obj
def show(output: Output, reference: str, settings: tuple[str, ...]) -> int:
    """Facts and layer tree."""
    from tl_core.backbones.describe import describe_backbone, layer_tree

    if settings:
        plan = FinetuneSettings.from_dict(parse_settings(settings))
        tree = layer_tree(reference, read_settings(), 2, plan)
        return output.show(tree, list(_tree_lines(tree)))
    facts = describe_backbone(reference, read_settings())
    return output.show(
        facts,
        [
            f"{facts['reference']}: {facts['family']}, {facts['parameters'] / 1e6:.1f} million"
            f" weights, {facts['features']} features",
            *(f"  {layer['name']:40} {layer['parameters']:>12,}" for layer in facts["layers"]),
        ],
    )


def _tree_lines(tree: LayerTree) -> Iterator[str]:
    """What a plan freezes and how fast the rest moves, a line for each group of layers."""
    yield f"{tree['trainable']:,} of {tree['total']:,} weights are trainable"
    for group in tree["groups"]:
        pace = (
            f"{group['trainable']:>12,} trainable, learning rate x {group['lr_scale']:.3g}"
            if group["trainable"]
            else "frozen"
        )
        yield f"  {group['name']:18} {group['pattern']:40} {group['parameters']:>12,}  {pace}"


@backbones.command("rank")
@click.argument(
    "references",
    metavar="REFERENCE...",
    nargs=-1,
    required=True,
    help="starter:, local:, hub: or static: references; one is enough with --depths",
)
@click.option("--dataset", required=True, metavar="NAME[@VERSION]", help="dataset to rank them on")
@click.option("--rows", type=int, default=1000, help="training rows in the sample; default: 1000")
@click.option("--depths", is_flag=True, help="rank each of them after every one of its blocks, too")
@click.option(
    "--processes",
    type=int,
    default=1,
    help="backbones at the same time, each on a machine of a Ray cluster; default: 1",
)
@click.pass_obj
def rank(
    output: Output,
    references: tuple[str, ...],
    dataset: str,
    rows: int,
    depths: bool,
    processes: int,
) -> int:
    """Several backbones on a sample of a dataset's training rows, the best first."""
    from tl_core.backbones.sources.reference import parse_reference

    settings, datasets, _ = open_stores()
    record = datasets.get(dataset)
    named = [str(parse_reference(text)) for text in references]
    if rows < _LEAST_ROWS:
        raise ConfigError(
            f"{rows} rows are too few to rank by.", "", f"Give --rows {_LEAST_ROWS} or more."
        )
    config = RunConfig(
        "rank",
        settings.user,
        record.reference,
        str(record.folder),
        options={"backbones": named, "rows": rows, "depths": depths, "processes": processes},
    )
    result = result_of(config, RANKING, ThisMachine(), output)
    if result is None:
        return 1
    run_id, ranking = result
    return output.show(
        {"dataset": record.reference, "run": run_id, **ranking}, list(_ranking_lines(ranking))
    )


def _ranking_lines(ranking: RankedBackbones) -> Iterator[str]:
    """The ranking as a table, and what was left out of it."""
    yield ranking["sentence"]
    yield f"{'backbone':40} probe (plausible)   k-NN  LogME  H-score  items/s"
    for one in ranking["ranking"]:
        probe = one["probe"]
        yield (
            f"{one['name']:40} {probe['value']:.3f} ({probe['low']:.2f}-{probe['high']:.2f}) "
            f" {one['knn']:.3f}  {one['logme']:5.2f}  {one['h_score']:7.2f} "
            f" {one['items_per_second']:7.0f}"
        )
    for left_out in ranking["failed"]:
        error = left_out["error"]
        yield f"left out: {left_out['backbone']}: {error['what']} {error['why']}"
