"""A closed test score: nothing about test items leaks before it is opened, and opening counts."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from tests_support.datasets import build, write_texts

from tl_core import test_score
from tl_core.config import RunConfig
from tl_core.json_files import write_json
from tl_core.progress import Progress
from tl_core.recipes import run_recipe


@pytest.fixture
def closed(tmp_path, tiny):
    """Folder, version and report of a sealed run, as its worker leaves them."""
    version = build(write_texts(tmp_path / "t.csv", 120), tmp_path / "v")
    folder = tmp_path / "runs" / "one"
    folder.mkdir(parents=True)
    config = RunConfig(
        "train",
        "local",
        "d@1",
        str(version.folder),
        f"local:{tiny('bert')}",
        "probe",
        {"pooling": "mean", "max_length": 24},
        sealed=True,
    )
    report = test_score.seal(
        folder, run_recipe(config, version, folder, tmp_path / "cache", Progress())
    )
    report["timing"]["total"] = 1.0
    write_json(folder / "report.json", report)
    return folder, version, report


def test_a_closed_report_says_nothing_about_test_items(closed, tmp_path):
    folder, version, report = closed
    assert report["test"] is None
    assert {part for scores in report["baselines"].values() for part in scores} == {"validation"}
    assert set(report["baselines"]) == {"majority", "tfidf"}
    assert "still closed" in report["headline"]
    plain = round(100 * report["baselines"]["tfidf"]["validation"]["accuracy"]["value"])
    assert f"Without transfer on the validation texts alone: {plain}." in report["headline"]
    assert not (folder / "predictions.csv").exists()
    assert test_score.looks(tmp_path, "local", version.info.fingerprint) == 0
    shown = json.dumps(report)
    test_rows = {str(row) for row in version.rows_of("test")}
    kept = pd.read_csv(folder / "validation.csv", dtype=str)
    assert test_rows.isdisjoint(kept["index"])
    assert len(kept) == report["validation"]["n"]
    assert (kept["true"] == kept["label"]).mean() == pytest.approx(
        report["validation"]["accuracy"]["value"]
    )
    hidden = json.loads((folder / "sealed" / "report.json").read_text())
    assert hidden["headline"] not in shown
    assert test_score.summary_of(report)["accuracy"] == report["validation"]["accuracy"]


def test_opening_counts_one_look_and_gives_the_whole_report(closed, tmp_path):
    folder, version, _ = closed
    hidden = json.loads((folder / "sealed" / "report.json").read_text())
    opened = test_score.open_test(folder, tmp_path, "local")
    assert opened == {**hidden, "test_looks": 1}
    assert (folder / "predictions.csv").exists()
    assert not (folder / "sealed").exists()
    assert test_score.open_test(folder, tmp_path, "local") == opened
    assert test_score.looks(tmp_path, "local", version.info.fingerprint) == 1
    assert not test_score.summary_of({**opened, "timing": {"total": 1.0}})["sealed"]


def test_an_opening_cut_off_in_the_middle_is_finished_by_the_next(closed, tmp_path):
    folder, _, _ = closed
    (folder / "sealed" / "predictions.csv").replace(
        folder / "predictions.csv"
    )  # the cut comes after this step
    assert test_score.is_sealed(folder)
    assert test_score.open_test(folder, tmp_path, "local")["test"]["n"] == len(
        pd.read_csv(folder / "predictions.csv")
    )


def test_a_closed_ladder_still_recommends(tmp_path):
    version = build(write_texts(tmp_path / "t.csv", 120), tmp_path / "v")
    (tmp_path / "run").mkdir()
    config = RunConfig(
        "train",
        "local",
        "d@1",
        str(version.folder),
        "starter:text",
        "ladder",
        {"rungs": ["baseline"], "seeds": 2},
        sealed=True,
    )
    report = test_score.seal(
        tmp_path / "run",
        run_recipe(config, version, tmp_path / "run", tmp_path / "cache", Progress()),
    )
    assert report["test"] is None and report["ladder"]["recommended"] == "baseline"
    assert (
        report["headline"].startswith(report["ladder"]["advice"])
        and "still closed" in report["headline"]
    )
