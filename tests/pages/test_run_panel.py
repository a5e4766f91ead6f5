"""The panel of a run: its button, its progress, what came of it, and the button again."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest
from tests_support.pages import runs

from tl_core.config import RunConfig
from tl_core.database.engine import open_database
from tl_core.registry.queue import RunWriter
from tl_core.settings import read_settings


def page():
    import streamlit as st

    from pages.shell import run_panel, services, state
    from tl_core.config import RunConfig

    state.set_defaults()

    def offer():
        if st.button("Begin"):
            config = RunConfig("takeout", services.user(), "notes@1", options={"format": "csv"})
            st.session_state["takeout_run"] = run_panel.start(config, "takeout").id
            st.rerun()

    run_panel.show(
        run_panel.in_hand("takeout_run"),
        lambda run: f"Writing for {run.dataset}",
        lambda run: st.success(run.headline),
        offer,
        ended=(lambda _: st.button("Once more")) if st.session_state.get("other") else None,
        stoppable=True,
    )


def labels(at):
    return [button.label for button in at.button]


@pytest.fixture
def at():
    return AppTest.from_function(page).run()


def test_a_run_is_offered_watched_and_shown(at):
    assert labels(at) == ["Begin"]
    at.button[0].click().run()
    (run,) = runs().list(kind="takeout")
    assert at.get("progress")[0].proto.text == "Waiting for its turn: place 1 in the queue"
    assert labels(at) == ["Stop"]
    writer = RunWriter(open_database(read_settings()))
    writer.claim_next("light")
    at.run()
    assert at.get("progress")[0].proto.text == "Writing for notes@1"
    writer.finish(run.id, "done", headline="40 rows", summary={})
    at.run()
    assert at.success[0].value == "40 rows" and labels(at) == []


def test_one_that_was_stopped_says_so_and_is_offered_again(at):
    at.button[0].click().run()
    at.button[0].click().run()
    assert "You cancelled it" in at.info[0].value and labels(at) == ["Begin"]
    at.session_state["other"] = True
    at.run()
    assert "You cancelled it" in at.info[0].value and labels(at) == ["Once more"]


def test_one_that_was_deleted_is_forgotten(at):
    at.button[0].click().run()
    at.button[0].click().run()
    assert at.info
    runs().delete([runs().list(kind="takeout")[0].id])
    assert labels(at.run()) == ["Begin"] and at.session_state["takeout_run"] == ""


def test_the_newest_of_its_runs_is_that_of_this_run(home):
    from pages.shell import run_panel

    first, second = (
        runs().create(RunConfig("train", "local", "notes@1", "", "starter:text", "probe", {}))
        for _ in range(2)
    )
    own = [
        runs().create(RunConfig("stress", "local", "notes@1", options={"run": first.id}))
        for _ in range(2)
    ]
    runs().create(RunConfig("stress", "local", "notes@1", options={"run": second.id}))
    assert run_panel.of_run(first.id, "stress").id == own[1].id
    assert run_panel.of_run(first.id, "stress", "done") is None
    assert run_panel.of_run(first.id, "trace") is None
    assert run_panel.of_dataset("notes@1", "train").id == second.id
