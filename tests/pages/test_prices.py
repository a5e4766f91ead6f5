"""What a training takes and gives, from registry summaries alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from pages.sections.train.prices import UNKNOWN, by_strategy, of_past, of_ways
from tl_core.registry.run import Run


def done(recipe="probe", backbone="starter:text", seconds=30.0, value=0.9, **more):
    summary = {
        "accuracy": {"value": value, "low": value - 0.05, "high": value + 0.04},
        "seconds": seconds,
    }
    given = {
        "id": "x",
        "owner": "local",
        "kind": "train",
        "dataset": "d@1",
        "backbone": backbone,
        "recipe": recipe,
        "folder": Path("/nowhere"),
        "parent": "",
        "status": "done",
        "reason": None,
        "created": 0.0,
        "queued": 0.0,
        "started": 10.0,
        "finished": 25.0,
        "progress": 1.0,
        "headline": "",
        "summary": summary,
        "pid": None,
        "cancel_requested": False,
        "stop_requested": False,
    }
    return Run(**{**given, **more})


def test_nothing_is_known_before_the_first_run_and_nothing_is_guessed():
    ways = of_ways([], "starter:text", 0.0, 500, 20.0)
    assert ways["first"].price == ways["first"].score == UNKNOWN
    assert ways["own"].price == ways["own"].score == ways["auto"].score == UNKNOWN
    assert "20 minutes" in ways["auto"].price


def test_a_measured_speed_prices_a_pass_before_the_first_run():
    first = of_ways([], "starter:text", 50.0, 1500, 20.0)["first"]
    assert first.price == "30 seconds" and first.score == UNKNOWN
    assert "1,500 items" in first.basis


def test_past_runs_tell_time_and_accuracy_with_their_intervals():
    found = of_past([done(seconds=30, value=0.8), done(seconds=150, value=0.9)], "starter:text")
    assert found.price == "30 seconds to 2 minutes"
    assert found.score == "80 to 90 %"
    assert "75 to 94 %" in found.basis and "2 past runs" in found.basis


def test_times_that_are_alike_are_told_as_one_and_a_single_score_too():
    assert of_past([done(seconds=30), done(seconds=31)]).price == "31 seconds"
    assert of_past([done()]).score == "90 %"


def test_the_price_is_that_of_the_backbone_in_hand_where_it_has_runs():
    runs = [done(seconds=30), done(seconds=300, backbone="hub:large/one", value=0.7)]
    assert of_past(runs, "starter:text").price == "30 seconds"
    assert of_past(runs, "starter:text").score == "70 to 90 %"
    other = of_past(runs, "local:third")
    assert "other backbones" in other.basis and other.price == "30 seconds to 5 minutes"


def test_a_search_promises_what_its_strategies_reached_and_leaves_the_rest_out():
    runs = [done(value=0.8), done("finetune", value=0.9), done("baseline", "", value=0.3)]
    ways = of_ways(runs, "starter:text", 0.0, 100, 5.0)
    assert ways["auto"].score == "80 to 90 %"
    assert ways["own"].score == "30 to 90 %"
    assert ways["first"].score == "80 %"


@pytest.mark.parametrize("summary", [None, {}, {"file": "x.csv"}])
def test_runs_without_a_score_are_left_out(summary):
    assert of_past([done(summary=summary)]).price == UNKNOWN


def test_a_summary_without_seconds_is_timed_from_start_to_end():
    told = dict(done().summary or {})
    del told["seconds"]
    assert of_past([done(summary=told)]).price == "15 seconds"


def test_runs_are_told_apart_by_the_strategy_in_their_name():
    lora, plain, longer = done("finetune"), done(), done("finetune")
    found = by_strategy(
        [
            ("LoRA · epochs 2", lora),
            ("Probe", plain),
            ("LoRA, continued · epochs 4", longer),
            ("something of an older version", done("baseline")),
        ]
    )
    assert found["lora"] == [lora, longer] and found["probe"] == [plain]
    assert len(found["baseline"]) == 1
