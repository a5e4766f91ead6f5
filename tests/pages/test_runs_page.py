"""The table of runs: what it holds, how it is filtered, and what can be done with picked runs."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, select
from tests_support.pages import everything, opened, press

from tl_core.config import RunConfig
from tl_core.database.tables import runs as table

PAGE = "pages/evaluate/runs.py"


@pytest.fixture
def two(studio, mail):
    """A probe and a training without transfer."""
    return studio.do(mail, pooling="mean"), studio.do(mail, recipe="baseline")


def line(app, run):
    """The row of a run in the table, None where it is not shown."""
    frames = [frame.value for frame in app.dataframe]
    found = frames[0][frames[0]["run"] == run.id] if frames else []
    return found.iloc[0] if len(found) else None


def pick(app, *runs):
    app.multiselect(key="picked_runs").set_value([run.id for run in runs]).run()
    assert not app.exception
    return app


def labels(app):
    return {button.label for button in app.button}


def test_a_line_tells_score_interval_gain_backbone_and_strategy(two):
    probe, base = two
    app = opened(PAGE)
    assert not app.exception
    row = line(app, probe)
    assert row["score (%)"] == pytest.approx(100 * probe_score(probe))
    assert "to" in row["95 % interval"]
    assert row["gain (points)"] is not None
    assert row["backbone"] == probe.backbone
    assert row["strategy"].startswith("Probe")
    assert row["minutes"] >= 0
    assert len(row["course"]) == 1
    assert len(line(app, base)["course"]) == 2  # the scores on these data up to this one
    assert line(app, base)["backbone"] == "none"


def probe_score(run):
    from tests_support.pages import runs

    return runs().get(run.id).summary["accuracy"]["value"]


def test_one_run_is_opened_annotated_put_away_and_brought_back(studio, two):
    probe, _ = two
    app = pick(opened(PAGE), probe)
    assert {"Report", "Predict", "Export", "Tags and note", "Archive", "Delete"} <= labels(app)
    assert "Compare" not in labels(app)
    studio.runs.annotate(probe.id, tags=["*best* :red[x]"], note="kept")
    app = opened(PAGE)
    assert list(line(app, probe)["tags"]) == ["*best* :red[x]"]
    assert line(app, probe)["note"] == "kept"
    press(pick(app, probe), "Archive")
    assert studio.runs.get(probe.id).archived
    assert line(opened(PAGE), probe) is None
    app = opened(PAGE)
    app.toggle(key="runs_archived").set_value(True).run()
    assert "archived" in list(line(app, probe)["tags"])
    press(pick(app, probe), "Bring back")
    assert not studio.runs.get(probe.id).archived


def test_tags_and_note_are_written_in_a_drawer(studio, two):
    probe, _ = two
    app = pick(opened(PAGE), probe)
    app.button(key=f"annotate_{probe.id}").click().run()
    app.text_area(key=f"note_{probe.id}").set_value("try more epochs")
    app.multiselect(key=f"tags_{probe.id}").set_value(["best so far"])
    app.button(key=f"save_{probe.id}").click().run()
    assert not app.exception
    kept = studio.runs.get(probe.id)
    assert (list(kept.tags), kept.note) == (["best so far"], "try more epochs")
    app = opened(PAGE)
    app.multiselect(key="runs_tags").set_value(["best so far"]).run()
    assert list(app.dataframe[0].value["run"]) == [probe.id]


def test_several_runs_are_compared(two):
    probe, base = two
    app = pick(opened(PAGE), probe, base)
    assert "Report" not in labels(app)
    assert not app.button(key="compare_picked").disabled
    app = opened("pages/evaluate/compare.py", run=probe.id, **{"with": f"{base.id},nobody"})
    assert sorted(app.multiselect(key="compared").value) == sorted([probe.id, base.id])
    assert "Left out: nobody" in app.warning[0].value
    assert "Is the difference more than chance?" in everything(app)


def test_runs_are_deleted_after_a_question_that_names_them(studio, two):
    probe, base = two
    app = pick(opened(PAGE), probe, base)
    said = press(app, "Delete")
    assert probe.id in said and base.id in said
    press(app, "Delete 2 runs")
    assert studio.runs.list(kind="train") == []
    assert {run.id for run in studio.runs.trash()} == {probe.id, base.id}
    assert "No run is like this" in everything(opened(PAGE))


def test_a_run_that_waits_can_be_cancelled_and_resumed_but_not_deleted(studio, mail):
    run = studio.runs.create(
        RunConfig("train", "local", mail.reference, str(mail.folder), studio.backbone, "probe")
    )
    app = pick(opened(PAGE), run)
    assert app.button(key="delete_picked").disabled
    assert {"Watch", "Cancel"} <= labels(app)
    press(app, "Cancel")
    assert studio.runs.get(run.id).status == "cancelled"
    app = pick(opened(PAGE), run)
    press(app, "Resume")
    assert studio.runs.get(run.id).status == "queued"


def test_states_and_projects_filter_the_list(studio, two, record):
    probe, _ = two
    other = studio.runs.create(
        RunConfig("train", "local", record.reference, str(record.folder), studio.backbone, "probe")
    )
    app = opened(PAGE, dataset=probe.dataset)
    assert line(app, other) is None
    app.segmented_control(key="runs_of").set_value("All").run()
    assert line(app, other) is not None and line(app, probe) is not None
    assert "data" in app.dataframe[0].proto.column_order  # tells them apart
    app.multiselect(key="runs_states").set_value(["queued"]).run()
    assert list(app.dataframe[0].value["run"]) == [other.id]


def test_other_kinds_of_runs_that_are_done_stand_beside_trainings(studio, two):
    probe, _ = two
    mail = studio.datasets.get(probe.dataset)
    looked = studio.finish(
        studio.runs.create(
            RunConfig("trace", "local", mail.reference, str(mail.folder), options={"run": probe.id})
        ),
        "light",
    )
    app = opened(PAGE)
    app.selectbox(key="runs_kind").select("").run()
    assert not app.exception
    row = line(app, looked)
    assert row["strategy"] == "search for similar training items"
    assert row["95 % interval"] == "" and row["scored on"] == ""
    assert "Report" not in labels(pick(app, looked))
    assert app.button(key="delete_picked")


def test_thousands_of_runs_are_a_page_of_lines(studio, two):
    probe, _ = two
    with studio.engine.begin() as connection:
        row = dict(connection.execute(select(table).where(table.c.id == probe.id)).first()._mapping)
        connection.execute(
            insert(table),
            [
                {**row, "id": f"{number:010x}", "created": row["created"] + number}
                for number in range(1, 3000)
            ],
        )
    app = opened(PAGE)
    assert not app.exception
    assert len(app.dataframe[0].value) == 50
    assert len(app.multiselect(key="picked_runs").options) == 1000
    assert len(app.button) < 20
