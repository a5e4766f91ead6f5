"""Home with AppTest: projects with their scores and next steps, what goes on, and the samples."""

from __future__ import annotations

from tests_support.datasets import write_pictures, write_texts
from tests_support.pages import everything, opened

from tl_core.config import RunConfig
from tl_core.data.dataset_version import ImportOptions
from tl_core.services.datasets import add_dataset


def labels(app, kind="button"):
    return [one.label for one in app.get(kind)]


def links(app):
    return [link.proto.label for link in app.main.get("page_link")]


def queued(studio, record):
    return studio.runs.create(
        RunConfig("train", "local", record.reference, str(record.folder), studio.backbone, "probe")
    )


def test_without_a_project_the_samples_and_the_ways_in_come_first(home):
    app = opened()
    assert not app.exception and not app.error
    assert labels(app).count("Try it") == 3
    assert links(app).count("Add data") >= 2
    assert "Take the tour" in labels(app)
    assert not any(label.startswith("Continue") for label in labels(app))
    assert not any(box.label == "Try a sample" for box in app.expander)


def test_with_a_project_the_samples_fold_away_and_still_start(record):
    app = opened()
    assert [box.label for box in app.expander] == ["Try a sample"]
    app.button(key="try_messages").click().run()
    assert not app.exception
    assert "Waiting for its turn" in everything(app)


def test_a_new_project_shows_its_words_and_asks_for_a_first_model(record):
    app = opened()
    said = everything(app)
    assert "60 texts in 2 classes" in said and "good" in said and "No model yet" in said
    app.button(key=f"next_{record.id}").click().run()
    assert not app.exception and app.title[0].value == "Backbone"
    assert app.session_state["dataset"] == record.reference


def test_a_trained_project_shows_its_score_with_the_interval_and_is_used(record, studio):
    run = studio.do(record, baseline=False)
    app = opened()
    metric = next(one for one in app.metric if one.label.startswith("Last score"))
    assert metric.value.endswith("%") and "plausible" in metric.delta
    assert "Continue where you were" in everything(app)
    app.button(key=f"next_{record.id}").click().run()
    assert not app.exception and app.title[0].value == "Predict"
    assert run.id in app.query_params["run"]


def test_archived_runs_do_not_count(record, studio):
    run = studio.do(record, baseline=False)
    studio.runs.annotate(run.id, archived=True)
    app = opened()
    said = everything(app)
    assert "No model yet" in said and "Continue where you were" not in said
    assert "None yet" in said


def test_where_you_were_leads_to_what_runs_before_the_newest_report(record, studio):
    studio.do(record, baseline=False)
    assert opened().button(key="go_on").label == "Read the report"
    running = queued(studio, record)
    app = opened()
    said = everything(app)
    assert "Waiting for its turn: place 1" in said
    assert app.button(key="go_on").label == "Watch it"
    app.button(key="go_on").click().run()
    assert not app.exception and running.id in app.query_params["run"]


def test_photos_show_pictures(studio, tmp_path):
    source = write_pictures(tmp_path / "discs", each=12)
    add_dataset(studio.datasets, studio.settings, str(source), "discs", ImportOptions())
    app = opened()
    assert not app.exception
    assert "36 photos in 3 classes" in everything(app)
    assert len(app.get("image")) == 3


def test_many_projects_come_a_page_at_a_time_and_long_names_are_cut(studio, tmp_path):
    source = write_texts(tmp_path / "t.csv", 60)
    for number in range(14):
        name = f"a name that is far too long for any card of a page {number:02}"
        add_dataset(studio.datasets, studio.settings, str(source), name, ImportOptions())
    app = opened()
    assert not app.exception
    assert sum(label == "Train a first model" for label in labels(app)) == 12
    assert "a name that is far too long for an…" in everything(app).replace("\\", "")


def test_a_damaged_project_does_not_hide_the_others(record, studio, tmp_path):
    other = add_dataset(
        studio.datasets,
        studio.settings,
        str(write_texts(tmp_path / "u.csv", 60)),
        "other",
        ImportOptions(),
    )[0]
    (other.folder / "version.json").write_text("{")
    app = opened()
    assert not app.exception and not app.error
    said = everything(app)
    assert "missing or damaged" in said and "good" in said
