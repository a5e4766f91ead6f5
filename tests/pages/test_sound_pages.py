"""Recordings on the pages: looked through, recorded class by class, asked about."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest
from tests_support.datasets import LIMITS
from tests_support.pages import Studio, everything, opened, stand_in
from tests_support.recordings import encoded, vowel, write_vowels

from pages.widgets import sound_player
from tl_core.data.dataset_version import ImportOptions
from tl_core.data.preview import look_into
from tl_core.data.sounds.decoding import decoded
from tl_core.data.versions.store import DatasetVersion
from tl_core.services.datasets import add_dataset


@pytest.fixture
def voices(studio, tmp_path):
    """A dataset of vowels by four speakers."""
    source = write_vowels(tmp_path / "voices")
    return add_dataset(studio.datasets, studio.settings, str(source), "voices", ImportOptions())[0]


def players(app):
    return [one.proto.body for one in app.get("html") if "<audio controls" in one.proto.body]


def test_a_small_recording_is_a_picture_with_its_sound_behind():
    content = sound_player.small(encoded(vowel("a", seconds=8.0)))
    with Image.open(io.BytesIO(content)) as picture:
        assert picture.size == (192, 128)
        assert np.asarray(picture.convert("L")).std() > 10
    sound = decoded(content[len(sound_player.picture_of(content)) : -4])
    assert 4.9 < len(sound) / 16_000 < 5.3
    assert len(content) < 60_000


def test_items_are_drawn_with_players_and_the_drawer_knows_their_facts(voices):
    app = opened("pages/data/items.py", dataset=voices.reference, row="5")
    assert not app.exception
    said = everything(app)
    assert "48 recordings in 3 classes" in said.replace("**", "")
    assert len(players(app)) >= 24 and len(app.get("audio")) == 1
    told = {str(cell) for table in app.dataframe for cell in table.value.to_numpy().ravel()}
    words = said + " ".join(told)
    assert "16,000 a second" in words and "dB of full scale" in words and "anna" in words


def test_they_are_filtered_by_their_length_and_listed_as_a_table(voices):
    app = opened("pages/data/items.py", dataset=voices.reference, show="Table")
    assert not app.exception
    [lines] = [one.value for one in app.dataframe if "milliseconds" in one.value.columns]
    length = DatasetVersion(voices.folder).facts()["seconds"]
    assert lines["milliseconds"].tolist() == (1000 * length[: len(lines)]).astype(int).tolist()
    assert lines["item"].str.startswith("data:image/jpeg;base64,").all()


def shown(facts):
    from pages.sections.items.item_pages import pages_of
    from pages.shell import state

    state.set_defaults()
    pages_of("audio").show_source(facts)


def test_a_source_is_shown_with_pictures_of_some(tmp_path):
    facts = look_into(write_vowels(tmp_path / "set"), tmp_path / "s", LIMITS, {})
    app = AppTest.from_function(shown, args=(facts,)).run()
    assert not app.exception
    assert "48 recordings in 3 classes: a (16), i (16), u (16)" in everything(app)
    assert len(app.get("image")) == 6


def record(app, label, *clips):
    app.text_input(key="record_label").set_value(label).run()
    for clip in clips:
        app.audio_input[0].set_value(("clip.wav", clip, "audio/wav")).run()


def test_classes_are_recorded_one_after_the_other(studio, tmp_path):
    app = opened("pages/data/add.py")
    app.session_state["way"] = "record"
    app.run()
    assert app.audio_input[0].disabled
    record(app, "ah", *(encoded(vowel("a", take=take)) for take in range(3)))
    assert "**ah** · 3 recordings" in everything(app) and len(app.get("audio")) == 1
    use = next(one for one in app.button if one.label == "Use these recordings")
    assert use.disabled
    record(app, "ee", encoded(vowel("i")), encoded(vowel("i", take=1)))
    next(one for one in app.button if one.label == "Not that one").click().run()
    assert "**ee** · 1 recording" in everything(app)
    folder = Path(app.session_state["collection"])
    assert len(list(folder.glob("*.wav"))) == 4
    again = opened("pages/data/add.py", collection=folder.parent.name)
    again.session_state["way"] = "record"
    again.run()
    assert "**ah** · 3 recordings" in everything(again)
    (folder.parent / "owner").write_text("somebody else")
    other = opened("pages/data/add.py", collection=folder.parent.name)
    other.session_state["way"] = "record"
    other.run()
    assert "**ah**" not in everything(other)
    next(one for one in app.button if one.label == "Use these recordings").click()
    facts = look_into(folder, tmp_path / "s", LIMITS, {})
    assert (facts["modality"], facts["classes"]) == ("audio", {"ah": 3, "ee": 1})


def test_what_was_recorded_as_nothing_is_said(studio):
    app = opened("pages/data/add.py")
    app.session_state["way"] = "record"
    app.run()
    record(app, "ah", encoded(np.zeros(40)))
    assert "too short" in app.error[0].value


def test_photos_and_recordings_are_no_one_collection(studio):
    app = opened("pages/data/add.py")
    app.session_state["way"] = "record"
    app.run()
    record(app, "ah", encoded(vowel("a")))
    app.session_state["way"] = "files"
    app.run()
    app.text_input(key="files_label").set_value("red").run()
    picture = io.BytesIO()
    Image.new("RGB", (40, 40), "red").save(picture, "PNG")
    app.file_uploader[0].set_value(("1.png", picture.getvalue(), "image/png")).run()
    next(one for one in app.button if one.label == "Add these files").click().run()
    assert "photos or recordings, not both" in app.error[0].value


PAGES = (
    *("data/labels", "data/growth", "data/versions", "train/backbone", "train/design"),
    *("evaluate/report", "evaluate/runs", "use/batch", "use/bundle", "use/server"),
)


def test_every_page_opens_about_recordings(voices, tiny, monkeypatch):
    run = Studio(f"local:{tiny('wav2vec2')}").do(voices, baseline=False)
    stand_in(monkeypatch, Helper())
    for page in PAGES:
        app = opened(f"pages/{page}.py", dataset=voices.reference, run=run.id)
        assert not app.exception and not app.error, page
        said = everything(app)
        if page != "train/backbone":  # whose starter has seen photos
            assert "photo" not in said.lower() and "picture" not in said.lower(), page
    report = opened("pages/evaluate/report.py", run=run.id)
    assert "recordings" in everything(report)


class Helper:
    """A helper process that answers questions about items at once, and others never."""

    def __init__(self):
        self.sent = []

    def call(self, name, by="", /, **arguments):
        self.sent.append((name, arguments))
        return len(self.sent)

    def poll(self, ticket, by=""):
        known = self.sent[ticket - 1][0] == "predict_one"
        return (True, [("a", 0.9), ("i", 0.1)]) if known else (False, None)


def test_a_recording_is_asked_about(voices, tiny, monkeypatch):
    run = Studio(f"local:{tiny('wav2vec2')}").do(voices, baseline=False)
    helper = stand_in(monkeypatch, Helper())
    app = opened("pages/use/playground.py", run=run.id)
    assert not app.exception
    clip = encoded(vowel("a"))
    app.audio_input[0].set_value(("clip.wav", clip, "audio/wav")).run()
    assert not app.exception and len(app.get("audio")) == 1
    [(_, asked)] = [one for one in helper.sent if one[0] == "predict_one"]
    assert asked["value"] == clip
    app.run()
    assert "#### a" in everything(app)
    app.segmented_control[0].set_value("File").run()
    app.file_uploader[0].set_value(("x.wav", b"RIFF\x24\0\0\0WAVE", "audio/wav")).run()
    assert "damaged" in app.error[0].value
