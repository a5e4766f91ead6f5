"""export, verify and reproduce by the command line."""

from __future__ import annotations

import json
import shlex

import pytest
from tests_support.datasets import write_texts

from tl_core.cli.main import main
from tl_core.database.engine import open_database
from tl_core.jobs.worker import carry_out
from tl_core.registry.queue import RunWriter
from tl_core.settings import read_settings


@pytest.fixture
def run(tmp_path, tiny, monkeypatch, capsys):
    """Train by the command line, in this process; gives the words that were used and the run's
    facts.
    """

    def at_once(settings):
        RunWriter(open_database(settings)).claim_next("train")
        for folder in (settings.home_path / "runs").iterdir():
            if not (folder / "manifest.json").exists():
                carry_out(folder, settings)

    monkeypatch.setattr("tl_core.jobs.dispatch.ensure_dispatcher", at_once)
    assert main(["data", "add", str(write_texts(tmp_path / "t.csv", 60)), "--name", "mine"]) == 0
    backbone = f"local:{tiny('bert')}"

    def go(*words):
        capsys.readouterr()
        assert (
            main(
                [
                    *(
                        words
                        or [
                            "train",
                            "--dataset",
                            "mine",
                            "--recipe",
                            "probe",
                            "--backbone",
                            backbone,
                            "--set",
                            "max_length=24",
                            "--set",
                            "baseline=false",
                        ]
                    ),
                    "--json",
                ]
            )
            == 0
        )
        return json.loads(capsys.readouterr().out)

    return go


def test_a_bundle_by_command_line_is_verified_and_damage_ends_with_1(tmp_path, run, capsys):
    done = run()
    assert main(["export", done["run_id"], "-o", str(tmp_path / "b"), "--zip", "--json"]) == 0
    bundle = json.loads(capsys.readouterr().out)
    assert bundle["ok"] and (tmp_path / "b.zip").exists() and "predict.py" in bundle["files"]
    assert main(["verify", str(tmp_path / "b")]) == 0
    (tmp_path / "b" / "predict.py").write_text("")
    assert main(["verify", str(tmp_path / "b")]) == 1
    assert "WRONG file predict.py" in capsys.readouterr().out
    assert main(["export", done["run_id"], "-o", str(tmp_path / "b")]) == 2
    assert main(["verify", str(tmp_path)]) == 2


def test_the_command_that_repeats_a_run_gives_the_same_predictions(run, capsys):
    first = run()
    assert main(["reproduce", first["run_id"], "--json"]) == 0
    repeated = json.loads(capsys.readouterr().out)
    words = shlex.split(repeated["command"])
    assert words[:3] == ["python", "-m", "tl_core"]
    again = run(*words[3:])
    assert again["run_id"] != first["run_id"]
    runs = read_settings().home_path / "runs"
    both = [(runs / one["run_id"] / "predictions.csv").read_bytes() for one in (first, again)]
    assert both[0] == both[1]


def test_the_script_that_repeats_a_run_does_the_same(run, tmp_path, capsys, monkeypatch):
    first = run()
    assert main(["reproduce", first["run_id"], "--script", str(tmp_path / "again.py")]) == 0
    capsys.readouterr()
    exec(compile((tmp_path / "again.py").read_text(), "again.py", "exec"), {"__name__": "again"})
    said = capsys.readouterr().out.split()
    assert said[1] == "done"
    both = [
        (read_settings().home_path / "runs" / name / "predictions.csv").read_bytes()
        for name in (said[0], first["run_id"])
    ]
    assert both[0] == both[1]
