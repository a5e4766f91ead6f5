"""Finished trainings reach a team's own tracker; a tracker that fails or is missing costs a line in
the log.
"""

from __future__ import annotations

import json
import logging

import pytest
from tests_support.datasets import build, write_texts

from tl_core.config import RunConfig
from tl_core.errors import ConfigError
from tl_core.jobs import trackers
from tl_core.jobs.events import EventLog
from tl_core.json_files import write_json
from tl_core.recipes import run_recipe
from tl_core.settings import Settings
from tl_core.test_score import seal


@pytest.fixture
def run(tiny, tmp_path):
    """The folder of a finished training."""
    version, folder = (
        build(write_texts(tmp_path / "t.csv", 60), tmp_path / "v"),
        tmp_path / "3f9a0c12de",
    )
    folder.mkdir()
    config = RunConfig(
        "train",
        "ann",
        "notes@1",
        str(version.folder),
        f"local:{tiny('bert')}",
        "finetune",
        {"strategy": "full", "epochs": 2.0, "max_length": 16, "baseline": False},
    )
    config.write(folder)
    events = EventLog(folder)
    report = run_recipe(config, version, folder, tmp_path / "cache", events)
    events.close()
    write_json(folder / "report.json", report)
    return folder, report


@pytest.mark.filterwarnings(
    "ignore::sqlalchemy.exc.SADeprecationWarning"
)  # in MLflow's own database
def test_mlflow_has_settings_scores_curves_and_files(run, tmp_path, monkeypatch):
    from mlflow import MlflowClient

    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    monkeypatch.chdir(tmp_path)
    folder, report = run
    trackers.track(Settings(home=str(tmp_path), trackers="mlflow"), folder)
    client = MlflowClient()
    experiment = client.get_experiment_by_name("graft-studio/notes")
    (found,) = client.search_runs([experiment.experiment_id])
    assert found.info.run_name == folder.name and found.info.status == "FINISHED"
    assert found.data.params["recipe"] == "finetune" and found.data.params["epochs"] == "2.0"
    score = report["test"]["accuracy"]
    for name, key in (("", "value"), ("_low", "low"), ("_high", "high")):
        assert found.data.metrics[f"test/accuracy{name}"] == pytest.approx(score[key])
    losses = client.get_metric_history(found.info.run_id, "training/loss")
    assert [(point.step, point.value) for point in losses] == [
        (step, pytest.approx(value))
        for name, step, value in trackers.points_of(folder)
        if name == "training/loss"
    ]
    assert {file.path for file in client.list_artifacts(found.info.run_id)} == {
        "config.json",
        "report.json",
        "predictions.csv",
    }


def test_tensorboard_has_scores_and_curves(run, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder, report = run
    trackers.track(Settings(home=str(tmp_path), trackers="tensorboard"), folder)
    events = EventAccumulator(str(tmp_path / "tensorboard" / folder.name)).Reload()
    (score,) = {round(event.value, 6) for event in events.Scalars("test/accuracy")}
    assert score == pytest.approx(report["test"]["accuracy"]["value"], abs=1e-6)
    assert len(events.Scalars("validation/epoch")) == 2


def test_of_a_closed_test_score_nothing_is_told(run, tmp_path):
    folder, report = run
    write_json(folder / "report.json", seal(folder, report))
    closed = json.loads((folder / "report.json").read_text())
    names = trackers.scores_of(closed)
    assert names and not any(name.startswith("test/") for name in names)
    assert not any(name.startswith("test/") for name, _, _ in trackers.points_of(folder))


def test_a_tracker_that_fails_or_is_missing_spoils_nothing(run, tmp_path, monkeypatch, caplog):
    def missing(_settings, _folder):
        raise ModuleNotFoundError("mlflow")

    def broken(_settings, _folder):
        raise ConnectionError("nobody there")

    monkeypatch.setitem(trackers._TRACKERS, "mlflow", missing)
    monkeypatch.setitem(trackers._TRACKERS, "tensorboard", broken)
    with caplog.at_level(logging.WARNING):
        trackers.track(Settings(trackers="mlflow, tensorboard"), run[0])
    assert "pip install 'graft-studio[mlflow]'" in caplog.text and "nobody there" in caplog.text
    with pytest.raises(ConfigError, match="tensorbord"):
        trackers.wanted(Settings(trackers="tensorbord"))
    assert trackers.wanted(Settings()) == []
