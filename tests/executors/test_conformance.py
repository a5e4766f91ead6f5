"""Every executor on the same list of mishaps. The long version, with real networks and schedulers,
is `benchmarks/executors.py`.
"""

from __future__ import annotations

import time

import pytest
from tests_support import executing, stepping

from tl_core.jobs.executors.executor_contract import ENDED, RUNNING, STATES

MOVING = [name for name, place in executing.PLACES.items() if place.again]


def test_a_run_is_carried_out_told_of_while_it_goes_and_logged(place):
    place.executor.check()
    there = place.executor.resources()
    assert there.slots == 1 and there.processors >= 1 and there.memory > 0
    run = place.queue(steps=80)
    place.until_at(run, 5)
    before, began = place.steps(run), time.monotonic()
    while place.steps(run) == before:
        assert time.monotonic() - began < 2.0  # what it does is seen here within two seconds
        time.sleep(0.05)
    now = place.runs.get(run.id)
    assert (now.status, now.executor, now.waits_elsewhere) == ("running", place.name, False)
    done = place.until_ended(run, "done")
    assert done.summary["weights"] == stepping.weights_after(80)
    assert "the steps begin" in place.executor.logs(done.job or done.id)
    # the limits of a worker hold there as well: its threads, and no dumps of memory
    assert (done.summary["threads"], done.summary["core"]) == ("2", 0)


def test_it_is_cancelled_and_stopped_with_its_best_state_kept(place):
    run = place.queue(steps=1000)
    place.until_at(run, 3)
    place.runs.cancel(run.id)
    assert place.until_ended(run, "cancelled").reason["what"] == "You cancelled it."
    place.runs.resume(run.id)
    place.until_at(run, place.steps(run) + 3)
    place.runs.stop(run.id)
    done = place.until_ended(run, "done")
    steps = done.summary["step"]
    assert 3 < steps < 1000 and done.summary["weights"] == stepping.weights_after(steps)


def test_a_killed_worker_is_interrupted_and_resumes_to_the_same_weights(place):
    run = place.queue(steps=60)
    place.until_at(run, 10)
    place.kill_worker(run)
    found = place.until_ended(run, "interrupted")
    assert "Resume it" in found.reason["try_this"]
    place.runs.resume(run.id)
    done = place.until_ended(run, "done")
    assert done.summary["began"] >= 10
    assert done.summary["weights"] == stepping.weights_after(60)


def test_another_dispatcher_finds_the_run_and_sees_its_end(place):
    run = place.queue(steps=60)
    place.until_at(run, 5)
    place.restart()
    waiting = place.queue(steps=1)
    place.until_at(run, 20)
    assert place.runs.get(waiting.id).status == "queued"  # the slot is taken
    assert place.until_ended(run, "done").summary["began"] == 0
    place.until_ended(waiting, "done")


@pytest.mark.parametrize("place", MOVING, indirect=True)
def test_a_lost_machine_costs_what_came_after_the_last_checkpoint(place):
    run = place.queue(steps=60)
    place.until_at(run, 10)
    place.lose_machine(run)
    done = place.until_ended(run, "done")
    assert done.summary["began"] >= 10
    assert done.summary["weights"] == stepping.weights_after(60)


def test_a_job_that_is_over_or_unknown_is_cancelled_without_an_error(place):
    run = place.queue(steps=1)
    done = place.until_ended(run, "done")
    job = done.job or f"{run.id}-{done.pid}-1.0"
    place.until(lambda: place.executor.poll(job) == ENDED)
    place.executor.cancel(job)
    unknown = "0123456789-2147483646-1.0"
    assert place.executor.poll(unknown) in STATES and place.executor.poll(unknown) != RUNNING
    place.executor.cancel(unknown)
    assert place.executor.logs(unknown) == ""
