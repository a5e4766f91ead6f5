"""The rule by which runs take turns, and what it foretells: pure functions of rows and a time."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tl_core.registry.scheduling.fair_share import (
    Queued,
    Stint,
    by_owner,
    in_order,
    next_run,
    rank,
    used,
)
from tl_core.registry.scheduling.forecast import Lane, Running, forecast, seconds_left

DAY = 86_400.0
NOW = 100 * DAY


def waits(owner, since=0.0, priority=0, name="", **others):
    return Queued(name or f"{owner}{since}", owner, NOW - since, priority, **others)


def had(owner, ago, seconds, gpus=1):
    return Stint("done", owner, NOW - ago, NOW - ago + seconds, seconds, True, gpus)


def has(owner, ago, expected=0.0, gpus=1):
    return Stint("now", owner, NOW - ago, None, expected, expected > 0, gpus)


def first(queue, stints=(), closed=(), now=NOW):
    found: dict[str, list[Stint]] = {}
    for stint in stints:
        found.setdefault(stint.owner, []).append(stint)
    run = next_run(by_owner(queue), found, now, DAY, closed)
    return run and run.owner


def test_who_has_used_least_goes_first_whoever_came_first():
    queue = [waits("ann", 500), waits("bob", 10)]
    assert first(queue) == "ann"
    assert first(queue, [had("ann", 5000, 60)]) == "bob"
    assert first(queue, [had("ann", 5000, 60), had("bob", 5000, 61)]) == "ann"


def test_what_left_the_window_does_not_count():
    queue = [waits("ann", 10), waits("bob", 500)]
    long_ago = [had("ann", DAY + 7200, 7200), had("bob", 100, 1)]
    assert first(queue, long_ago) == "ann"
    assert first(queue, [had("ann", DAY + 3600, 7200), had("bob", 100, 1)]) == "bob"


def test_a_running_run_counts_with_what_is_expected_of_it_and_then_with_what_it_took():
    queue = [waits("ann", 500), waits("bob", 10)]
    used_by_bob = had("bob", 5000, 1000)
    assert first(queue, [has("ann", 5), used_by_bob]) == "ann"
    assert first(queue, [has("ann", 5, expected=2000), used_by_bob]) == "bob"
    assert first(queue, [has("ann", 1500, expected=10), used_by_bob]) == "bob"


def test_a_run_on_two_gpus_counts_twice():
    queue = [waits("ann", 500), waits("bob", 10)]
    assert first(queue, [had("ann", 900, 100, gpus=2), had("bob", 900, 150)]) == "bob"


def test_priorities_go_first_and_one_persons_runs_stay_in_their_order():
    queue = [waits("ann", 500), waits("bob", 10, priority=1)]
    assert first(queue, [had("bob", 5000, 4000)]) == "bob"
    own = [waits("ann", 1, 0, "c"), waits("ann", 9, 0, "a"), waits("ann", 5, 2, "b")]
    assert [run.run for run in in_order(own)] == ["b", "a", "c"]
    assert first([waits("ann", 500, priority=-1), waits("bob", 10)]) == "bob"


def test_nobody_starts_who_has_enough_running():
    queue = [waits("ann", 500), waits("bob", 10)]
    assert first(queue, closed={"ann"}) == "bob"
    assert first(queue, closed={"ann", "bob"}) is None
    assert first([]) is None


@st.composite
def histories(draw):
    """Stints before `NOW`, in whole minutes, some still running."""
    made = []
    for _ in range(draw(st.integers(0, 6))):
        ago = draw(st.integers(0, 3000))
        length = draw(st.one_of(st.none(), st.integers(0, ago)))
        ended = None if length is None else NOW - 60 * (ago - length)
        expected, gpus = 60.0 * draw(st.integers(0, 200)), draw(st.integers(1, 3))
        made.append(Stint("r", "ann", NOW - 60 * ago, ended, expected, True, gpus))
    return made


@given(histories())
def test_use_is_the_minutes_of_the_window_counted_one_by_one(stints):
    counted = 0.0
    for stint in stints:
        end = NOW if stint.ended is None else stint.ended
        minutes = sum(
            stint.started <= NOW - 60 * back < end for back in range(1, int(DAY / 60) + 1)
        )
        seconds = 60.0 * minutes
        counted += stint.gpus * (seconds if stint.ended else max(seconds, stint.seconds))
    assert used(stints, NOW, DAY) == pytest.approx(counted)


@given(histories(), st.integers(0, 3000), st.lists(st.integers(0, 2000), max_size=6))
def test_waiting_raises_the_rank(stints, since, steps):
    """While nothing of theirs runs, nobody's level sinks and nobody's use grows."""
    over = [one for one in stints if one.ended is not None]
    queue, now = [waits("ann", 60 * since)], NOW
    before = rank(queue, over, now, DAY)
    for step in steps:
        now += 60 * step
        after = rank(queue, over, now, DAY)
        assert after[0] <= before[0] and after[1] <= before[1] and after[2:] == before[2:]
        before = after
    assert rank(queue, over, now + 2 * DAY, DAY)[:2] <= (-1, 0.0)


@pytest.mark.parametrize("highest", [0, 1, 3])
@pytest.mark.parametrize("seed", range(6))
def test_nobody_starves_whatever_priorities_the_others_have(seed, highest):
    """One slot; others come at random, faster than it can serve them, with any priorities up to the
    highest. Whoever has used much waits no longer than the module says.
    """
    chance, window, longest = random.Random(seed), 600.0, 60.0
    stints = {"zoe": [Stint("z0", "zoe", -500.0, 0.0)]}
    queue, now, before = [Queued("z1", "zoe", 0.0)], 0.0, 0
    number = 0
    limit = (highest + 1) * window
    while now <= limit + 13 * longest:
        for _ in range(chance.randint(0, 3)):
            number += 1
            name = f"p{chance.randrange(12)}"
            queue.append(Queued(f"r{number}", name, now, chance.randint(0, highest)))
        run = next_run(by_owner(queue), stints, now, window)
        if run is not None and run.owner == "zoe":
            break
        if run is None:
            now += longest
            continue
        before += now >= limit
        queue.remove(run)
        length = chance.uniform(1, longest)
        stints.setdefault(run.owner, []).append(Stint(run.run, run.owner, now, now + length))
        now += length
    else:
        pytest.fail("zoe waits for ever")
    assert before <= 12


def test_places_are_those_in_which_runs_will_start():
    """The first place goes to who came first; from then on the two take turns."""
    queue = [waits("ann", 500 - n, name=f"a{n}", seconds=600, known=True) for n in range(4)]
    queue += [waits("bob", 10 - n, name=f"b{n}", seconds=600, known=True) for n in range(2)]
    turns = forecast(Lane(1, queued=queue), NOW, DAY)
    assert [turn.run.run for turn in turns] == ["a0", "b0", "a1", "b1", "a2", "a3"]
    assert [turn.place for turn in turns] == [1, 2, 3, 4, 5, 6]
    assert [turn.starts for turn in turns] == [NOW + 600 * n for n in range(6)]


def test_a_start_is_known_as_far_as_what_is_before_it():
    queue = [waits("ann", 9, name="a", seconds=600, known=True), waits("bob", 1, name="b")]
    running = [Running("now", "cy", NOW - 100)]
    known = {"cy": [Stint("now", "cy", NOW - 100, None, 400.0, True)]}
    found = forecast(Lane(1, running, queue, stints=known), NOW, DAY)
    assert [turn.starts for turn in found] == [NOW + 300, NOW + 900]
    unknown = {"cy": [Stint("now", "cy", NOW - 100, None, 400.0, False)]}
    found = forecast(Lane(1, running, queue, stints=unknown), NOW, DAY)
    assert [turn.starts for turn in found] == [None, None]
    two = forecast(Lane(2, running, queue, stints=unknown), NOW, DAY)
    assert [turn.starts for turn in two] == [NOW, None]
    third = waits("dan", 0.5, name="d")
    after_b = forecast(Lane(1, (), [*queue, third]), NOW, DAY)
    assert [turn.starts for turn in after_b] == [NOW, NOW + 600, None]


def test_limits_of_people_hold_in_what_is_foretold():
    queue = [waits("ann", 9 - n, name=f"a{n}", seconds=60, known=True) for n in range(2)]
    queue += [waits("bob", 1, name="b", seconds=600, known=True)]
    found = forecast(Lane(3, queued=queue, most={"ann": 1}), NOW, DAY)
    assert {turn.run.run: turn.starts for turn in found} == {"a0": NOW, "b": NOW, "a1": NOW + 60}
    barred = forecast(Lane(3, queued=queue[2:], barred=queue[:2]), NOW, DAY)
    assert [(turn.run.run, turn.starts) for turn in barred] == [
        ("b", NOW),
        ("a0", None),
        ("a1", None),
    ]


@pytest.mark.parametrize(
    ("progress", "expected", "longest", "left"),
    [
        (0.5, 0.0, None, (100.0, True)),  # half in 100 s: another 100 s
        (0.01, 400.0, None, (300.0, True)),  # too early for that
        (0.01, 50.0, None, (60.0, False)),  # over its time already
        (0.25, 0.0, 150.0, (50.0, True)),  # it is ended before
        (1.0, 0.0, None, (0.0, True)),
    ],
)
def test_what_a_running_run_still_takes(progress, expected, longest, left):
    assert seconds_left(has("ann", 100, expected), progress, NOW, longest) == left


def test_a_run_that_the_ledger_does_not_know_has_a_slot_all_the_same():
    queue = [waits("ann", 9, name="a")]
    found = forecast(Lane(1, [Running("lost", "bob", NOW - 5)], queue), NOW, DAY)
    assert [(turn.place, turn.starts) for turn in found] == [(1, None)]


def test_a_long_queue_is_foretold_in_a_moment():
    queue = [
        waits(f"p{n % 30}", 1000 - n, name=f"r{n}", seconds=60 * (1 + n % 50), known=True)
        for n in range(300)
    ]
    stints = {f"p{n}": [had(f"p{n}", 3600 * k, 600) for k in range(1, 11)] for n in range(30)}
    started = time.perf_counter()
    assert len(forecast(Lane(2, queued=queue, stints=stints), NOW, DAY)) == 300
    assert time.perf_counter() - started < 2
