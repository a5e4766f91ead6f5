"""The place Use with AppTest: the model's card, several items at once, whole files, and code for
servers.
"""

from __future__ import annotations

import json

import pandas as pd
import pytest
from tests_support.datasets import write_pictures, write_texts
from tests_support.pages import carried_out, everything, opened, stand_in

from pages.shell import services
from tl_core.config import RunConfig
from tl_core.data.dataset_version import ImportOptions
from tl_core.data.preparation import Preparation
from tl_core.errors import DataError
from tl_core.predict.threshold import save_threshold
from tl_core.services.datasets import add_dataset

LABELS = ["bad", "*good* :red[x]"]
PAGES = [f"pages/use/{name}.py" for name in ("playground", "batch", "bundle", "server")]


class Helper:
    """A helper process that answers at once: texts with "good" are good, files named so, too."""

    def __init__(self):
        self.sent = []

    def call(self, name, by="", /, **arguments):
        self.sent.append((name, arguments))
        return len(self.sent)

    def poll(self, ticket, by=""):
        name, arguments = self.sent[ticket - 1]
        if name == "predict_texts":
            lines = [[0.2, 0.8] if "good" in text else [0.9, 0.1] for text in arguments["texts"]]
            return True, {"labels": LABELS, "probabilities": lines}
        if arguments.get("value") == b"broken":
            raise DataError("This is no picture.", "It has 6 bytes.")
        return True, [("bad", 0.9), (LABELS[1], 0.1)]

    def asked(self):
        return [one for one in self.sent if one[0].startswith("predict")]


@pytest.fixture
def helper(monkeypatch):
    return stand_in(monkeypatch, Helper())


@pytest.fixture
def mail_run(studio, mail):
    return studio.do(mail, baseline=False)


@pytest.fixture
def photo_run(studio, tmp_path, mail_run):
    """A run about photos: that of the texts with another dataset; the double answers for it."""
    source = write_pictures(tmp_path / "discs", each=12)
    record = add_dataset(studio.datasets, studio.settings, str(source), "discs", ImportOptions())[0]
    run = studio.do(record, recipe="baseline")
    (run.folder / "model").mkdir()
    (run.folder / "model/config.json").write_text("{}")
    return run, sorted(source.rglob("*.png"))


def choose(app, label, value):
    next(box for box in app.segmented_control if box.label == label).set_value(value).run()
    assert not app.exception


def press(app, label):
    next(one for one in app.button if one.label == label).click().run()
    assert not app.exception


def pasted(app, text):
    choose(app, "How many", "A list")
    app.text_area[0].set_value(text)
    press(app, "Predict")


@pytest.mark.parametrize("page", PAGES)
def test_every_tab_has_the_card_of_the_model(page, mail, mail_run):
    save_threshold(mail_run.folder / "model", 0.7)
    app = opened(page, run=mail_run.id)
    assert not app.exception and not app.error
    said = everything(app)
    assert "mail" in said and "2 classes" in said and "Below 70% sure" in said
    metric = app.metric[0]
    assert metric.label == "Accuracy" and "is plausible" in metric.delta
    assert ":red[x]" not in said


def test_another_model_of_another_project_is_taken_from_the_card(studio, mail_run, record):
    mine = studio.do(record, baseline=False)
    app = opened("pages/use/batch.py", run=mail_run.id)
    box = next(box for box in app.selectbox if box.label == "Model")
    assert box.value == mail_run.id
    box.select(mine.id).run()
    assert not app.exception
    assert app.session_state["dataset"] == record.reference
    assert next(box for box in app.selectbox if box.label == "Model").value == mine.id


def test_archived_models_are_offered_only_where_somebody_asks_for_one(studio, mail, mail_run):
    kept = studio.do(mail, baseline=False, seed=3)
    studio.runs.annotate(mail_run.id, archived=True)
    app = opened("pages/use/playground.py", run=kept.id)
    assert len(next(box for box in app.selectbox if box.label == "Model").options) == 1
    app = opened("pages/use/playground.py", run=mail_run.id)
    assert next(box for box in app.selectbox if box.label == "Model").value == mail_run.id


def test_many_classes_stay_in_a_list_of_their_own(mail, mail_run):
    file = mail.folder / "version.json"
    facts = json.loads(file.read_text())
    facts["classes"] = {f"class number {number}": 1 for number in range(500)}
    file.write_text(json.dumps(facts))
    services._info.clear()
    app = opened("pages/use/playground.py", run=mail_run.id)
    assert not app.exception
    said = everything(app)
    assert "500 classes" in said and "class number 9" in said and "class number 10" not in said


def test_a_list_of_texts_is_one_question_and_a_table(helper, mail_run):
    app = opened("pages/use/playground.py", run=mail_run.id)
    pasted(app, "good film\n\n  \nlate order\nالطلب متأخر")
    assert [len(arguments["texts"]) for _, arguments in helper.asked()] == [3]
    table = app.dataframe[0].value
    assert list(table["text"]) == ["good film", "late order", "الطلب متأخر"]
    assert list(table["class"]) == [LABELS[1], "bad", "bad"]
    assert list(table["sure"]) == pytest.approx([80, 90, 90])
    assert "3 items" in everything(app) and ":red[x]" not in everything(app)
    app.run()
    assert len(helper.asked()) == 1
    next(box for box in app.selectbox if box.label == "Look closer at").select(1).run()
    assert not app.exception and any(one.label == "Why?" for one in app.button)


