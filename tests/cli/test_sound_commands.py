"""Recordings from the command line: brought, learnt from, asked about, explained."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from tests_support.pages import Studio
from tests_support.recordings import vowel, write, write_vowels

from tl_core.cli.main import main
from tl_core.registry.datasets import DatasetStore


def printed(capsys, *arguments):
    code = main([*arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


@pytest.fixture
def voices(tmp_path, capsys):
    source = write_vowels(tmp_path / "voices")
    code, made = printed(capsys, "data", "add", str(source), "--name", "voices", "--yes")
    assert code == 0
    return made


def test_a_folder_of_recordings_is_brought_and_its_speakers_are_told(voices, tmp_path, capsys):
    assert (voices["modality"], voices["rows"]) == ("audio", 48)
    [group] = [one for one in voices["plan"]["columns"] if one["role"] == "group"]
    assert "anna in a_anna_0.wav" in group["reason"]
    source = str(tmp_path / "voices")
    code, other = printed(
        capsys, "data", "add", source, "--name", "all", "--speaker-part", "-1", "--yes"
    )
    assert code == 0 and not any(one["role"] == "group" for one in other["plan"]["columns"])
    assert main(["data", "add", source, "--name", "strict", "--strict"]) == 2  # it is a guess
    assert "speaks" in capsys.readouterr().err


def test_new_ones_are_predicted_and_explained(voices, tmp_path, tiny, capsys):
    studio = Studio(f"local:{tiny('wav2vec2')}")
    store: DatasetStore = studio.datasets
    run = studio.do(store.get("voices"), baseline=False)
    for take in range(3):
        write(tmp_path / "new" / f"{take}.flac", vowel("a", 170, 90 + take))
    (tmp_path / "new" / "broken.wav").write_bytes(b"RIFF\x24\0\0\0WAVE")
    out = tmp_path / "answers.csv"
    code, counts = printed(capsys, "predict", run.id, str(tmp_path / "new"), "-o", str(out))
    assert code == 0 and (counts["rows"], counts["errors"]) == (4, 1)
    answers = pd.read_csv(out, keep_default_na=False)
    assert set(answers["label"]) - {""} <= set("aiu")
    clip = str(tmp_path / "new" / "0.flac")
    code, explained = printed(capsys, "explain", run.id, clip)
    assert code == 0 and explained["answer"] in "aiu" and not explained["words"]
    assert len(explained["methods"]) == 2 and len(explained["methods"][0]["map"]) > 2
    code, refused = printed(capsys, "explain", run.id, str(tmp_path / "none.wav"))
    assert code == 2 and "no recording" in refused["error"]["what"]
