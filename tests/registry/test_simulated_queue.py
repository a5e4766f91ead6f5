"""A miniature of benchmarks/fairness.py and quota_month.py: the dispatcher on a clock of its own,
against plain computations.
"""

from __future__ import annotations

import pytest

from benchmarks import fairness, quota_month


@pytest.mark.parametrize("name", fairness.AFTERNOONS)
def test_waiting_times_are_those_of_the_plain_computation(home, name):
    afternoon = fairness.AFTERNOONS[name]
    jobs = fairness.spend(afternoon, home)
    fair = [job.waited for job in jobs]
    assert fair == fairness.plainly(jobs, afternoon.gpus)
    first = fairness.told(jobs, fairness.first_come(jobs, afternoon.gpus))
    told = fairness.told(jobs, fair)
    for owner in ("bob", "cara"):
        assert told[owner]["longest"] < 0.3 * first[owner]["longest"]
    assert told["ann"]["longest"] <= max(first[owner]["longest"] for owner in first) + 90
    work = sum(job.minutes for job in jobs)
    last = max(job.ended for job in jobs) - fairness.START
    assert last / 60 <= work / afternoon.gpus + 60  # no slot stands empty while anybody waits


def test_first_come_first_served_is_what_it_says():
    jobs = [fairness.Job("a", 10, 0), fairness.Job("a", 20, 0), fairness.Job("b", 5, 60)]
    assert fairness.first_come(jobs, 1) == [0, 10, 29]
    assert fairness.first_come(jobs, 2) == [0, 0, 9]


@pytest.mark.parametrize("priority", [0, 1])
def test_who_has_used_much_does_not_wait_for_ever(home, priority):
    found = fairness.wait_of_the_heavy(home, 4, priority)
    assert 18 < found["hours waited"] <= found["bound in hours"]


def test_quotas_are_exact_over_days(home, monkeypatch):
    monkeypatch.setenv("TL_QUOTAS", quota_month.DEFAULTS)
    days = quota_month.Month(home, ["ann", "bob", "cara"], 1, 600.0)
    days.live()
    result = days.result()
    assert days.wrong == []
    assert result["largest difference of a figure in seconds"] < 1e-6
    assert result["most above a limit in seconds"] <= 600
    assert min(result["queued"], result["refused for minutes"]) > 3