def test_answers_below_the_threshold_are_for_a_person(helper, mail_run):
    save_threshold(mail_run.folder / "model", 0.85)
    app = opened("pages/use/playground.py", run=mail_run.id)
    pasted(app, "good film\nlate order")
    assert list(app.dataframe[0].value["for a person"]) == [True, False]
    assert "1 for a person to decide" in everything(app)


def test_a_list_is_cut_and_one_text_takes_its_place(helper, mail_run):
    app = opened("pages/use/playground.py", run=mail_run.id)
    pasted(app, "\n".join(f"text {number}" for number in range(230)))
    assert len(app.dataframe[0].value) == 200 and "first 200" in everything(app)
    choose(app, "How many", "One text")
    next(box for box in app.text_area if box.label == "A text").set_value("good film")
    press(app, "Predict")
    assert not app.dataframe and "90 % sure" in everything(app)


def test_a_model_of_several_columns_takes_rows(helper, mail_run):
    Preparation(("subject", "body")).write(mail_run.folder / "model")
    app = opened("pages/use/playground.py", run=mail_run.id)
    assert "joined into one text" in everything(app)
    choose(app, "How many", "A list")
    press(app, "Predict")
    assert not app.text_area and "Write something first" in app.warning[0].value


def test_several_photos_are_answered_each_and_a_broken_one_says_why(helper, photo_run):
    run, files = photo_run
    app = opened("pages/use/playground.py", run=run.id)
    pictures = [(path.name, path.read_bytes(), "image/png") for path in files[:2]]
    app.file_uploader[0].set_value([*pictures, ("cut.png", b"broken", "image/png")]).run()
    assert not app.exception
    said = everything(app)
    assert "3 items" in said and "1 could not be read" in said and "This is no picture" in said
    assert len(helper.asked()) == 3
    app.run()
    assert len(helper.asked()) == 3
    app.file_uploader[0].set_value(pictures[0]).run()
    assert not app.exception and "90 % sure" in everything(app)
    assert "3 items" not in everything(app)


def test_more_photos_than_at_once_are_said(helper, photo_run):
    run, files = photo_run
    app = opened("pages/use/playground.py", run=run.id)
    app.file_uploader[0].set_value(
        [(path.name, path.read_bytes(), "image/png") for path in files[:14]]
    ).run()
    assert len(helper.asked()) == 12 and "The first 12" in everything(app)


def test_what_another_model_said_is_forgotten(helper, studio, mail, mail_run):
    other = studio.do(mail, baseline=False, seed=3)
    app = opened("pages/use/playground.py", run=mail_run.id)
    pasted(app, "good film\nlate order")
    next(box for box in app.selectbox if box.label == "Model").select(other.id).run()
    assert not app.exception and not app.dataframe


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_file_shows_its_first_rows_and_is_found_again(form, mail_run, tmp_path):
    source = write_texts(tmp_path / "later.csv", 120)
    job = carried_out(
        RunConfig(
            "predict",
            "local",
            mail_run.dataset,
            options={"run": mail_run.id, "source": str(source), "format": form},
        )
    )
    assert job.status == "done", job.reason
    app = opened("pages/use/batch.py", run=mail_run.id)
    assert "later.csv" in everything(app).replace("\\", "")
    app.button(key=f"earlier_{job.id}").click().run()
    assert not app.exception and "120 predicted" in everything(app)
    table = app.dataframe[0].value
    assert (
        len(table) == 50
        and "confidence" in table
        and not any(str(name).startswith("p:") for name in table)
    )
    press(app, "Another file")
    assert any(box.label == "The file" for box in app.file_uploader)


def test_an_empty_file_of_answers_is_shown(tmp_path):
    from pages.sections.use.earlier_files import first_rows

    path = tmp_path / "predictions.parquet"
    pd.DataFrame({"row": [], "label": []}).to_parquet(path)
    assert list(first_rows(str(path), 1).columns) == ["row", "label"]


def test_code_for_a_server_has_the_classes_and_the_bundle(mail, mail_run):
    app = opened("pages/use/server.py", run=mail_run.id)
    assert not app.exception
    code = " ".join(block.value for block in app.code)
    assert "my-bundle" in code and "TL_SERVE_TOKEN" in code and "*good* :red[x]" in code
    app.toggle(key="serve_closed").set_value(False).run()
    app.number_input(key="serve_port").set_value(9000).run()
    code = " ".join(block.value for block in app.code)
    assert "Authorization" not in code and "localhost:9000/predict" in code
    job = carried_out(
        RunConfig(
            "export",
            "local",
            mail.reference,
            str(mail.folder),
            options={"run": mail_run.id, "name": "notes", "wishes": {}},
        )
    )
    assert job.status == "done", job.reason
    app = opened("pages/use/server.py", run=mail_run.id)
    assert "serve notes" in " ".join(block.value for block in app.code)
