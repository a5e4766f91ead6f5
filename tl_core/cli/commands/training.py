"""Command train: the config that the command line describes, queued and followed to its end."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TypedDict, Unpack

import click

from tl_core.cli.choosing_workplace import open_workplace
from tl_core.cli.following import follow_to_the_end
from tl_core.cli.output import Output
from tl_core.cli.parsing import Command
from tl_core.cli.stores import parse_settings
from tl_core.cli.workplace import Workplace
from tl_core.config import SETTINGS, RunConfig
from tl_core.config.domains import dataset_of
from tl_core.errors import ConfigError, NotFoundError, StateError, nearest

_MORE_EPOCHS = 2.0  # how much further --continue trains when nobody says
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|)")
_MINUTES = {"s": 1 / 60, "m": 1.0, "h": 60.0, "": 1.0}


class TrainingOptions(TypedDict):
    """The options of train, as they were given."""

    dataset: str
    recipe: str
    backbone: str
    settings: tuple[str, ...]  # key=value each
    config: str
    continue_run: str
    budget: str
    estimate: bool
    sealed: bool
    detach: bool


@click.command("train", cls=Command)
@click.option("--dataset", default="", metavar="NAME[@VERSION]", help="what to learn from")
@click.option("--recipe", default="", help="how to train: see recipes list")
@click.option(
    "--backbone",
    default="",
    metavar="REF",
    help="starter:, local: or hub: reference; recipe auto tries those at hand without one",
)
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="a setting; values are JSON"
)
@click.option(
    "--config",
    default="",
    metavar="FILE",
    help=(
        "settings that Export or a run's config.json gave; --backbone, --set and --sealed change "
        "them"
    ),
)
@click.option(
    "--continue",
    "continue_run",
    default="",
    metavar="RUN",
    help=("train a finished fine-tuning further, with its settings; --set epochs=N says how long"),
)
@click.option(
    "--budget",
    default="",
    metavar="TIME",
    help=(
        "how long recipe auto may search: 20m, 1h, 90s; the short form of --set budget_minutes=20"
    ),
)
@click.option(
    "--estimate",
    is_flag=True,
    help="take a few steps and print minutes and memory instead of training",
)
@click.option(
    "--sealed",
    is_flag=True,
    help=(
        "keep the test score closed until runs open asks for it; choose by validation until then"
    ),
)
@click.option("--detach", is_flag=True, help="return at once; the run goes on")
@click.pass_obj
def train(output: Output, **options: Unpack[TrainingOptions]) -> int:
    """Train, with a progress bar, to the end."""
    place = open_workplace()
    config = _requested(options, place)
    if options["estimate"]:
        config = replace(config, kind="preflight")
    return follow_to_the_end(place.start(config), place, output, detach=options["detach"])


def _requested(options: TrainingOptions, place: Workplace) -> RunConfig:
    """The config that the options describe, in one of three ways."""
    if options["continue_run"]:
        return _continued(options, place)
    return _saved(options, place) if options["config"] else _new(options, place)


def _continued(options: TrainingOptions, place: Workplace) -> RunConfig:
    """The config of a run that goes on from the end of another."""
    earlier = place.run(options["continue_run"])
    if earlier.status != "done":
        raise StateError(
            f"Run {earlier.id} is {earlier.status}.",
            "Only a finished one can be trained further.",
            "Resume it instead.",
        )
    changes = parse_settings(options["settings"])
    epochs = _epochs(changes.pop("epochs", _MORE_EPOCHS))
    config = place.config_of(earlier).longer(earlier.id, epochs)
    return replace(
        config,
        options={**config.options, **changes},
        sealed=options["sealed"] or config.sealed,
    )


def _epochs(value: object) -> float:
    """How much further a training goes.

    Raises:
        ConfigError: for what is no number.
    """
    try:
        return float(str(value))
    except ValueError:
        raise ConfigError(
            f"epochs is {value!r}.", "It must be a number.", "Write --set epochs=2."
        ) from None


def _saved(options: TrainingOptions, place: Workplace) -> RunConfig:
    """The config that saved settings describe, with what the command line changes."""
    from tl_core.export.reproduce import from_saved

    path = Path(options["config"])
    if not path.is_file():
        raise NotFoundError(f"There is no file {options['config']!r}.", "", "Check the spelling.")
    if options["recipe"] or not options["dataset"]:
        raise ConfigError(
            "Saved settings name the recipe, but not the data.",
            "",
            "Give --dataset with --config, and no --recipe.",
        )
    record = place.dataset(options["dataset"])
    saved = from_saved(path.read_bytes(), place.settings.user, record.reference, str(record.folder))
    return replace(
        saved,
        backbone=options["backbone"] or saved.backbone,
        sealed=options["sealed"] or saved.sealed,
        options={**saved.options, **parse_settings(options["settings"])},
    )


def _new(options: TrainingOptions, place: Workplace) -> RunConfig:
    """The config of a training that nothing is known of but the options."""
    recipe, backbone = options["recipe"], options["backbone"]
    if not options["dataset"] or not recipe:
        raise ConfigError(
            "A run needs a dataset and a recipe.",
            "",
            "Give --dataset and --recipe, or --continue RUN.",
        )
    if recipe not in SETTINGS:
        raise NotFoundError(f"There is no recipe {recipe!r}.", "", nearest(recipe, SETTINGS))
    record = place.dataset(options["dataset"])
    if backbone:
        from tl_core.backbones.sources.reference import parse_reference

        parse_reference(backbone)
    return RunConfig(
        "train",
        place.settings.user,
        record.reference,
        str(record.folder),
        backbone if recipe != "baseline" else "",
        recipe,
        {**_budget(options["budget"], recipe), **_settings(options["settings"], place)},
        options["sealed"],
    )


def _settings(given: tuple[str, ...], place: Workplace) -> dict[str, object]:
    """The settings that were given; another dataset that is the target gets its version."""
    settings = parse_settings(given)
    if target := dataset_of(settings):
        settings["target_dataset"] = place.dataset(target).reference
    return settings


def _budget(budget: str, recipe: str) -> dict[str, float]:
    """`--budget` as the setting of recipe auto.

    Raises:
        ConfigError: for another recipe, or what is no length of time.
    """
    if not budget:
        return {}
    duration = _DURATION.fullmatch(budget.strip().lower())
    if recipe != "auto" or not duration:
        raise ConfigError(
            f"--budget {budget} cannot be used here.",
            "Only recipe auto has a budget." if duration else "It is no length of time.",
            "Write --recipe auto --budget 20m; s, m and h are seconds, minutes and hours.",
        )
    return {"budget_minutes": float(duration[1]) * _MINUTES[duration[2]]}
