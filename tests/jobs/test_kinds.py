"""The one table of run kinds: complete, and a new kind is an entry and a function."""

from __future__ import annotations

import inspect
import signal

import pytest

from tl_core.config import RUN_KINDS, RunConfig
from tl_core.config.kinds import RunKind, kinds_of, lanes
from tl_core.errors import ConfigError
from tl_core.jobs.dispatch import slots_of
from tl_core.jobs.worker import carry_out
from tl_core.registry.database import open_database
from tl_core.registry.queue import RunWriter
from tl_core.registry.runs import RunStore
from tl_core.settings import read_settings


@pytest.mark.parametrize("name", RUN_KINDS)
def test_every_kind_has_a_function_a_title_and_a_lane(name):
    kind = RUN_KINDS[name]
    assert list(inspect.signature(kind.load()).parameters)[0] == "config"
    assert len(inspect.signature(kind.load()).parameters) == 4
    assert name in kinds_of(kind.lane)
    assert [one.title for one in RUN_KINDS.values()].count(kind.title) == 1


def test_every_lane_has_a_slot():
    assert (
        set(slots_of(read_settings())) == lanes() and min(slots_of(read_settings()).values()) >= 1
    )


def count(config, folder, settings, events):
    """The toy: counts to a number, without any heavy library."""
    events.stage("counting", config.options["to"], share=1.0)
    for number in range(config.options["to"]):
        events.batch(number + 1, config.options["to"])
    return f"Counted to {config.options['to']}", {"to": config.options["to"]}


def test_a_toy_kind_runs_from_the_queue_to_its_end(home, monkeypatch):
    settings = read_settings()
    engine = open_database(settings)
    runs = RunStore(engine, "local", settings.home_path)
    with pytest.raises(ConfigError, match="no kind of run called 'count'"):
        RunConfig("count", "local")
    monkeypatch.setitem(
        RUN_KINDS, "count", RunKind("a count", f"{__name__}:count", heavy=False, listed=False)
    )
    monkeypatch.setattr(RunKind, "load", lambda self: count)
    run = runs.create(RunConfig("count", "local", "numbers@1", options={"to": 7}))
    assert runs.get(run.id).place == 1 and RunWriter(engine).claim_next("train") is None
    assert RunWriter(engine).claim_next("light")[0] == run.id
    handler = signal.getsignal(signal.SIGTERM)
    assert carry_out(run.folder, settings) == 0
    signal.signal(signal.SIGTERM, handler)
    done = runs.get(run.id)
    assert (done.status, done.headline, done.summary, done.progress) == (
        "done",
        "Counted to 7",
        {"to": 7},
        1.0,
    )
    assert runs.list() == [] and [one.id for one in runs.list(kind="count")] == [run.id]
