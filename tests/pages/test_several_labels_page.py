"""The page Label with AppTest, where an item may have several labels."""

from __future__ import annotations

import json

import pytest
from tests_support.pages import everything, opened, press

from tl_core.data.dataset_version import ImportOptions
from tl_core.data.versions.edits import Decision, decisions
from tl_core.data.versions.store import DatasetVersion
from tl_core.results import LABEL_QUEUE
from tl_core.services.datasets import add_dataset
from tl_core.services.labelling import order_of


def page(record):
    app = opened("pages/data/label.py", dataset=record.reference)
    assert not app.exception
    return app


def button(app, start):
    return next(one for one in app.button if one.label.startswith(start))


@pytest.fixture
def moods(studio, tmp_path):
    """Texts that may have several labels, forty of them without, and a first choice of these."""
    lines = ["text,label"]
    cells = ("joy; love", "joy", "love", "anger; joy")
    lines += [f"a text of {number},{cells[number % 4]}" for number in range(40)]
    source = tmp_path / "moods.csv"
    source.write_text("\n".join([*lines, *(f"unknown {n}," for n in range(40))]) + "\n")
    options = ImportOptions(task="multi_label")
    record = add_dataset(studio.datasets, studio.settings, str(source), "moods", options)[0]
    assert button(page(record), "Choose the first items")
    studio.do(record, "propose", recipe="")
    return record


def test_an_item_may_have_several_labels(moods):
    order = list(order_of(DatasetVersion(moods.folder)))
    app = page(moods)
    assert f"Row {order[0]:,}" in everything(app) and "Several at once" in everything(app)
    button(app, "Show what the model says").click().run()
    said = " ".join(str(one.value) for one in app.info)
    assert "The model says" in said and "[" not in said
    assert button(app, "Save these labels").disabled
    for name in ("love", "anger", "joy", "anger"):  # ticked, and one of them not after all
        press(app, name)
    assert button(app, "None of them").disabled
    press(app, "Save these labels")
    assert decisions(moods.folder) == {order[0]: Decision("relabel", '["joy", "love"]')}
    assert f"Row {order[1]:,}" in everything(app)


def test_alike_items_get_several_labels_at_once(moods):
    app = page(moods)
    next(one for one in app.multiselect if one.label == "Labels of the others").set_value(
        ["love", "anger"]
    ).run()
    assert not app.exception
    bulk = button(app, "Label these")
    assert bulk.label.endswith("as love; anger") or bulk.label.endswith("as anger; love")
    bulk.click().run()
    assert {one.label for one in decisions(moods.folder).values()} == {'["anger", "love"]'}
    button(app, "Undo").click().run()
    assert decisions(moods.folder) == {}


def test_items_with_several_labels_are_chosen_anew_as_they_are_labelled(studio, moods):
    app = page(moods)
    for _ in range(10):
        press(app, "None of them")
    assert {one.label for one in decisions(moods.folder).values()} == {"[]"}
    [waiting] = [run for run in studio.runs.list(kind="propose") if run.status == "queued"]
    studio.finish(waiting, "light")
    assert "10 of 40 texts have got a class" in everything(page(moods))
    press(page(moods), "Make the next version")
    studio.finish(next(run for run in studio.runs.list(kind="fix")), "light")
    newer = studio.datasets.get("moods")
    done = studio.do(newer, "propose", recipe="")
    choice = LABEL_QUEUE.load(done.folder)
    assert (choice["labels"], choice["population"]) == (10, 40)


def test_what_was_chosen_for_a_group_is_nothing_for_the_next_one_of_its_number(studio, moods):
    app = page(moods)

    def box():
        return next(one for one in app.multiselect if one.label == "Labels of the others")

    box().set_value(["love", "anger"]).run()
    assert box().value == ["love", "anger"]
    for _ in range(10):
        press(app, "None of them")
    [waiting] = [run for run in studio.runs.list(kind="propose") if run.status == "queued"]
    studio.finish(waiting, "light")
    app.run()
    found = LABEL_QUEUE.load(waiting.folder)["clusters"][0]
    sure = found["agreement"] >= 0.9
    assert box().value == (json.loads(found["suggestion"]) if sure else [])
