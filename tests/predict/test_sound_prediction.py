"""Recordings on their way to an answer: files, servers, explanations, worse versions."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest
import torch
from fastapi.testclient import TestClient
from tests_support.datasets import build
from tests_support.waves import RATE, made, wav, write_recordings

from tl_core.backbones.backbone import save_classifier
from tl_core.backbones.classifier import load_classifier
from tl_core.backbones.load import load_backbone
from tl_core.data.preparation import Preparation
from tl_core.data.sounds.decoding import decoded
from tl_core.errors import DataError
from tl_core.evaluate.perturbations.item_perturbations import perturbations_of
from tl_core.predict.batch import predict_source
from tl_core.predict.explanations.explain import explain
from tl_core.predict.explanations.sound_relevance import GRID, gradient, occlusion, silenced
from tl_core.predict.predicted_items import predicted_items_of
from tl_core.predict.serving.contract import Asked
from tl_core.predict.serving.http import create_app
from tl_core.predict.serving.service import Serving
from tl_core.settings import Settings
from tl_core.surgery import heads


@pytest.fixture(scope="module")
def model(tiny, tmp_path_factory):
    """`model(family)`: the folder of a classifier with a random head."""

    def make(family):
        folder = tmp_path_factory.mktemp(f"model-{family}") / "m"
        backbone = load_backbone(f"local:{tiny(family)}", ["low", "high"], Settings())
        random = torch.Generator().manual_seed(0)
        weight = torch.randn(2, backbone.port.width, generator=random)
        heads.fold(backbone.model, backbone.port, weight, torch.zeros(2))
        save_classifier(backbone, folder)
        return folder

    return make


def answers(path):
    import pandas as pd

    return pd.read_csv(path, keep_default_na=False, dtype=str)


@pytest.mark.parametrize("family", ["sound_picture", "wav2vec2", "audio-spectrogram-transformer"])
def test_a_folder_is_predicted_file_by_file_and_what_is_none_is_named(model, tmp_path, family):
    folder = write_recordings(tmp_path / "s", each=5, kinds=("tone", "noise"))
    (folder / "notes.txt").write_text("about them")
    (folder / "broken.wav").write_bytes(b"RIFF....WAVE")
    out = tmp_path / "answers.csv"
    found = predict_source(model(family), folder, out, Settings())
    assert (found["rows"], found["errors"]) == (11, 1)
    rows = answers(out).set_index("file")
    assert rows.error["broken.wav"] and not rows.label["broken.wav"]
    classifier = load_classifier(model(family))
    for name in ("tone/1.wav", "noise/4.wav"):
        wanted = classifier.probabilities([decoded((folder / name).read_bytes())])[0]
        assert float(rows["p:low"][name]) == pytest.approx(wanted[0], abs=1e-5)


def test_one_file_is_predicted_and_a_table_is_not(model, tmp_path):
    folder = model("sound_picture")
    alone = wav(made("chirp", 3), tmp_path / "one.wav")
    assert predict_source(folder, alone, tmp_path / "a.csv", Settings())["rows"] == 1
    (tmp_path / "text.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="reads recordings"):
        predict_source(folder, tmp_path / "text.csv", tmp_path / "b.csv", Settings())


def test_servers_take_files_and_letters(model):
    folder = model("sound_picture")
    classifier = load_classifier(folder)
    sound = made("tone", 2)
    from tl_core.export.exported_sounds import wav_of

    data = wav_of(sound)
    wanted = classifier.probabilities([sound])[0]
    with TestClient(create_app(Serving(str(folder)))) as client:
        files = client.post("/predict/files", files=[("files", ("a.wav", data))])
        letters = client.post("/predict", json={"sounds": [base64.b64encode(data).decode()]})
        for reply in (files, letters):
            assert reply.status_code == 200, reply.text
            said = reply.json()["answers"][0]["probabilities"]
            np.testing.assert_allclose([said["low"], said["high"]], wanted, atol=1e-6)
        for body, words in (
            ({"sounds": ["!"]}, "base64"),
            ({"sounds": [base64.b64encode(b"no sound").decode()]}, "no sound file"),
            ({"texts": ["a"]}, "/predict/files"),
            ({"texts": ["a"], "sounds": ["aa"]}, "either"),
        ):
            reply = client.post("/predict", json=body)
            assert reply.status_code == 422 and words in reply.json()["detail"], reply.text
        assert client.post("/predict/files", files=[("files", ("a.wav", b"x"))]).status_code == 422


def test_models_of_texts_take_no_sounds():
    with pytest.raises(DataError, match="no sounds"):
        predicted_items_of("text").from_json(Asked(sounds=["aa"]), Preparation())


@pytest.mark.parametrize("family", ["sound_picture", "wav2vec2", "whisper"])
def test_an_answer_is_explained_on_a_grid_of_time_and_pitch(model, family):
    classifier = load_classifier(model(family))
    explanation = explain(classifier, made("chirp", 0, 1.0), "high")
    assert [method["name"] for method in explanation["methods"]] == ["occlusion", "gradient"]
    for method in explanation["methods"]:
        assert np.array(method["map"]).shape == (GRID, GRID)
        assert np.isfinite(method["map"]).all()
        assert 0 <= method["deletion"] <= 1
    json.dumps(explanation)


class _Ear:
    """Says `high` the more power there is between 2,000 and 3,000 hertz in the second half."""

    modality, labels = "audio", ["low", "high"]

    def probabilities(self, items):
        powers = []
        for item in items:
            half = item[len(item) // 2 :]
            spectrum = np.abs(np.fft.rfft(half)) ** 2
            pitch = np.fft.rfftfreq(len(half), 1 / RATE)
            inside = spectrum[(pitch > 2000) & (pitch < 3000)].sum()
            powers.append(inside / (inside + spectrum.size))
        high = np.array(powers)
        return np.stack([1 - high, high], axis=1)


def test_occlusion_finds_the_place_that_was_listened_to():
    times = np.arange(RATE) / RATE
    sound = 0.2 * np.sin(2 * np.pi * 300 * times) + 0.2 * np.sin(2 * np.pi * 2500 * times)
    cells = occlusion(_Ear(), sound.astype(np.float32), 1)
    row, column = np.unravel_index(cells.argmax(), cells.shape)
    mel = np.log1p(2500 / 700) / np.log1p(8000 / 700)
    assert abs(row - (GRID - 1 - int(mel * GRID))) <= 1 and column >= GRID // 2 - 1
    assert cells[:, : GRID // 2 - 1].max() < 0.1 * cells.max()


def test_a_gradient_adds_up_to_that_over_time(model):
    """Of a network that is linear in what it reads."""

    class Linear(torch.nn.Module):
        def __init__(self):
            super().__init__()
            random = torch.Generator().manual_seed(1)
            self.weight = torch.nn.Parameter(torch.randn(RATE, generator=random))

        def forward(self, input_values, **_others):
            logits = (input_values * self.weight).sum(1, keepdim=True)
            return type("Output", (), {"logits": logits})

    classifier = load_classifier(model("sound_picture"))
    network, sound = Linear(), made("chirp", 0, 1.0)
    total = gradient(network, classifier, sound, 0).sum()
    wanted = float(network.weight.detach().numpy() @ sound)
    ratio = total / wanted
    again = made("tone", 4, 1.0)
    other = gradient(network, classifier, again, 0).sum()
    assert other / float(network.weight.detach().numpy() @ again) == pytest.approx(ratio, rel=0.05)


def test_silenced_cells_are_silent_and_the_others_stay():
    sound = made("noise", 1, 1.0)
    assert silenced(sound, np.array([], np.int64)) is sound
    early = np.array([row * GRID + column for row in range(GRID) for column in range(5)])
    changed = silenced(sound, early)
    assert len(changed) == len(sound)
    assert np.abs(changed[: int(0.4 * RATE)]).max() < 1e-3
    np.testing.assert_allclose(changed[int(0.6 * RATE) :], sound[int(0.6 * RATE) :], atol=1e-4)
    assert np.abs(silenced(sound, np.arange(GRID * GRID))).max() < 1e-3


def test_worse_versions_are_what_they_are_called():
    ways, sound = perturbations_of("audio"), made("tone", 0, 1.0)

    def power(values):
        return float(np.mean(np.square(values, dtype=np.float64)))

    assert 10 * np.log10(
        power(ways.worsen(sound, "noise", 2, 5) - sound) / power(sound)
    ) == pytest.approx(-10, abs=0.5)
    assert 10 * np.log10(power(ways.worsen(sound, "quieter", 2, 5)) / power(sound)) == (
        pytest.approx(-20, abs=0.2)
    )
    assert len(ways.worsen(sound, "faster", 3, 5)) == pytest.approx(len(sound) / 1.5, rel=0.01)
    assert len(ways.worsen(sound, "slower", 3, 5)) == pytest.approx(len(sound) / 0.67, rel=0.01)
    muffled = np.abs(np.fft.rfft(ways.worsen(made("noise", 0, 1.0), "muffled", 3, 5)))
    assert muffled[1200:].max() < 1e-2 * muffled[:1000].max()
    for kind in ways.kinds:
        for severity in (1, 2, 3):
            worse = ways.worsen(sound, kind, severity, 7)
            assert worse.dtype == np.float32 and len(worse) and np.abs(worse).max() <= 1
            np.testing.assert_array_equal(worse, ways.worsen(sound, kind, severity, 7))
            ways.worsen(np.zeros(8, np.float32), kind, severity, 7)


def test_rows_without_a_class_of_a_version_are_predicted(model, tmp_path):
    source = tmp_path / "s"
    lines = ["file,label"]
    for number in range(12):
        wav(made("tone" if number % 2 else "noise", number), source / f"{number}.wav")
        label = "" if number >= 10 else "tone" if number % 2 else "noise"
        lines.append(f"{number}.wav,{label}")
    (source / "metadata.csv").write_text("\n".join(lines) + "\n")
    version = build(source, tmp_path / "v")
    assert len(version.rows_of("unlabelled")) == 2
    out = tmp_path / "a.csv"
    found = predict_source(model("sound_picture"), version.folder, out, Settings(), prepared=True)
    assert (found["rows"], found["errors"]) == (2, 0)
