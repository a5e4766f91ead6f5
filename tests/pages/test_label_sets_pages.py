"""Pages about items that may have several labels: no error box, the words of sets, thresholds."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tests_support.pages import everything, opened, press, stand_in

from pages.sections.evaluate.report_tabs import TABS
from tl_core.data.dataset_version import ImportOptions
from tl_core.data.label_sets import NOTHING
from tl_core.data.versions.edits import decide, decisions
from tl_core.data.versions.store import DatasetVersion
from tl_core.evaluate.report import load_report
from tl_core.services.datasets import add_dataset
from tl_core.tasks.kept_thresholds import read_thresholds

REPORT = "pages/evaluate/report.py"
WORDS = {"anger": ("bad", "late"), "joy": ("good", "film"), "money": ("money", "back")}
_BRACKETS = {"[BILL]": "please pay", "[OTHER]": "how are you"}


@pytest.fixture
def topics(studio, tmp_path):
    """120 texts with any of three topics."""
    random = np.random.default_rng(0)
    lines = ["text,label"]
    for number in range(120):
        own = [name for name in WORDS if random.random() < 0.4]
        words = " ".join(WORDS[name][number % 2] for name in own) or "the"
        cell = json.dumps(own).replace('"', '""')
        lines.append(f'{words} {number},"{cell}"')
    source = tmp_path / "topics.csv"
    source.write_text("\n".join(lines) + "\n")
    record = add_dataset(studio.datasets, studio.settings, str(source), "topics", ImportOptions())[
        0
    ]
    assert record.task == "multi_label"
    return record


@pytest.fixture
def probe(studio, topics):
    return studio.do(topics, pooling="mean", repeats=0)


@pytest.mark.parametrize("tab", TABS)
def test_every_tab_of_a_report_opens(probe, tab):
    app = opened(REPORT, run=probe.id, tab=tab)
    assert not app.exception
    said = everything(app)
    assert "Of 100 labels" in said
    if tab == "Overview":
        labels = {metric.label for metric in app.metric}
        assert {"Exact match", "Micro F1", "Macro F1", "Mean average precision"} <= labels
        assert "Accuracy" not in labels
    if tab == "Errors":
        assert "Missed and added" in said and "Confusion matrix" not in said


def test_thresholds_are_chosen_moved_and_kept(probe):
    app = opened(REPORT, run=probe.id, tab="Confidence")
    before = read_thresholds(probe.folder / "model", list(WORDS))
    way = next(one for one in app.segmented_control if one.label == "Choose them for")
    way.set_value("precision").run()
    assert not app.exception and "Validation items" in everything(app)
    next(box for box in app.selectbox if box.label == "Move by hand").select("joy").run()
    slider = next(one for one in app.slider if one.label.startswith("Named from"))
    slider.set_value(91).run()
    press(app, "Keep these thresholds")
    after = read_thresholds(probe.folder / "model", list(WORDS))
    assert after[1] == pytest.approx(0.91) and not np.allclose(before, after)


def test_the_viewer_filters_by_label_and_shows_sets(topics):
    version = DatasetVersion(topics.folder)
    app = opened("pages/data/items.py", dataset=topics.reference, show="Table")
    assert not app.exception
    shown = app.multiselect(key="class")
    assert NOTHING in shown.options
    shown.select("joy").run()
    assert not app.exception
    count = int((version.targets[:, 1] == 1).sum())
    assert f"{count:,}" in everything(app)
    both = next(row for row in range(120) if version.targets[row, :2].tolist() == [1, 1])
    drawer = opened("pages/data/items.py", dataset=topics.reference, row=str(both))
    assert "anger; joy" in everything(drawer)
    box = next(one for one in drawer.multiselect if one.label == "Labels")
    box.unselect("anger").run()
    assert not drawer.exception
    kept = json.loads(decisions(topics.folder)[both].label)
    assert "anger" not in kept and "joy" in kept


def test_a_class_that_was_decided_by_its_plain_name_is_a_set(topics):
    version = DatasetVersion(topics.folder)
    row = int(np.flatnonzero(version.targets[:, 1] == 0)[0])
    decide(version, row, "relabel", "joy")
    for more in ({"row": str(row)}, {"show": "Table"}):
        app = opened("pages/data/items.py", dataset=topics.reference, **more)
        assert not app.exception
    assert decisions(topics.folder)[row].label == '["joy"]'


def test_a_class_in_brackets_is_no_set(studio, tmp_path):
    lines = [f"{words} {n},{name}" for n in range(20) for name, words in _BRACKETS.items()]
    source = tmp_path / "mail.csv"
    source.write_text("\n".join(["text,label", *lines]) + "\n")
    record = add_dataset(studio.datasets, studio.settings, str(source), "mail", ImportOptions())[0]
    version = DatasetVersion(record.folder)
    assert record.task == "single_label" and version.info.labels == sorted(_BRACKETS)
    row = int(np.flatnonzero(version.labels == 0)[0])
    decide(version, row, "relabel", "[OTHER]")
    drawer = opened("pages/data/items.py", dataset=record.reference, row=str(row))
    assert not drawer.exception and "[OTHER]" in everything(drawer).replace("\\", "")
    assert not opened("pages/data/items.py", dataset=record.reference, show="Table").exception


def test_suspect_labels_are_sets(studio, topics):
    studio.do(topics, kind="suspect", pooling="mean", max_length=16)
    app = opened("pages/data/labels.py", dataset=topics.reference)
    assert not app.exception
    said = everything(app)
    assert "Its labels are" in said or "No label of" in said


class Helper:
    """A helper process that answers at once."""

    def call(self, name, by="", /, **arguments):
        del name, arguments
        return 1

    def poll(self, ticket, by=""):
        del ticket
        return True, [("joy", 0.99), ("money", 0.98), ("anger", 0.001)]


def test_the_playground_names_what_reaches_its_threshold(probe, monkeypatch):
    report = load_report(probe.folder)
    assert all(0.001 < row["threshold"] < 0.98 for row in report["test"]["per_class"])
    stand_in(monkeypatch, Helper())
    app = opened("pages/use/playground.py", run=probe.id)
    next(one for one in app.text_area).set_value("a good film, and the money")
    press(app, "Predict")
    assert "joy; money" in everything(app)
