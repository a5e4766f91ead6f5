"""Runs that have had their time are asked to end, in the words of the limit that ends them."""

from __future__ import annotations

import pytest
from tests_support.office import NOON, Office

from tl_core.registry.queue import mark_dead
from tl_core.registry.scheduling.run_times import GRACE_SECONDS, end_overdue
from tl_core.settings import read_settings

GRACE = GRACE_SECONDS / 60


@pytest.fixture
def office(engine, home):
    return Office(engine, home)


@pytest.fixture
def limit(monkeypatch):
    return lambda **minutes: [
        monkeypatch.setenv(f"TL_{name.upper()}", str(value)) for name, value in minutes.items()
    ]


def overdue(office):
    return end_overdue(office.engine, read_settings(), office.clock)


def started(office, **options):
    run = office.queue("ann", 0, **options)
    assert office.next() == run
    return run


def test_nothing_is_ended_without_a_limit(office):
    started(office)
    office.clock.go(10**6)
    assert overdue(office) == []


def test_a_run_that_takes_too_long_is_cancelled_with_the_reason(office, limit):
    limit(run_minutes=60)
    run = started(office)
    office.clock.go(59)
    assert overdue(office) == [] and office.writer.beat(run, 0.9) == ""
    office.clock.go(1)
    assert overdue(office) == [run] and overdue(office) == []
    assert office.writer.beat(run, 0.9) == "cancel"
    office.writer.finish(run, "cancelled", reason={"code": "cancelled", "what": "You did."})
    ended = office.store("ann").get(run)
    assert (ended.status, ended.reason["code"]) == ("cancelled", "run_time")
    assert "60 minutes" in ended.reason["what"] and "Resume" in ended.reason["try_this"]


@pytest.mark.parametrize("recipe", ["finetune", "ladder", "auto"])
def test_a_training_with_a_best_state_stops_and_keeps_it(office, limit, recipe):
    limit(run_minutes=60)
    run = started(office, recipe=recipe)
    office.clock.go(61)
    assert overdue(office) == [run] and office.writer.beat(run, 0.5) == "stop"
    office.writer.finish(run, "done", headline="Right 9 times of 10.")
    ended = office.store("ann").get(run)
    assert (ended.status, ended.headline) == ("done", "Right 9 times of 10.")
    assert ended.reason["code"] == "run_time"


def test_a_training_that_does_not_stop_is_cancelled_in_the_end(office, limit):
    limit(run_minutes=60)
    run = started(office, recipe="finetune")
    office.clock.go(60)
    overdue(office)
    office.clock.go(GRACE - 0.1)
    assert overdue(office) == [] and office.writer.beat(run, 0.5) == "stop"
    office.clock.go(0.2)
    assert overdue(office) == [run] and office.writer.beat(run, 0.5) == "cancel"


def test_a_measurement_of_a_fine_tuning_has_no_best_state(office, limit):
    limit(run_minutes=5)
    run = office.queue("ann", 0, kind="preflight", recipe="finetune")
    office.next("light")
    office.clock.go(6)
    assert overdue(office) == [run] and office.writer.beat(run, 0.5) == "cancel"


def test_a_run_without_progress_is_cancelled_whatever_it_is(office, limit):
    limit(idle_minutes=10)
    run = started(office, recipe="finetune")
    office.clock.go(8)
    office.writer.beat(run, 0.5)
    office.clock.go(9)
    office.writer.beat(run, 0.5, moved=NOON + 8 * 60)
    assert overdue(office) == []
    office.clock.go(1)
    office.writer.beat(run, 0.5, moved=NOON + 8 * 60)
    assert overdue(office) == [run] and office.writer.beat(run, 0.5) == "cancel"
    office.writer.finish(run, "cancelled")
    assert office.store("ann").get(run).reason["code"] == "idle"


def test_a_worker_whose_clock_is_wrong_is_not_idle(office, limit):
    """Both times are the worker's; what the dispatcher's clock says does not matter."""
    limit(idle_minutes=10)
    run = started(office)
    ahead = office.clock.now
    office.clock.go(-500)
    office.writer.beat(run, 0.5, moved=office.clock.now)
    office.clock.now = ahead + 3600
    assert overdue(office) == []


@pytest.mark.parametrize("of", ["day", "month"])
def test_a_run_ends_when_its_owners_minutes_are_used_up(office, limit, of):
    limit(quotas=f"gpu_minutes_{of}=60")
    run = started(office)
    office.clock.go(59)
    assert overdue(office) == []
    office.clock.go(1)
    assert overdue(office) == [run] and office.writer.beat(run, 0.5) == "cancel"
    office.writer.finish(run, "cancelled")
    reason = office.store("ann").get(run).reason
    assert (
        reason["code"] == "quota"
        and {"day": "today", "month": "this month"}[of] in (reason["what"])
    )


def test_what_is_not_metered_goes_on_without_minutes(office, limit):
    limit(quotas="gpu_minutes_day=60")
    training = started(office)
    office.queue("ann", 0, kind="import", recipe="", source="x.csv", name="m")
    office.next("light")
    office.clock.go(60)
    assert overdue(office) == [training]


def test_a_search_stops_and_is_cancelled_when_that_takes_too_long(office, limit):
    limit(quotas="gpu_minutes_day=60")
    run = office.search("ann", 50)
    office.next()
    office.clock.go(61)
    assert overdue(office) == [run] and office.writer.beat(run, 0.5) == "stop"
    office.clock.go(GRACE)
    assert overdue(office) == [run] and office.writer.beat(run, 0.5) == "cancel"


def test_a_killed_run_that_was_to_end_says_why_it_was(office, limit):
    limit(run_minutes=60)
    run = started(office)
    office.clock.go(60)
    overdue(office)
    office.writer.hand_over(run, 2**30, 1.0)
    assert mark_dead(office.engine, office.clock) == [run]
    ended = office.store("ann").get(run)
    assert (ended.status, ended.reason["code"]) == ("cancelled", "run_time")


def test_a_resumed_run_has_its_time_anew_and_forgets_the_reason(office, limit):
    limit(run_minutes=60)
    run = started(office)
    office.clock.go(60)
    overdue(office)
    office.writer.finish(run, "cancelled")
    assert office.store("ann").resume(run).reason is None
    assert office.next() == run
    office.clock.go(30)
    assert overdue(office) == [] and office.writer.beat(run, 0.5) == ""
    office.store("ann").cancel(run)
    office.writer.finish(run, "cancelled", reason={"code": "cancelled", "what": "You did."})
    assert office.store("ann").get(run).reason["code"] == "cancelled"


def test_only_what_is_deaf_on_this_machine_is_ended_from_outside(office):
    run = started(office)
    office.clock.go(5)
    assert office.writer.deaf() == []
    office.store("ann").cancel(run)
    assert len(office.writer.deaf()) == 1  # no sign of life for five minutes
    office.writer.beat(run, 0.5)
    assert office.writer.deaf() == []
