"""The command line as scripts see it: exit codes, one JSON document, speed of the light
commands.
"""

from __future__ import annotations

import csv
import json
import math
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests_support.datasets import write_pictures, write_texts
from tests_support.processes import kill_all

from tl_core.cli.main import command_line, main
from tl_core.database.engine import open_database
from tl_core.json_files import finite
from tl_core.registry.run import ACTIVE
from tl_core.registry.runs import RunStore
from tl_core.settings import read_settings

ROOT = Path(__file__).parents[2]


@pytest.fixture
def call(capsys):
    def run(*arguments, code=0):
        assert main([*map(str, arguments), "--json"]) == code
        return json.loads(capsys.readouterr().out)

    return run


def test_data_commands(call, tmp_path):
    source = write_texts(tmp_path / "t.csv", 60)
    added = call("data", "add", source, "--name", "mail")
    assert set(added) >= {
        "dataset",
        "version",
        "fingerprint",
        "modality",
        "task",
        "rows",
        "classes",
        "splits",
        "skipped",
        "findings",
    }
    assert (added["dataset"], added["version"], added["rows"]) == ("mail", 1, 60)
    assert call("data", "add", source, "--name", "mail")["version"] == 1
    assert call("data", "add", source, "--name", "mail", "--seed", 3)["version"] == 2
    assert call("data", "show", "mail@1")["fingerprint"] == added["fingerprint"]
    assert [entry["version"] for entry in call("data", "list")] == [2, 1]
    assert call("data", "check", "mail")["findings"] == added["findings"]
    assert call("data", "delete", "mail@1") == {"deleted": "mail@1", "versions": 1, "runs": 0}
    assert call("data", "show", "mail@1", code=2)["error"]["code"] == "not_found"


def test_a_second_source_becomes_the_test(call, tmp_path):
    first, second = write_texts(tmp_path / "a.csv", 40), tmp_path / "b.csv"
    second.write_text("text,label\nfresh one,good\nfresh two,bad\n")
    assert call("data", "add", first, "--name", "m", "--test", second)["splits"]["test"] == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["trian"], "train"),
        (["data", "ad"], "add"),
        (["data", "add", "/nowhere", "--name", "x"], "no file or folder"),
        (["train", "--dataset", "x", "--recipe", "porbe"], "probe"),
        (["runs", "show", "nix"], "no run"),
        (["report", "nix"], "no run"),
        (["recipes", "show", "x"], "no recipe"),
        (["exprot", "x"], "no command"),
        (["data", "add", "hub:a/b", "--name", "x"], "cannot be reached"),
        (["backbones", "show", "x"], "names no backbone"),
        (["data", "add", "x", "--name", "n", "--seed", "-1"], "between"),
        ([], "required"),
    ],
)
def test_wrong_use_exits_2_with_an_error_object(call, arguments, words):
    error = call(*arguments, code=2)["error"]
    assert set(error) == {"code", "what", "why", "try_this"}
    assert words in " ".join(error.values())


