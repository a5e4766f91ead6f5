"""Jobs as a command follows them: their end, Ctrl-C, estimates; and the line of progress."""

from __future__ import annotations

import json

import pytest
from tests_support.datasets import write_texts

from tl_core.cli import following
from tl_core.cli.main import main
from tl_core.cli.output import Output, ProgressLine
from tl_core.cli.stores import parse_settings
from tl_core.database.engine import open_database
from tl_core.errors import ConfigError
from tl_core.registry.queue import RunWriter
from tl_core.settings import read_settings

TRAIN = ("train", "--dataset", "notes", "--recipe", "baseline")
FINETUNE = (*TRAIN[:-1], "finetune", "--backbone", "starter:text")


@pytest.fixture
def carried_out(monkeypatch, tmp_path):
    """Says how the next run ends, instead of training."""
    assert main(["data", "add", str(write_texts(tmp_path / "t.csv", 40)), "--name", "notes"]) == 0

    def run(status, **values):
        def at_once(settings):
            writer = RunWriter(open_database(settings))
            run_id, _ = writer.claim_next("train") or writer.claim_next("light")
            writer.finish(run_id, status, **values)

        monkeypatch.setattr("tl_core.jobs.dispatch.ensure_dispatcher", at_once)

    return run


def printed(capsys, *arguments):
    capsys.readouterr()
    code = main([*arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_a_run_is_printed_when_it_is_done(carried_out, capsys):
    carried_out("done", headline="All right.")
    code, run = printed(capsys, *TRAIN)
    assert (code, run["status"], run["headline"]) == (0, "done", "All right.")
    assert main(list(TRAIN)) == 0
    assert capsys.readouterr().out.endswith("is done. All right.\n")


def test_a_run_that_failed_is_printed_with_its_reason_and_ends_with_1(carried_out, capsys):
    reason = {"what": "It broke.", "why": "", "try_this": "Mend it."}
    carried_out("failed", reason=reason)
    code, run = printed(capsys, *TRAIN)
    assert (code, run["status"], run["reason"]) == (1, "failed", reason)
    assert main(list(TRAIN)) == 1
    assert "is failed. It broke. Mend it." in capsys.readouterr().out


def test_an_estimate_is_printed_with_the_run(carried_out, capsys):
    carried_out("done", summary={"minutes": 3.0})
    code, run = printed(capsys, *FINETUNE, "--estimate")
    assert (code, run["kind"], run["estimate"]) == (0, "preflight", {"minutes": 3.0})


def test_interrupting_detaches(carried_out, capsys, monkeypatch):
    def interrupt(*_given):
        raise KeyboardInterrupt

    monkeypatch.setattr("tl_core.jobs.dispatch.ensure_dispatcher", lambda _settings: None)
    monkeypatch.setattr(following, "follow", interrupt)
    capsys.readouterr()
    assert main([*TRAIN, "--json"]) == 0
    output = capsys.readouterr()
    run = json.loads(output.out)
    assert run["status"] == "queued"
    assert f"runs cancel {run['run_id']}" in output.err


def test_a_light_job_that_failed_is_printed_and_ends_with_1(carried_out, capsys):
    carried_out("failed", reason={"what": "No.", "why": "", "try_this": ""})
    code, run = printed(capsys, "labels", "suggest", "notes", "--backbone", "starter:text")
    assert (code, run["kind"], run["status"]) == (1, "suspect", "failed")
    code, run = printed(capsys, "backbones", "rank", "starter:text", "--dataset", "notes")
    assert (code, run["kind"], run["status"]) == (1, "rank", "failed")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--budget", "20m"], "Only recipe auto has a budget"),
        (["--set", "epochs"], "has no value"),
        (["--config", "nowhere.json"], "no file"),
    ],
)
def test_trainings_that_cannot_be_meant_are_refused(carried_out, capsys, arguments, words):
    code, error = printed(capsys, *TRAIN, *arguments)
    assert code == 2
    assert words in " ".join(error["error"].values())


@pytest.mark.parametrize(
    ("budget", "minutes"), [("90s", 1.5), ("20m", 20.0), ("1.5 H", 90.0), ("7", 7.0)]
)
def test_a_budget_is_a_length_of_time(carried_out, capsys, budget, minutes):
    carried_out("done")
    auto = ("train", "--dataset", "notes", "--recipe", "auto", "--detach")
    code, run = printed(capsys, *auto, "--budget", budget)
    assert code == 0
    folder = read_settings().home_path / "runs" / run["run_id"]
    config = json.loads((folder / "config.json").read_text())
    assert config["options"]["budget_minutes"] == minutes
    code, error = printed(capsys, *auto, "--budget", "soon")
    assert code == 2 and "no length of time" in error["error"]["why"]


def test_settings_are_json_else_strings_and_the_last_counts():
    texts = ["a=1", "b=full", "c=[1, 2]", "d=x=y", "e=true", "f=", "a=-0.5"]
    assert parse_settings(texts) == {
        "a": -0.5,
        "b": "full",
        "c": [1, 2],
        "d": "x=y",
        "e": True,
        "f": "",
    }
    with pytest.raises(ConfigError, match="'epochs' has no value"):
        parse_settings(["epochs"])


def test_the_epochs_of_a_longer_training_are_a_number(carried_out, capsys):
    carried_out("done")
    run = printed(capsys, *TRAIN)[1]
    code, error = printed(capsys, "train", "--continue", run["run_id"], "--set", "epochs=many")
    assert code == 2 and "must be a number" in error["error"]["why"]


def test_progress_is_one_line_with_its_rate(capsys):
    seconds = iter([0.0, 1.0, 1.1, 3.0])
    line = ProgressLine(Output(as_json=True), lambda: next(seconds))
    line.stage("Predict")
    line.batch(100, 1000)
    line.batch(200, 1000)  # too soon to be written
    line.batch(1000, 1000)
    line.end()
    shown = [part.rstrip() for part in capsys.readouterr().err.split("\r")]
    assert shown == [
        "",
        "Predict…",
        "Predict: 100 of 1,000",
        "Predict: 1,000 of 1,000, 300 a second",
    ]
