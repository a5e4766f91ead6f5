"""Trainings: data, recipe, report; a sample becomes a dataset first."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from tl_core import vault
from tl_core.config import RunConfig
from tl_core.data.store import DatasetVersion
from tl_core.evaluate.report import write_report
from tl_core.evaluate.report.schema import SearchWinner
from tl_core.jobs.events import EventLog
from tl_core.progress import Progress
from tl_core.registry.database import open_database
from tl_core.registry.datasets import DatasetStore
from tl_core.registry.queue import RunWriter
from tl_core.settings import Settings


def train(
    config: RunConfig, folder: Path, settings: Settings, events: EventLog
) -> tuple[str, dict[str, Any]]:
    """Train by the recipe and write the report."""
    from tl_core.predict import carried
    from tl_core.recipes import run_recipe

    started = time.perf_counter()
    if config.dataset.startswith("sample:"):
        config = _bring_sample(config, folder, settings, events)
    version = DatasetVersion(Path(config.dataset_dir))
    report = run_recipe(config, version, folder, settings.home_path / "features", events)
    carried.keep(folder / "model", version.info)
    report["timing"]["total"] = time.perf_counter() - started
    report["run_id"] = folder.name
    if config.sealed and "validation" in report:
        report = vault.seal(folder, report)
    write_report(folder, report)
    if "search" in report:  # only now: until there is a report, a resumed run is still a search
        _turn_into(config, report["search"]["winner"], folder, settings)
    return report["headline"], vault.summary_of(report)


def _turn_into(config: RunConfig, winner: SearchWinner, folder: Path, settings: Settings) -> None:
    """An automatic search ends as an ordinary run of what it has chosen, to repeat, train further
    and export.
    """
    RunWriter(open_database(settings)).became(folder.name, winner["recipe"], winner["backbone"])
    replace(config, **winner).write(folder)


def _bring_sample(
    config: RunConfig, folder: Path, settings: Settings, events: EventLog
) -> RunConfig:
    """Make the sample a dataset like any other, and the run one on that dataset."""
    from tl_core.data.schema import ImportOptions
    from tl_core.intake import add_dataset

    engine = open_database(settings)
    store = DatasetStore(engine, config.owner, settings.home_path)
    record, _, _ = add_dataset(
        store,
        settings,
        config.dataset,
        config.dataset.partition(":")[2],
        ImportOptions(),
        progress=_Quiet(events),
    )
    config = replace(config, dataset=record.reference, dataset_dir=str(record.folder))
    config.write(folder)
    RunWriter(engine).rename_dataset(folder.name, record.reference)
    return config


class _Quiet(Progress):
    """Shows the stages of a part without counting them to the run's share."""

    def __init__(self, events: EventLog) -> None:
        self._events = events

    def stage(self, name: str, total: int = 0, share: float = 0.0) -> None:
        del share
        self._events.stage(name, total)
