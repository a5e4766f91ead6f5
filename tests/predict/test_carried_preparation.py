"""A trained model carries what was done to its rows; commands, pages and explanations repeat it."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from PIL import Image
from tests_support.pages import carried_out, everything, opened, runs
from tests_support.predictions import sampled, write

from tl_core.backbones.classifier import load_classifier
from tl_core.cli.main import main
from tl_core.config import RunConfig
from tl_core.data.dataset_version import ImportOptions
from tl_core.data.preparation import Preparation
from tl_core.data.versions.store import DatasetVersion
from tl_core.database.engine import open_database
from tl_core.errors import DataError
from tl_core.helper import server
from tl_core.jobs import dispatch
from tl_core.predict import carried
from tl_core.registry.datasets import DatasetStore
from tl_core.services.datasets import add_dataset
from tl_core.settings import read_settings


@pytest.fixture
def record(tmp_path, tiny, monkeypatch):
    """A dataset whose title was joined, with rows without a class, and a backbone for it."""
    (tmp_path / "models").mkdir()
    shutil.copytree(tiny("bert"), tmp_path / "models" / "mine")
    monkeypatch.setenv("TL_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setattr(dispatch, "ensure_dispatcher", lambda _settings: None)
    rows = [f"{'late order' if n % 2 else 'good film'},number {n},{'ab'[n % 2]}" for n in range(40)]
    source = write(
        tmp_path / "mail.csv", "subject,body,label", *rows, "late order,what is it,", "late,again,"
    )
    settings = read_settings()
    store = DatasetStore(open_database(settings), "local", settings.home_path)
    return add_dataset(
        store,
        settings,
        str(source),
        "mail",
        ImportOptions(text_column="body", title_column="subject", label_column="label"),
    )[0]


def train(record, recipe="probe", **settings):
    run = carried_out(
        RunConfig(
            "train",
            "local",
            record.reference,
            str(record.folder),
            "local:mine",
            recipe,
            settings or {"max_length": 24, "baseline": False, "repeats": 0},
        )
    )
    assert run.status == "done", run.reason
    return run


def test_a_training_leaves_it_with_the_model(record, call, tmp_path):
    run = train(record)
    assert Preparation.read(run.folder / "model").columns == ("subject", "body")
    summary, _ = call(run.id, tmp_path / "mail.csv", "--strict")
    assert sampled(summary)[0] == "good film\nnumber 0"
    texts = DatasetVersion(record.folder).texts(np.arange(3))
    expected = load_classifier(run.folder / "model").probabilities(texts)
    scores = [[float(line["p:a"]), float(line["p:b"])] for line in summary["lines"][:3]]
    np.testing.assert_allclose(scores, expected, atol=1e-5)
    (run.folder / "model" / "preparation.json").unlink()  # as trained before models carried it
    assert call(run.id, tmp_path / "mail.csv", "--strict")[0]["lines"] == summary["lines"]
    write(tmp_path / "other.csv", "text,body", "a,b")
    assert "'subject'" in call(run.id, tmp_path / "other.csv", code=2)[0]


def test_a_ladder_leaves_it_too(record):
    run = train(record, "ladder", rungs=["probe"], seeds=1)
    assert Preparation.read(run.folder / "model").columns == ("subject", "body")


def test_rows_without_a_class_are_not_joined_or_repaired_twice(record, call, tmp_path):
    run = train(record)
    summary, _ = call(run.id, "unlabelled:mail", "--strict")
    assert sampled(summary) == ["late order\nwhat is it", "late\nagain"]
    model, info = run.folder / "model", DatasetVersion(record.folder).info
    Preparation(("subject", "body"), repair=True).write(model)
    version = DatasetVersion(record.folder)
    assert carried.unlabelled(version, carried.preparation_of(model))[
        1
    ].repair  # the dataset has not done it
    version.info.preparation.update(Preparation(("subject", "body"), repair=True).as_dict())
    assert not carried.unlabelled(version, carried.preparation_of(model))[1].repair
    Preparation(("body",)).write(model)
    assert "'subject' and 'body', joined" in call(run.id, "unlabelled:mail", code=2)[0]
    assert carried.of_version(info).columns == ("subject", "body")


def test_the_page_has_a_field_for_each_column_and_shows_what_was_read(record, tmp_path):
    run = train(record)
    app = opened("pages/use/playground.py", run=run.id)
    assert not app.exception and [box.label for box in app.text_area] == ["subject", "body"]
    job = carried_out(
        RunConfig(
            "predict",
            "local",
            record.reference,
            options={"run": run.id, "prepared": True, "spreadsheet": True},
        )
    )
    assert job.status == "done" and job.headline.startswith("2 predicted")
    app = opened("pages/use/batch.py", run=run.id)
    app.session_state["predict_job"] = job.id
    app.run()
    assert not app.exception and "what is it" in everything(app)
    Preparation(("message",)).write(run.folder / "model")
    write(tmp_path / "in.csv", "id,review", "1,good film", "2,bad order")
    job = carried_out(
        RunConfig(
            "predict",
            "local",
            record.reference,
            options={"run": run.id, "source": str(tmp_path / "in.csv")},
        )
    )
    assert job.summary["plan"]["uncertain"]
    app = opened("pages/use/playground.py", run=run.id)
    assert [box.label for box in app.text_area] == ["A text"]
    app = opened("pages/use/batch.py", run=run.id)
    app.session_state["predict_job"] = job.id
    app.run()
    assert any("'review'" in one.value for one in app.warning)


def test_pages_and_explanations_prepare_what_they_ask(model, tmp_path, capsys):
    folder = model(columns=("title", "body"), repair=True)
    classifier = load_classifier(folder)
    wanted = classifier.probabilities(["schön\ngood film"])[0]
    server._loaded.clear()
    assert dict(server.predict_one(str(folder), "schÃ¶n\ngood film"))["a"] == pytest.approx(
        wanted[0], abs=1e-6
    )
    assert server.predict_texts(str(folder), ["schÃ¶n\ngood film"])["probabilities"][
        0
    ] == pytest.approx(wanted)
    assert server.explain(str(folder), "schÃ¶n good", ["a"])[0]["words"] == ["schön", "good"]
    assert main(["explain", str(folder), "good film", "--json"]) == 2
    assert "'title' and 'body'" in capsys.readouterr().out
    assert main(["explain", str(folder), "good film", "--title", "schÃ¶n", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["words"] == ["schön", "good", "film"]
    pictures = model("vit", scale=(0.0, 4095.0))
    Image.fromarray(np.full((20, 20), 200, np.uint16)).save(tmp_path / "dark.png")
    seen = load_classifier(pictures).probabilities([Image.new("RGB", (20, 20), (12, 12, 12))])[0]
    server._loaded.clear()
    scores = dict(server.predict_one(str(pictures), (tmp_path / "dark.png").read_bytes()))
    assert scores["a"] == pytest.approx(seen[0], abs=1e-6)


def test_a_damaged_note_of_the_training_is_refused(model):
    folder = model()
    (folder / "preparation.json").write_text("[]")
    with pytest.raises(DataError, match="damaged"):
        carried.preparation_of(folder)
    assert runs().list() == []