def test_unknown_settings_offer_the_nearest(call, tmp_path):
    call("data", "add", write_texts(tmp_path / "t.csv"), "--name", "m")
    error = call(
        "train",
        "--dataset",
        "m",
        "--recipe",
        "probe",
        "--backbone",
        "starter:text",
        "--set",
        "max_lenght=3",
        code=2,
    )["error"]
    assert "max_length" in error["try_this"]
    assert call("runs", "list") == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["train", "--help"],
        ["data", "list"],
        ["runs", "list"],
        ["recipes", "show", "probe"],
        ["backbones", "list"],
        ["nothing"],
    ],
)
def test_light_commands_import_nothing_heavy(arguments, home):
    code = (
        f"import sys; from tl_core.cli import main\ntry: main({arguments!r})\nexcept SystemExit:"
        " pass\nheavy = {'torch', 'transformers', 'datasets', 'sklearn', 'pandas', 'streamlit',"
        " 'evaluate'}\nassert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True)


def test_json_has_no_nan():
    assert finite({"a": math.nan, "b": [math.inf, 1.0]}) == {"a": None, "b": [None, 1.0]}


@pytest.fixture
def command(home):
    """A real process, as a script would start it."""

    def run(*arguments, code=0):
        ended = subprocess.run(
            [sys.executable, "-m", "tl_core", *map(str, arguments), "--json"],
            cwd=ROOT,
            text=True,
            capture_output=True,
            timeout=300,
        )
        assert ended.returncode == code, ended.stderr
        return json.loads(ended.stdout)

    yield run
    kill_all(home)


def until_it_ends(command, run_id):
    """The run object once the run is neither queued nor running."""
    end, settings = time.monotonic() + 120, read_settings()
    runs = RunStore(open_database(settings), settings.user, settings.home_path)
    while runs.get(run_id).status in ACTIVE:
        assert time.monotonic() < end
        time.sleep(0.2)
    return command("runs", "show", run_id)


def read_table(path):
    with path.open() as handle:
        return list(csv.DictReader(handle))


def assert_predictions_of_transformers(lines, root, model):
    """The probabilities are those of a plain pipeline."""
    from PIL import Image
    from transformers import pipeline

    classify = pipeline("image-classification", model=str(model))
    for line in lines:
        with Image.open(root / line["file"]) as picture:
            scores = {part["label"]: part["score"] for part in classify(picture.convert("RGB"))}
        for name, value in scores.items():
            assert float(line[f"p:{name}"]) == pytest.approx(value, abs=1e-4)


def assert_paired(paired, report):
    """The comparison of a probe with the run of its baseline says what the probe's report says."""
    assert set(paired) >= {
        "runs",
        "n",
        "difference",
        "only_first_right",
        "only_second_right",
        "p_value",
        "test",
        "sentence",
    }
    assert paired["n"] == report["test"]["n"]
    assert report["against_baseline"]["only_second_right"] == paired["only_second_right"]


def test_the_whole_journey_by_command_line(command, tmp_path, tiny, home):
    """data add -> probe -> report -> predict, and the predictions are those of plain
    transformers.
    """
    root = write_pictures(tmp_path / "d", each=20)
    (root / "red" / "broken.png").write_bytes(b"no picture")
    assert command("data", "add", root, "--name", "discs")["skipped"][0]["item"] == "red/broken.png"
    probe = ("train", "--dataset", "discs", "--recipe", "probe")
    started = command(*probe, "--backbone", f"local:{tiny('convnext')}", "--detach")
    assert started["status"] in ("queued", "running")
    run = until_it_ends(command, started["run_id"])
    assert run["status"] == "done", run
    report = command("report", run["run_id"])
    assert report["headline"] == run["headline"]
    assert report["timing"]["total"] > 0
    command("report", run["run_id"], "--html", tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert report["headline"] in page
    assert "<td>green</td>" in page
    assert ".png" not in page
    out = tmp_path / "out.csv"
    counts = command("predict", run["run_id"], root, "-o", out)
    assert counts.pop("plan")["columns"][0]["role"] == "image"
    assert counts == {
        "rows": 61,
        "errors": 1,
        "precision": "float32: too few items for bf16 to matter",
        "output": str(out),
    }
    lines = read_table(out)
    columns = "file label confidence abstain p:blue p:green p:red error"
    assert list(lines[0]) == columns.split()
    assert [line["file"] for line in lines] == sorted(line["file"] for line in lines)
    broken = next(line for line in lines if line["error"])
    assert (broken["file"], broken["label"]) == ("red/broken.png", "")
    model = home / "runs" / run["run_id"] / "model"
    assert_predictions_of_transformers(lines[:8], root, model)
    other = command("train", "--dataset", "discs", "--recipe", "baseline")
    assert other["status"] == "done"
    assert_paired(command("runs", "compare", run["run_id"], other["run_id"]), report)
    assert command("predict", other["run_id"], root, "-o", out, code=2)["error"]["try_this"]
    assert command("runs", "delete", run["run_id"]) == {"deleted": run["run_id"]}


@pytest.mark.whole
def test_the_journeys_on_real_data(command, tmp_path, shared):
    """The browser's journeys by command line: photos with MobileNetV2, questions with the text
    starter.
    """
    mobilenet = shared / "models" / "mobilenet_v2_0.35_224"
    for name, backbone, least, rows in (
        ("hymenoptera", f"local:{mobilenet}", 0.90, 153),
        ("trec", "starter:text", 0.86, 500),
    ):
        command("data", "add", shared / "data" / name, "--name", name)
        run = command("train", "--dataset", name, "--recipe", "probe", "--backbone", backbone)
        report = command("report", run["run_id"])
        assert report["test"]["n"] == rows
        assert report["test"]["accuracy"]["value"] >= least
        source = shared / "data" / name / ("val" if name == "hymenoptera" else "test.csv")
        counts = command("predict", run["run_id"], source, "-o", tmp_path / "out.csv")
        assert counts["rows"] == rows
        lines = read_table(tmp_path / "out.csv")
        truth = [
            line["file"].split("/")[0] if "file" in line else line["input_label"] for line in lines
        ]
        hits = sum(line["label"] == label for line, label in zip(lines, truth, strict=True))
        assert hits / rows == pytest.approx(report["test"]["accuracy"]["value"], abs=2 / rows)


def test_a_failed_run_is_printed_and_exits_1(carried_out_here, call, tmp_path):
    call("data", "add", write_texts(tmp_path / "t.csv"), "--name", "m")
    run = call(
        "train", "--dataset", "m", "--recipe", "probe", "--backbone", "local:/nowhere", code=1
    )
    assert run["status"] == "failed"
    assert run["reason"]["what"]


def test_every_command_is_in_the_docs():
    text = (ROOT / "docs/reference/command-line.md").read_text()
    for name, command in command_line.commands.items():
        for action in getattr(command, "commands", {"": None}):
            assert f"{name} {action}".strip() in text
