"""The Versions page: a timeline with what each version changed, trainings, restoring, deleting."""

from __future__ import annotations

import pytest
from tests_support.pages import everything, opened, press

from tl_core.config import RunConfig
from tl_core.data.versions.edits import decide
from tl_core.data.versions.store import DatasetVersion
from tl_core.services.datasets import relabel_dataset, restore_dataset


def page_of(record, **parameters):
    app = opened("pages/data/versions.py", dataset=record.reference, **parameters)
    assert not app.exception
    return app


@pytest.fixture
def three(studio, mail):
    """A review, and the first state restored."""
    version = DatasetVersion(mail.folder)
    names = version.info.labels
    for row in (4, 6):
        decide(version, row, "relabel", names[1 - version.labels[row]])
    decide(version, 8, "drop")
    relabel_dataset(studio.datasets, mail.reference)
    return restore_dataset(studio.datasets, "mail@1")[0]


def test_a_timeline_tells_what_each_version_changed(three):
    said = everything(page_of(three))
    assert "Changed the class of 2 and left out 1 after a review" in said.replace("\\", "")
    assert "Left out 1" in said and "New class 2" in said and "Added 1" in said
    assert "Restored mail@1" in said.replace("\\", "")
    labels = [box.label for box in page_of(three).expander]
    assert [label.split("**")[1] for label in labels if "**Version" in label] == [
        "Version 3",
        "Version 2",
        "Version 1",
    ]
    assert "newest" in labels[0] and "in hand" in labels[0]


def test_which_items_differ_is_read_when_it_is_asked_for(three):
    app = page_of(three)
    assert not app.dataframe
    box = next(one for one in app.expander if one.label == "Which items differ from version 1")
    app.session_state[box.key] = True
    app.run()
    tables = [one.value for one in app.dataframe]
    assert sorted(len(table) for table in tables) == [1, 2]
    assert any(" → " in what for table in tables for what in table["what"])


def test_any_two_versions_are_compared(three):
    app = page_of(three)
    app.session_state["compare_versions"] = True
    app.run()
    app.selectbox[-2].set_value(1).run()
    assert "both hold the same items" in everything(app)
    app.selectbox[-1].set_value(2).run()
    assert {one.label: one.value for one in app.metric} == {
        "Added": "0",
        "Left out": "1",
        "New class": "2",
        "Other split": "0",
    }


def test_trainings_of_a_version_stand_beside_it_with_the_best_score(studio, three):
    first = studio.datasets.get("mail@1")
    studio.do(first, pooling="mean", sealed=True)
    best = studio.do(first, pooling="mean")
    app = page_of(three)
    links = [one for one in app.get("page_link") if "best:" in one.proto.label]
    assert len(links) == 1 and "2 trainings" in links[0].proto.label
    assert "on test items" in links[0].proto.label
    assert best.id in links[0].proto.query_string
    assert everything(app).count("Nothing has been trained on it") == 2


def test_an_older_version_is_restored_and_the_newest_is_not_offered(studio, three):
    app = page_of(three)
    restores = [one for one in app.button if one.label == "Restore"]
    assert len(restores) == 2
    restores[-1].click().run()
    [run] = [run for run in studio.runs.list() if run.kind == "fix"]
    assert run.dataset == "mail@1" and RunConfig.read(run.folder).options == {"restore": True}


def test_deleting_asks_once_and_names_what_goes_along(studio, three):
    app = page_of(three)
    [*_, last] = [one for one in app.button if one.label == "Delete"]
    last.click().run()
    assert "mail@1** goes into the trash" in everything(app).replace("\\", "")
    assert "Delete it" in [one.label for one in app.button]
    assert studio.datasets.get("mail@1").rows == 240  # nothing is gone before it is confirmed


def test_files_are_offered_and_written(studio, three):
    app = page_of(three)
    press(app, "Write the files")
    [run] = [run for run in studio.runs.list() if run.kind == "takeout"]
    studio.finish(run, "light")
    app.run()
    assert not app.exception and "mail-3" in everything(app).replace("\\", "")
