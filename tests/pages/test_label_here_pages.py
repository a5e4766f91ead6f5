"""The pages with data of which nothing has a class yet: brought, labelled, made a version."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest
from tests_support.datasets import write_pictures
from tests_support.no_class_yet import truth_of, write_bare_texts, write_loose_pictures
from tests_support.pages import everything, opened, press

from tl_core.data.dataset_version import ImportOptions
from tl_core.data.versions.edits import Decision, decisions
from tl_core.data.versions.store import DatasetVersion
from tl_core.jobs.worker import carry_out
from tl_core.registry.label_answers import AnswerStore
from tl_core.registry.queue import RunWriter
from tl_core.services.datasets import add_dataset
from tl_core.services.labelling import Labelling, order_of

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    str(path.relative_to(ROOT))
    for path in (ROOT / "pages").glob("*/*.py")
    if path.parent.name in ("data", "evaluate", "home", "train", "use")
)
LEAD = tuple(
    f"pages/{one}.py" for one in ("train/design", "data/growth", "data/labels", "data/domains")
)
SAID = "Nothing has a class yet: I will label it here"


@pytest.fixture
def bare(studio, tmp_path):
    """Sixty texts without a class, two classes named."""
    source = write_bare_texts(tmp_path / "mail.csv", 60)
    options = ImportOptions(label_here=True, classes="good, bad")
    return add_dataset(studio.datasets, studio.settings, str(source), "mail", options)[0]


def button(app, start):
    return next(one for one in app.button if one.label.startswith(start))


def test_every_page_opens_on_it_and_what_learns_leads_to_labelling(bare):
    for page in PAGES:
        app = opened(page, dataset=bare.reference)
        assert not app.exception and not app.error, page
        assert app.title
        if page in LEAD:
            assert "no row has a class" in everything(app), page
            assert any(one.proto.label == "Label items" for one in app.get("page_link")), page


def test_ranking_backbones_leads_to_labelling(bare):
    app = opened("pages/train/backbone.py", dataset=bare.reference, part="Rank on my data")
    assert "no row has a class" in everything(app)
    assert not app.exception and not app.error


def test_items_lead_to_labelling_and_to_no_backbone_before(bare):
    app = opened("pages/data/items.py", dataset=bare.reference)
    shown = [one.label for one in app.button]
    assert "Label items" in shown and "Choose a backbone" not in shown
    press(app, "Label items")
    assert not app.error


def test_without_a_class_the_first_one_is_named_and_keeps_its_key(studio, tmp_path):
    source, options = write_bare_texts(tmp_path / "mail.csv", 12), ImportOptions(label_here=True)
    record = add_dataset(studio.datasets, studio.settings, str(source), "mail", options)[0]
    studio.do(record, "propose", recipe="", batch=6)
    app = opened("pages/data/label.py", dataset=record.reference)
    assert "No class has a name yet" in everything(app)
    for name in ("wasp", "bee"):
        next(one for one in app.text_input if "new class" in one.label).set_value(name).run()
        press(app, "Label this item with it")
    assert "No class has a name yet" not in everything(app)
    press(app, "Make the next version")
    [run] = studio.runs.list(kind="fix")
    studio.finish(run, "light")
    made = studio.datasets.get("mail")
    assert DatasetVersion(made.folder).info.labels == ["bee", "wasp"]
    assert Labelling(AnswerStore(studio.datasets), made).classes == ["wasp", "bee"]


def test_without_a_class_several_are_named_for_one_item(studio, tmp_path):
    options = ImportOptions(label_here=True, task="multi_label")
    source = write_bare_texts(tmp_path / "mail.csv", 12)
    record = add_dataset(studio.datasets, studio.settings, str(source), "mail", options)[0]
    studio.do(record, "propose", recipe="", batch=6)
    order = list(order_of(DatasetVersion(record.folder)))
    app = opened("pages/data/label.py", dataset=record.reference)
    assert "No class has a name yet" in everything(app)
    assert button(app, "Save these labels").disabled and not button(app, "None of them").disabled

    def name(word):
        next(one for one in app.text_input if "new class" in one.label).set_value(word).run()
        press(app, "Add it to this item's labels")

    for word in ("urgent", "film"):
        name(word)
    assert ticked(app) == ["urgent", "film"]
    name("Film")  # refused, and what was ticked stays
    assert app.error and ticked(app) == ["urgent", "film"]
    press(app, "Save these labels")
    assert decisions(record.folder) == {order[0]: Decision("relabel", '["film", "urgent"]')}
    assert ticked(app) == [] and f"Row {order[1]:,}" in everything(app)
    other = add_dataset(studio.datasets, studio.settings, str(source), "other", options)[0]
    studio.do(other, "propose", recipe="", batch=6)
    app.query_params["dataset"] = other.reference  # what was named for one is nothing for another
    app.run()
    assert "No class has a name yet" in everything(app)
    app = opened("pages/data/label.py", dataset=record.reference)
    press(app, "film")
    press(app, "Save these labels")
    press(app, "None of them")
    assert [one.label for one in decisions(record.folder).values()][1:] == ['["film"]', "[]"]
    press(app, "Undo")
    press(app, "Make the next version")
    [run] = studio.runs.list(kind="fix")
    studio.finish(run, "light")
    info = DatasetVersion(studio.datasets.get("mail").folder).info
    assert (info.task, info.classes) == ("multi_label", {"film": 2, "urgent": 1})
    assert info.splits == {"train": 2, "unlabelled": 10}


def ticked(app):
    return [one.label for one in app.button if one.proto.icon == ":material/check_box:"]


def wait_for(app, label):
    end = time.monotonic() + 180
    while not any(one.label == label for one in app.button):
        assert time.monotonic() < end, everything(app)
        time.sleep(0.5)
        app.run()


def looked_into(path):
    """The page for new data, on its way into a file or folder of this server."""
    app = opened("pages/data/add.py")
    app.session_state["way"] = "server"
    app.run()
    app.text_input[0].set_value(str(path))
    button(app, "Look inside").click().run()
    return app


@pytest.mark.usefixtures("studio")
def test_a_folder_of_one_kind_is_asked_about_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setenv("TL_DATA_DIRS", str(tmp_path))
    app = looked_into(write_pictures(tmp_path / "things", 3, ("red",)))
    wait_for(app, "Save as dataset")
    assert "All of these are of one class, red" in everything(app)
    next(one for one in app.checkbox if one.label == SAID).check().run()
    wait_for(app, "Save as dataset")
    assert "of one class" not in everything(app) and "none with a class yet" in everything(app)


def import_here(studio):
    """Carry out the one run that waits, in this process; gives how it ended."""
    [run] = studio.runs.list()
    handler = signal.getsignal(signal.SIGTERM)
    RunWriter(studio.engine).claim_next("light")
    ended = carry_out(run.folder, studio.settings)
    signal.signal(signal.SIGTERM, handler)
    return ended


def test_photos_in_one_folder_are_offered_to_be_labelled(studio, tmp_path, monkeypatch):
    monkeypatch.setenv("TL_DATA_DIRS", str(tmp_path))
    write_loose_pictures(tmp_path / "photos", 4)
    app = looked_into(tmp_path / "photos")
    wait_for(app, SAID)
    assert "no class names" in app.error[0].value
    button(app, SAID).click().run()
    wait_for(app, "Save as dataset")
    assert "8 photos, none with a class yet" in everything(app)
    assert next(one for one in app.checkbox if one.label == SAID).value
    names = next(one for one in app.text_input if one.label.startswith("Names of the classes"))
    names.set_value("red, green").run()
    next(one for one in app.checkbox if "several classes" in one.label).check().run()
    end = time.monotonic() + 60
    while "All 8 rows wait for a class" not in everything(app):
        assert time.monotonic() < end, everything(app)
        time.sleep(0.5)
        app.run()
    button(app, "Save as dataset").click().run()
    assert import_here(studio) == 0
    info = DatasetVersion(studio.datasets.get("photos").folder).info
    assert info.task == "multi_label"
    assert (info.splits, info.offered) == ({"unlabelled": 8}, ["red", "green"])
    app.run()
    assert app.title[0].value.startswith("Labelling")


def test_a_refused_import_leads_back_to_its_settings(studio, tmp_path, monkeypatch):
    monkeypatch.setenv("TL_DATA_DIRS", str(tmp_path))
    write_bare_texts(tmp_path / "mail.csv", 20)
    app = looked_into(tmp_path / "mail.csv")
    wait_for(app, "Save as dataset")
    app.text_input(key="add_name_mail").set_value("letters")
    button(app, "Save as dataset").click().run()
    assert import_here(studio) != 0
    app.run()
    assert "not clear which column holds the class" in app.error[0].value
    press(app, "Back to the settings")
    assert app.text_input(key="add_name_mail").value == "letters"
    next(one for one in app.checkbox if one.label == SAID).check().run()
    wait_for(app, "Save as dataset")
    button(app, "Save as dataset").click().run()
    assert len(studio.runs.list()) == 2


def test_a_table_asks_for_no_column_of_classes(tmp_path, monkeypatch):
    monkeypatch.setenv("TL_DATA_DIRS", str(tmp_path))
    write_bare_texts(tmp_path / "mail.csv", 20)
    app = looked_into(tmp_path / "mail.csv")
    wait_for(app, "Save as dataset")
    next(one for one in app.checkbox if one.label == SAID).check().run()
    wait_for(app, "Save as dataset")
    assert "Column with the class" not in [one.label for one in app.selectbox]
    assert not app.error


def test_from_the_first_item_to_a_version_that_is_trained_on(studio, bare):
    app = opened("pages/data/label.py", dataset=bare.reference)
    assert "60 texts without a class" in everything(app)
    assert "at least 8 more are needed" in everything(app)
    studio.do(bare, "propose", recipe="", batch=30)
    app = opened("pages/data/label.py", dataset=bare.reference)
    said = everything(app)
    assert "wait until two classes have labels" in said and "drawn at random" in said
    assert [one.label for one in app.button if one.label in ("good", "bad")] == ["good", "bad"]
    assert "Show what the model says" not in [one.label for one in app.button]
    truth = truth_of(DatasetVersion(bare.folder))
    order = list(order_of(DatasetVersion(bare.folder)))
    button(app, truth[order[0]]).click().run()
    assert not app.exception and f"Row {order[1]:,}" in everything(app)
    labelling = Labelling(AnswerStore(studio.datasets), bare)
    labelling.give({row: truth[row] for row in order[1:]})
    app = opened("pages/data/label.py", dataset=bare.reference)
    assert "There are no test rows yet" not in everything(app)
    press(app, "Make the next version")
    [run] = studio.runs.list(kind="fix")
    studio.finish(run, "light")
    made = studio.datasets.get("mail")
    info = DatasetVersion(made.folder).info
    assert made.version == 2 and info.splits["test"] >= 6 and info.splits["unlabelled"] == 30
    for page in LEAD:
        app = opened(page, dataset=made.reference)
        assert "Label items" not in [one.proto.label for one in app.get("page_link")], page
        assert not app.exception and not app.error
    report = studio.do(made, "train")
    assert studio.runs.get(report.id).status == "done"
