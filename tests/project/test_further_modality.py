"""What a further modality and a further task cost: an entry in a table and a part for each layer,
and they go from files to a report. Nothing of `tl_core` is changed here.
"""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from tests_support.cautious import CAUTIOUS, COST
from tests_support.datasets import build
from tests_support.tremor_inputs import write_wave_network
from tests_support.tremor_training import RATE, write_wave
from tests_support.tremors import among_others

from tl_core.config import RunConfig
from tl_core.data.versions.store import DatasetVersion
from tl_core.evaluate.report import load_report, write_report
from tl_core.progress import Progress
from tl_core.recipes import run_recipe
from tl_core.recipes.analyses.robustness import stress
from tl_core.tasks import TASKS


@pytest.fixture
def tremors(tmp_path):
    """Makes a dataset of 120 waves, high and low; every third one of `mixed` is called wrongly."""

    def build_tremors(mixed=False):
        random = np.random.default_rng(0)
        for number in range(120):
            pitch = (2400, 300)[number % 2]
            name = ("high", "low")[(number + (mixed and number % 3 == 0)) % 2]
            times = np.arange(1600) / RATE
            wave = np.sin(2 * np.pi * pitch * times) + random.normal(0, 0.2, len(times))
            write_wave(tmp_path / "tremors" / name / f"{number}.trace", 0.4 * wave)
        return build(tmp_path / "tremors", tmp_path / "v")

    with among_others():
        yield build_tremors


def trained(version, folder, recipe, backbone=""):
    folder.mkdir()
    config = RunConfig("train", "local", "d@1", str(version.folder), backbone, recipe)
    report = run_recipe(config, version, folder, folder.parent / "cache", Progress())
    write_report(folder, report)
    return load_report(folder)


def test_a_further_modality_goes_from_files_to_a_report(tremors, tmp_path):
    version, network = tremors(), write_wave_network(tmp_path / "wave")
    plain = trained(version, tmp_path / "plain", "baseline")
    assert plain["baselines"]["loudness and pitch"]["test"]["accuracy"]["value"] == 1.0
    assert "tremors" in plain["headline"]
    probe = trained(version, tmp_path / "probe", "probe", f"local:{network}")
    assert probe["test"]["n"] == len(version.rows_of("test")) and probe["parity"]
    assert "loudness and pitch" in probe["baselines"]
    tried = stress(tmp_path / "probe" / "model", version, tmp_path / "probe", Progress())
    assert [row["kind"] for row in tried["rows"]] == ["noise"] * 3
    assert "tremors" in tried["sentence"]


def test_a_second_task_goes_from_files_to_a_report(tremors, tmp_path, monkeypatch):
    monkeypatch.setitem(TASKS, "cautious", CAUTIOUS)
    version = tremors(mixed=True)
    file = version.folder / "version.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "task": "cautious"}))
    report = trained(DatasetVersion(version.folder), tmp_path / "run", "baseline")
    answers = pd.read_csv(tmp_path / "run" / "predictions.csv")
    assert (answers.label == "high").equals(answers["p:high"] * COST > answers["p:low"])
    overlooked = (answers.true == "high") & (answers.label == "low")
    called = (answers.true == "low") & (answers.label == "high")
    assert called.any() and (answers["p:high"] < answers["p:low"])[called].any()
    assert report["test"]["cost"] == pytest.approx((COST * overlooked + called).mean())
