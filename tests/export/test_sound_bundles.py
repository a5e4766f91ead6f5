"""Bundles of models that hear: their own program, 8 bits, and what they carry."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys

import numpy as np
import pytest

from tl_core.export.bundle import export
from tl_core.export.bundle_facts import read_facts, requirements_of
from tl_core.export.wishes import Wishes
from tl_core.progress import Progress

NAMES = ("sound_picture", "speech_embedding", "wav2vec2")


@pytest.mark.parametrize("name", NAMES)
def test_its_own_program_answers_about_a_folder_of_recordings(exported, name):
    folder, _ = exported.bundle(name)
    content = json.loads((folder / "golden" / "expected.json").read_text())
    (folder / "golden" / "note.txt").write_text("no recording")
    done = subprocess.run(
        [sys.executable, "predict.py", "golden"], cwd=folder, text=True, capture_output=True
    )
    (folder / "golden" / "note.txt").unlink()
    assert done.returncode == 0, done.stderr[-2000:]
    rows = {row["input"]: row for row in csv.DictReader(io.StringIO(done.stdout))}
    assert len(rows) == len(content["items"])
    for one in content["items"]:
        row = rows[f"golden/{one['file']}"]
        said = [float(row[f"p:{label}"]) for label in content["labels"]]
        np.testing.assert_allclose(said, one["probabilities"], atol=1e-5)


def test_a_damaged_recording_is_named_and_costs_no_other(exported, tmp_path):
    folder, _ = exported.bundle("speech_embedding")
    (tmp_path / "bad.wav").write_bytes(b"RIFF1234WAVEnothing")
    good = folder / "golden" / "00.wav"
    done = subprocess.run(
        [sys.executable, folder / "predict.py", tmp_path / "bad.wav", good],
        text=True,
        capture_output=True,
    )
    bad, fine = csv.DictReader(io.StringIO(done.stdout))
    assert "recording" in bad["error"] and not bad["label"]
    assert fine["label"] and not fine["error"]


def test_it_carries_the_decoder_and_names_its_packages(exported):
    for name in NAMES:
        folder, _ = exported.bundle(name)
        assert {"decoding.py", "limits.py", "errors.py"} <= {one.name for one in folder.iterdir()}
        needed = {line.partition("==")[0] for line in requirements_of(read_facts(folder))}
        assert {"soundfile", "scipy"} <= needed
        assert ("timm" in needed) == (name == "sound_picture")
    assert (exported.bundle("speech_embedding")[0] / "speech_network.py").exists()
    assert (exported.bundle("sound_picture")[0] / "sound_networks.py").exists()
    card = (exported.bundle("speech_embedding")[0] / "README.md").read_text()
    assert "Recordings" in card and "import speech_network" in card


@pytest.mark.parametrize("name", NAMES)
def test_eight_bits_leave_the_spectrogram_as_it_is(exported, tmp_path, name):
    run, version = exported.run(name)
    made = export(run, tmp_path / "b", Wishes(onnx=True, int8=True), version, Progress())
    assert made["ok"]
    assert made["int8"]["agreement"]["value"] >= 0.7
    whole, small = (
        (tmp_path / "b" / one).stat().st_size for one in ("model.onnx", "model.int8.onnx")
    )
    assert small < whole
