"""Which folders a run reads besides its own."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine

from tl_core.config import RunConfig
from tl_core.errors import NotFoundError
from tl_core.places import inside
from tl_core.registry.datasets import DatasetStore


def folders_of(config: RunConfig, engine: Engine, home: Path) -> list[str]:
    """Folders inside `home`: versions of datasets, earlier runs, and uploaded models. What has been
    deleted is not among them; the run says so itself.
    """
    data = DatasetStore(engine, config.owner, home)
    found = [Path(config.dataset_dir)] if config.dataset_dir else []
    for reference in [config.target, *sources_of(config, data)]:
        if reference:
            try:
                found.append(data.find(reference).folder)
            except NotFoundError:
                continue
    found += [home / "runs" / run for run in config.begins_with()]
    for network in config.backbones():
        kind, _, target = network.removeprefix("static:").partition(":")
        if kind in ("run", "local") and target and "/" not in target:
            found.append(home / ("runs" if kind == "run" else "models") / target)
    named = dict.fromkeys(inside(folder, home) for folder in found)
    return [one for one in named if not Path(one).is_absolute()]


def sources_of(config: RunConfig, data: DatasetStore) -> list[str]:
    """The earlier datasets of a fast adaptation; all others of such items where none is named."""
    if config.recipe != "fast_adaptation":
        return []
    if named := [str(one) for one in config.options.get("sources", ())]:
        return named
    try:
        own = data.find(config.dataset)
    except NotFoundError:  # a sample, which the run itself adds
        return [one.reference for one in data.list()]
    return [
        one.reference
        for one in data.list()
        if one.project != own.project and (one.modality, one.task) == (own.modality, own.task)
    ]
