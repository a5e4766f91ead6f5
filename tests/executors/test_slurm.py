"""What only Slurm does: its queue, preemption, limits of time, silence, and odd answers."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from tests_support import stepping

from tl_core.database.tables import stints
from tl_core.errors import ConfigError, UserError
from tl_core.jobs.executors import slurm as module
from tl_core.jobs.executors import watch
from tl_core.jobs.executors.executor_contract import LOST, SilentError
from tl_core.settings import Settings, read_settings


def slots_begun(slurm, run):
    with slurm.engine.connect() as connection:
        query = select(stints.c.started).where(stints.c.run == run.id).order_by(stints.c.id)
        return list(connection.execute(query).scalars())


def test_a_job_that_waits_in_slurm_is_neither_dead_nor_running_for_minutes(slurm):
    slurm.slurm.hold()
    run = slurm.queue(steps=20)
    slurm.until(lambda: slurm.slurm.jobs())
    slurm.until(lambda: slurm.runs.get(run.id).waits_elsewhere)
    now = slurm.runs.get(run.id)
    assert (now.status, now.started, now.pid) == ("running", None, None)
    assert slots_begun(slurm, run) == [None]  # no time of a slot is counted
    assert slurm.executor.logs(now.job).startswith("Slurm job 100: PENDING (Resources).")
    slurm.restart()
    slurm.slurm.hold(False)
    done = slurm.until_ended(run, "done")
    assert len(slurm.slurm.jobs()) == 1 and slots_begun(slurm, run) != [None]
    assert done.started >= done.queued


def test_what_waits_there_is_cancelled_there(slurm):
    slurm.slurm.hold()
    run = slurm.queue(steps=20)
    slurm.until(lambda: slurm.runs.get(run.id).waits_elsewhere)
    slurm.runs.cancel(run.id)
    slurm.until_ended(run, "cancelled")
    assert slurm.job(run)["state"] == "CANCELLED"


@pytest.mark.parametrize("how", ["preempt", "announce_limit"])
def test_a_job_that_is_asked_to_go_goes_on_in_the_next_from_its_checkpoint(slurm, how):
    run = slurm.queue(steps=80)
    slurm.until_at(run, 10)
    slurm.slurm.hold()  # it waits in between
    getattr(slurm.slurm, how)(slurm.job(run)["id"])
    slurm.until(lambda: slurm.runs.get(run.id).waits_elsewhere)
    slurm.slurm.hold(False)
    done = slurm.until_ended(run, "done")
    assert done.summary["weights"] == stepping.weights_after(80) and done.summary["began"] >= 10
    assert [job["restarts"] for job in slurm.slurm.jobs()] == [1]
    assert len(slots_begun(slurm, run)) == 2


def test_a_slurm_that_is_silent_is_waited_for(slurm, monkeypatch):
    monkeypatch.setattr(watch, "SILENT_SECONDS", 0.3)
    monkeypatch.setattr("tl_core.jobs.dispatch.SILENT_SECONDS", 0.3)
    slurm.slurm.silence()
    with pytest.raises(UserError, match="no answer"):
        slurm.executor.check()
    run = slurm.queue(steps=30)
    slurm.dispatcher.turn()
    assert slurm.runs.get(run.id).status == "queued" and not slurm.slurm.jobs()
    slurm.slurm.silence(False)
    slurm.until(lambda: slurm.slurm.jobs())
    slurm.slurm.silence()
    slurm.until_at(run, 3)  # it works all the same
    slurm.slurm.silence(False)
    slurm.until_ended(run, "done")


def test_a_refused_job_fails_with_slurms_words_and_a_forgotten_one_is_lost(slurm, monkeypatch):
    monkeypatch.setenv("TL_SLURM_PARTITION", "nowhere")
    refused = module.make(read_settings())
    slurm.dispatcher._trains = refused
    run = slurm.queue(steps=1)
    found = slurm.until_ended(run, "failed")
    assert "Invalid partition" in found.reason["why"]
    assert slurm.executor.poll("0123456789-feedbeef") == LOST


def test_what_a_job_is_given_and_its_secrets_are_in_no_list_of_processes(slurm, monkeypatch):
    wishes = {"GRES": "gpu:1", "PARTITION": "short", "ACCOUNT": "lab", "TIME": "1:00:00"}
    for name, value in wishes.items():
        monkeypatch.setenv(f"TL_SLURM_{name}", value)
    monkeypatch.setenv("TL_JOB_MEMORY_MB", "3000")
    monkeypatch.setenv("TL_WEBHOOK", "https://example.org/hush")
    slurm.settings = read_settings()
    slurm.restart()
    run = slurm.queue(steps=1)
    slurm.until_ended(run, "done")
    job = slurm.job(run)
    given = {name: job["options"][name] for name in ("gres", "partition", "account", "time")}
    assert given == {name.lower(): value for name, value in wishes.items()}
    assert (job["options"]["cpus-per-task"], job["options"]["mem"]) == ("2", "3000")
    assert "=" not in job["options"]["export"] and "TL_WEBHOOK" not in job["environment"]


@pytest.mark.parametrize(
    "line", ["", "12|RUNNING|None", "12_3|RUNNING|None|n1", "x|RUNNING|None|n1", "1|A|B|C|D"]
)
def test_answers_that_nobody_understands_are_no_answers(line):
    with pytest.raises(SilentError):
        module._read(line)


@pytest.mark.parametrize("name", ["partition", "account", "gres", "time"])
@pytest.mark.parametrize("value", ["a b", "--wrap=x", "a;b", "$(x)"])
def test_settings_are_one_word(name, value):
    with pytest.raises(ConfigError, match="one word"):
        module.make(Settings(**{f"slurm_{name}": value}))


@pytest.mark.parametrize(
    ("resources", "gpus"),
    [
        ("(null)", 0),
        ("gpu:2(S:0)", 2),
        ("gpu:a100:4(S:0-1),shard:8", 4),
        ("gpu", 1),
        ("shard:4", 0),
    ],
)
def test_gpus_are_read_from_generic_resources(resources, gpus):
    assert module._gpus(resources) == gpus
