"""Predict, Export and saved settings with AppTest: what was ended goes on, what is asked for is
queued.
"""

from __future__ import annotations

import json

import pytest
from tests_support.datasets import write_texts
from tests_support.pages import carried_out, everything, opened, runs

from tl_core.config import RunConfig
from tl_core.database.engine import open_database
from tl_core.export.reproduce import saved_settings
from tl_core.jobs.worker import carry_out
from tl_core.registry.datasets import DatasetStore
from tl_core.registry.queue import RunWriter
from tl_core.settings import read_settings


@pytest.fixture
def trained(record):
    """A finished probe of texts."""
    return carried_out(
        RunConfig(
            "train",
            "local",
            record.reference,
            str(record.folder),
            "local:mine",
            "probe",
            {"max_length": 24, "seed": 5, "baseline": False},
        )
    )


def press(app, label):
    return next(button for button in app.button if button.label == label).click().run()


def test_saved_settings_start_the_same_training_again(trained):
    app = opened("pages/train/design.py", dataset=trained.dataset)
    content = saved_settings(RunConfig.read(trained.folder)).encode()
    next(box for box in app.file_uploader if box.label == "Settings (JSON)").set_value(
        ("settings.json", content, "application/json")
    ).run()
    assert not app.exception and "probe" in everything(app)
    press(app, "Start with these")
    again = runs().list()[0]
    assert again.id != trained.id
    assert RunConfig.read(again.folder) == RunConfig.read(trained.folder)


def test_a_file_that_holds_no_settings_is_said(trained):
    app = opened("pages/train/design.py", dataset=trained.dataset)
    next(box for box in app.file_uploader if box.label == "Settings (JSON)").set_value(
        ("settings.json", b"{]", "application/json")
    ).run()
    assert not app.exception and "no saved settings" in everything(app)
    assert not any(button.label == "Start with these" for button in app.button)


def test_a_prediction_that_ended_goes_on_from_the_page(trained, tmp_path):
    config = RunConfig(
        "predict",
        "local",
        trained.dataset,
        options={"run": trained.id, "source": str(tmp_path / "later.csv"), "format": "parquet"},
    )
    job = carried_out(config)
    assert job.status == "failed"  # the file is not there yet
    app = opened("pages/use/batch.py", run=trained.id)
    app.session_state["predict_job"] = job.id
    app.run()
    assert "There is no file or folder" in app.error[0].value
    later = write_texts(tmp_path / "later.csv", 30)
    later.write_text(later.read_text() + ",good\n")
    press(app, "Resume")
    assert runs().get(job.id).status == "queued"
    assert any(button.label == "Stop" for button in app.button)
    RunWriter(open_database(read_settings())).claim_next("light")
    carry_out(job.folder, read_settings())
    app.run()
    assert "30 predicted, 1 could not be read" in everything(app)
    [link] = app.get("link_button")
    assert link.proto.label.startswith("Download the Parquet file")


def exported(trained):
    record = DatasetStore(open_database(read_settings()), "local", read_settings().home_path).get(
        trained.dataset
    )
    job = carried_out(
        RunConfig(
            "export",
            "local",
            trained.dataset,
            str(record.folder),
            options={"run": trained.id, "name": "notes", "wishes": {}},
        )
    )
    assert job.status == "done", job.reason
    return job


def test_the_hub_needs_a_token_and_a_name(trained, monkeypatch):
    job = exported(trained)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    app = opened("pages/use/bundle.py", run=trained.id)
    assert "TL_HUB_TOKEN" in everything(app)
    monkeypatch.setenv("TL_HUB_TOKEN", "hf_writes")
    app = opened("pages/use/bundle.py", run=trained.id)
    name = next(box for box in app.text_input if box.label == "Owner/name")
    name.set_value("notes")
    press(app, "Upload")
    assert "owner/name" in everything(app) and not runs().list(kind="push")
    next(box for box in app.text_input if box.label == "Owner/name").set_value("me/notes")
    press(app, "Upload")
    (push,) = runs().list(kind="push")
    assert RunConfig.read(push.folder).options == {
        "run": job.id,
        "folder": "notes",
        "repository": "me/notes",
        "public": False,
    }
    assert "hf_writes" not in json.dumps(push.as_dict()) + (push.folder / "config.json").read_text()
    RunWriter(open_database(read_settings())).claim_next("light")
    carry_out(push.folder, read_settings())
    app.run()
    assert "cannot be reached" in app.error[0].value  # there is no Hub here, and it is said
    press(app, "Another name")
    assert any(button.label == "Upload" for button in app.button)
