"""Labels, Growth and map, and what a model could go by instead, with AppTest."""

from __future__ import annotations

import json

import pandas as pd
from tests_support.pages import everything, opened, press

from pages.sections.data import item_map, item_neighbours
from tl_core.config import RunConfig
from tl_core.data.versions.edits import Decision, decisions
from tl_core.data.versions.store import DatasetVersion
from tl_core.services.datasets import relabel_dataset
from tl_core.train.shortcuts import look_for_shortcuts

MENU = "open_glossary"  # a button of the bar, on every page


def test_a_suspect_is_changed_saved_and_carried_into_a_version(studio, mail):
    search = studio.do(mail, "suspect", pooling="mean")
    listed = json.loads((search.folder / "suspects.json").read_text())["rows"]
    app = opened("pages/data/labels.py", dataset=mail.reference)
    assert not app.exception
    assert f"0 of {len(listed)}" in everything(app)
    for element in (*app.markdown, *app.button):
        assert ":red[x]" not in str(getattr(element, "label", "") or element.value)
    next(button for button in app.button if button.label.startswith("Later")).click().run()
    assert decisions(mail.folder) == {}
    next(button for button in app.button if button.label.startswith("Change to")).click().run()
    assert not app.exception
    second = listed[1] if len(listed) > 1 else listed[0]
    assert decisions(mail.folder) == {second["row"]: Decision("relabel", second["suggested"])}
    assert "1 changed, 0 left out" in everything(app)
    made, _, _ = relabel_dataset(studio.datasets, mail.reference)
    studio.do(mail, pooling="mean")
    after = opened("pages/data/labels.py", dataset=made.reference)
    assert any(button.label == "Train again on this version" for button in after.button)
    assert (DatasetVersion(made.folder).splits == DatasetVersion(mail.folder).splits).all()


def test_labels_offers_the_search_first(mail):
    app = opened("pages/data/labels.py", dataset=mail.reference)
    assert [button.label for button in app.button if button.key != MENU] == [
        "Look for wrong labels"
    ]
    press(app, "Look for wrong labels")
    assert "Waiting" in everything(app) or "Predicting" in everything(app)


def test_explore_shows_curve_advice_and_map(studio, mail):
    app = opened("pages/data/growth.py", dataset=mail.reference)
    assert [button.label for button in app.button if button.key != MENU] == [
        "Compute learning curve and map"
    ]
    studio.do(mail, "explore", pooling="mean")
    app = opened("pages/data/growth.py", dataset=mail.reference)
    assert not app.exception
    assert "A map of the items" in everything(app)
    for colour in ("Answer", "Split"):
        app.segmented_control(key="colour").set_value(colour).run()
        assert not app.exception


def test_a_fine_tuning_is_followed_on_request(studio, mail):
    studio.do(mail, "explore", pooling="mean")
    app = opened("pages/data/growth.py", dataset=mail.reference)
    press(app, "Learning curve of a fine-tuning")
    curve = next(run for run in studio.runs.list(kind="curve"))
    assert RunConfig.read(curve.folder).options == {"strategy": "lpft"}
    studio.runs.cancel(curve.id)
    studio.do(
        mail,
        "train",
        "finetune",
        strategy="full",
        epochs=1.0,
        batch_size=8,
        max_length=16,
        baseline=False,
    )
    press(
        opened("pages/data/growth.py", dataset=mail.reference),
        "Learning curve of a fine-tuning",
    )
    again = next(run for run in studio.runs.list(kind="curve") if run.status == "queued")
    assert RunConfig.read(again.folder).options["strategy"] == "full"
    studio.finish(again, "train")
    app = opened("pages/data/growth.py", dataset=mail.reference)
    assert not app.exception
    assert "evaluated on the same" in everything(app)


def test_shortcuts_are_looked_for_once_and_kept(studio, mail):
    app = opened("pages/data/items.py", dataset=mail.reference)
    assert "Could a model cheat?" in everything(app)
    look_for_shortcuts(DatasetVersion(mail.folder))
    app = opened("pages/data/items.py", dataset=mail.reference)
    assert not app.exception
    assert "Look for shortcuts" not in [button.label for button in app.button]
    assert "alone the class is guessed right" in everything(app)


def test_a_picked_point_of_the_map_knows_its_row():
    table = pd.DataFrame(
        {"row": [7, 9], "class": ["a", "b"], "near_x": [0.0, 1.0], "near_y": [0.0, 1.0]}
    )
    figure = item_map._figure(table, table["class"], ("near_x", "near_y"))
    given = [list(trace.customdata) for trace in figure.data]
    assert given == [[7], [9]]  # a matrix would come back from the browser under other keys
    assert item_map._row_of(7) == item_map._row_of([7]) == item_map._row_of("7") == 7


def test_the_nearest_on_the_map_come_in_order_without_the_item_itself():
    layout = pd.DataFrame({"row": [4, 8, 15, 16], "near_x": [0, 5, 1, 2], "near_y": [0, 0, 0, 0]})
    assert item_neighbours.nearest(layout, 4) == [15, 16, 8]
    assert item_neighbours.nearest(layout, 5) == []
    assert item_neighbours.nearest(layout[:1], 4) == []
