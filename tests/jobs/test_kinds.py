"""The one table of run kinds: complete, and a new kind is an entry and a function."""

from __future__ import annotations

import inspect
import json
import signal
from dataclasses import dataclass

import pytest

from tl_core.config import RUN_KINDS, RunConfig
from tl_core.config.checked import setting
from tl_core.config.kinds import RunKind, kinds_of, lanes
from tl_core.config.specs import RunSpec
from tl_core.database.engine import open_database
from tl_core.errors import ConfigError
from tl_core.jobs.context import Outcome
from tl_core.jobs.dispatch import slots_of
from tl_core.jobs.worker import carry_out
from tl_core.registry.queue import RunWriter
from tl_core.registry.runs import RunStore
from tl_core.settings import read_settings


@pytest.mark.parametrize("name", RUN_KINDS)
def test_every_kind_has_a_function_a_title_and_a_lane(name):
    kind = RUN_KINDS[name]
    assert list(inspect.signature(kind.load()).parameters) == ["run"]
    assert name in kinds_of(kind.lane)
    assert [one.title for one in RUN_KINDS.values()].count(kind.title) == 1


def test_every_lane_has_a_slot():
    assert (
        set(slots_of(read_settings())) == lanes() and min(slots_of(read_settings()).values()) >= 1
    )


@dataclass(frozen=True)
class CountSpec(RunSpec):
    """Options of the toy."""

    to: int = setting(3, "Number to count to.", low=1, high=10)


def count(run):
    """The toy: counts to a number, without any heavy library."""
    spec = CountSpec.from_dict(run.config.options)
    run.events.stage("counting", spec.to, share=1.0)
    for number in range(spec.to):
        run.events.batch(number + 1, spec.to)
    return Outcome(f"Counted to {spec.to}", {"to": spec.to})


def test_a_toy_kind_runs_from_the_queue_to_its_end(home, monkeypatch):
    settings = read_settings()
    engine = open_database(settings)
    runs = RunStore(engine, "local", settings.home_path)
    with pytest.raises(ConfigError, match="no kind of run called 'count'"):
        RunConfig("count", "local")
    monkeypatch.setitem(
        RUN_KINDS,
        "count",
        RunKind("a count", f"{__name__}:count", CountSpec, heavy=False, listed=False),
    )
    monkeypatch.setattr(RunKind, "load", lambda self: count)
    with pytest.raises(ConfigError, match="between 1 and 10"):
        RunConfig("count", "local", "numbers@1", options={"to": 70})
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


BROKEN = {
    "import": {"source": "", "name": "mail"},
    "fix": {"finding": "leak"},
    "takeout": {},
    "predict": {"run": "r1", "format": "xml"},
    "stress": {},
    "trace": {"run": "r1", "max_length": 2},
    "rank": {"backbones": []},
    "propose": {"strategy": "class"},
    "domains": {"column": ""},
    "hold_out": {"column": "shop", "methods": ["erm", "erm"]},
    "index": {"rows": 5},
    "export": {"run": "r1"},
    "push": {"run": "r1", "folder": "f", "repository": "a/b", "public": "yes"},
}


@pytest.mark.parametrize("name", BROKEN)
def test_options_are_checked_when_a_run_is_made(name):
    with pytest.raises(ConfigError):
        RunConfig(name, "local", options=BROKEN[name])
    with pytest.raises(ConfigError, match="no setting 'surprise'"):
        RunConfig(name, "local", options={"surprise": 1})


def test_every_kind_has_a_spec_or_a_recipe_and_a_broken_example():
    assert set(BROKEN) == {name for name, kind in RUN_KINDS.items() if kind.spec}


def test_options_of_earlier_versions_are_read(tmp_path):
    folder = tmp_path / "runs" / "r2"
    folder.mkdir(parents=True)
    old = {
        "stress": {"model": "/elsewhere/runs/r1/model", "gone": 1},
        "push": {"bundle": "/elsewhere/runs/r1/mail-r0", "repository": "a/b"},
        "export": {"run": "/elsewhere/runs/r1", "name": "mail"},
    }
    for kind, options in old.items():
        config = {"kind": kind, "owner": "local", "options": options}
        (folder / "config.json").write_text(json.dumps(config))
        assert RunConfig.read(folder).begins_with() == ["r1"]
