"""How a project stands, by its runs: score, course of the best one, and what is next."""

from __future__ import annotations

from pathlib import Path

import pytest

from tl_core.registry.projects import READ, TRAIN, USE, WATCH, standing
from tl_core.registry.run import Run


def run(name, kind="train", dataset="mail@1", status="done", score=None, **others):
    """A row of the registry; `sealed` may stand among the others."""
    sealed = others.pop("sealed", False)
    summary = (
        {"accuracy": {"value": score, "low": score - 0.1, "high": score + 0.1}, "sealed": sealed}
        if score is not None
        else None
    )
    values = {
        "backbone": "starter:text",
        "recipe": "probe",
        "parent": "",
        "reason": None,
        "created": 1.0,
        "queued": 1.0,
        "started": None,
        "finished": None,
        "progress": 0.0,
        "headline": "",
        "pid": None,
        "cancel_requested": False,
        "stop_requested": False,
        **others,
    }
    return Run(
        id=name,
        owner="local",
        kind=kind,
        dataset=dataset,
        folder=Path(name),
        status=status,
        summary=summary,
        **values,
    )


def test_a_project_without_a_model_begins_with_a_training():
    state = standing([])
    assert (state.step, state.run, state.score, state.course) == (TRAIN, None, None, ())
    failed = run("a", status="failed")
    assert standing([failed]).step == TRAIN


def test_a_baseline_is_no_model():
    assert standing([run("a", score=0.6, recipe="baseline")]).step == TRAIN


def test_a_training_that_goes_on_is_watched():
    active = run("a", status="running")
    state = standing([active])
    assert (state.step, state.run) == (WATCH, active)


def test_a_closed_score_is_read_before_the_model_is_used():
    closed = run("a", score=0.8, sealed=True)
    assert standing([closed]).step == READ and standing([closed]).score.closed
    used = run("b", kind="predict")
    assert standing([used, closed]).step == USE
    assert standing([run("c", score=0.8)]).step == USE


def test_the_last_score_has_its_interval_and_archived_runs_do_not_count():
    runs = [run("c", score=0.99, archived=True), run("b", score=0.8), run("a", score=0.9)]
    state = standing(runs)
    assert state.last.id == "b"
    assert (state.score.value, state.score.low, state.score.high) == pytest.approx((0.8, 0.7, 0.9))
    assert state.course == (0.9, 0.9) and not state.over_versions


def test_the_course_goes_over_versions_in_their_order():
    runs = [
        run("d", dataset="mail@10", score=0.95),
        run("c", dataset="mail@2", score=0.7),
        run("b", dataset="mail@2", score=0.9),
        run("a", dataset="mail@1", score=0.6),
        run("e", dataset="mail@1", status="failed"),
    ]
    state = standing(runs)
    assert state.course == (0.6, 0.9, 0.95) and state.over_versions


def test_a_run_without_a_score_leaves_the_course_alone():
    state = standing([run("b"), run("a", score=0.6)])
    assert state.last.id == "b" and state.score is None and state.course == (0.6,)
