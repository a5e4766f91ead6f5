"""Trainings: data, recipe, report; a sample becomes a dataset first."""

from __future__ import annotations

import time
from dataclasses import replace

from tl_core import test_score
from tl_core.config import RunConfig
from tl_core.database.engine import open_database
from tl_core.evaluate.report import write_report
from tl_core.evaluate.report.schema import SearchWinner
from tl_core.jobs.context import Outcome, RunContext
from tl_core.jobs.events import EventLog
from tl_core.progress import Progress
from tl_core.registry.queue import RunWriter


def train(run: RunContext) -> Outcome:
    """Train by the recipe and write the report."""
    from tl_core.predict import carried
    from tl_core.recipes import run_recipe

    started = time.perf_counter()
    if run.config.dataset.startswith("sample:"):
        run = replace(run, config=_bring_sample(run))
    if run.config.recipe == "fast_adaptation":
        run = replace(run, config=_name_sources(run))
    report = run_recipe(
        run.config, run.version, run.folder, run.cache, run.events, target=run.target
    )
    carried.keep(run.folder / "model", run.version.info)
    report["timing"]["total"] = time.perf_counter() - started
    report["run_id"] = run.folder.name
    if run.config.sealed and "validation" in report:
        report = test_score.seal(run.folder, report)
    write_report(run.folder, report)
    if "search" in report:  # only now: until there is a report, a resumed run is still a search
        _turn_into(run, report["search"]["winner"])
    return Outcome(report["headline"], test_score.summary_of(report))


def _turn_into(run: RunContext, winner: SearchWinner) -> None:
    """An automatic search ends as an ordinary run of what it has chosen, to repeat, train further
    and export.
    """
    writer = RunWriter(open_database(run.settings))
    writer.became(run.folder.name, winner["recipe"], winner["backbone"])
    replace(run.config, **winner).write(run.folder)


def _bring_sample(run: RunContext) -> RunConfig:
    """Make the sample a dataset like any other, and the run one on that dataset."""
    from tl_core.data.dataset_version import ImportOptions
    from tl_core.services.datasets import add_dataset

    sample = run.config.dataset
    record, _, _ = add_dataset(
        run.datasets,
        run.settings,
        sample,
        sample.partition(":")[2],
        ImportOptions(),
        progress=_Quiet(run.events),
    )
    config = replace(run.config, dataset=record.reference, dataset_dir=str(record.folder))
    config.write(run.folder)
    writer = RunWriter(open_database(run.settings))
    writer.rename_dataset(run.folder.name, record.reference, record.project)
    return config


def _name_sources(run: RunContext) -> RunConfig:
    """The earlier datasets that episodes are drawn from, by name in the run's config, so that it
    can be repeated, and with their folders for the recipe; whoever owns the run must see them.
    """
    from tl_core.train.episodes.source_sets import EpisodeSource, write_sources

    own, wanted = run.datasets.get(run.config.dataset), run.config.settings.sources
    records = [run.datasets.get(name) for name in wanted] or [
        one
        for one in run.datasets.list()
        if one.project != own.project and (one.modality, one.task) == (own.modality, own.task)
    ]
    write_sources(run.folder, [EpisodeSource(one.reference, one.folder) for one in records])
    named = [one.reference for one in records]
    config = replace(run.config, options={**run.config.options, "sources": named})
    config.write(run.folder)
    return config


class _Quiet(Progress):
    """Shows the stages of a part without counting them to the run's share."""

    def __init__(self, events: EventLog) -> None:
        self._events = events

    def stage(self, name: str, total: int = 0, share: float = 0.0) -> None:
        del share
        self._events.stage(name, total)
