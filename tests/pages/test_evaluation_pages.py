"""Report, Compare, Labels and Explore with AppTest: what they say, save and refuse."""

from __future__ import annotations

import json
import signal

import pytest
from tests_support.datasets import write_texts
from tests_support.pages import everything, opened

from tl_core.config import RunConfig
from tl_core.data.edits import Decision, decisions
from tl_core.data.schema import ImportOptions
from tl_core.data.store import DatasetVersion
from tl_core.intake import add_dataset, relabel_dataset
from tl_core.jobs.worker import carry_out
from tl_core.predict.threshold import read_threshold
from tl_core.registry.database import open_database
from tl_core.registry.datasets import DatasetStore
from tl_core.registry.runs import RunStore, RunWriter
from tl_core.settings import read_settings
from tl_core.train.nuisance import look_for_shortcuts


class Studio:
    """Stores of a home, and runs carried out in this process."""

    def __init__(self, backbone):
        self.settings, self.backbone = read_settings(), backbone
        self.engine = open_database(self.settings)
        self.datasets = DatasetStore(self.engine, "local", self.settings.home_path)
        self.runs = RunStore(self.engine, "local", self.settings.home_path)

    def do(self, record, kind="train", recipe="probe", **options):
        run = self.runs.create(RunConfig(kind, "local", record.reference, str(record.folder),
                                         "" if recipe == "baseline" else self.backbone, recipe, options))
        return self.finish(run, "train" if kind == "train" else "light")

    def finish(self, run, lane):
        RunWriter(self.engine).claim_next(lane)
        handler = signal.getsignal(signal.SIGTERM)
        assert carry_out(run.folder, self.settings) == 0, self.runs.get(run.id).reason
        signal.signal(signal.SIGTERM, handler)
        return run


@pytest.fixture
def studio(tiny):
    return Studio(f"local:{tiny('bert')}")


@pytest.fixture
def record(studio, tmp_path):
    source = write_texts(tmp_path / "t.csv", 240)
    lines = source.read_text().splitlines()
    for place in (5, 22, 41, 60):  # wrong labels
        words, _, label = lines[place].rpartition(",")
        lines[place] = f"{words},{'bad' if label == 'good' else 'good'}"
    source.write_text("\n".join(lines).replace(",good", ",*good* :red[x]") + "\n")
    return add_dataset(studio.datasets, studio.settings, str(source), "mail", ImportOptions())[0]


def test_the_report_tells_of_confidence_and_keeps_a_threshold(studio, record):
    run = studio.do(record, pooling="mean")
    app = opened("pages/evaluate/report.py", run=run.id)
    assert not app.exception
    said = everything(app)
    assert "Can its confidence be trusted?" in said
    assert "Is it worse on some kind of text?" in said
    app.slider(key="least_sure").set_value(90).run()
    next(button for button in app.button if button.label.startswith("Keep this threshold")).click().run()
    assert not app.exception
    assert read_threshold(run.folder / "model") == 0.9
    assert "less than 90% sure" in everything(app)
    again = studio.do(record, pooling="mean")
    assert "have judged 2 runs" in everything(opened("pages/evaluate/report.py", run=again.id))


def test_compare_pairs_runs_on_the_same_items_and_leaves_others_out(studio, record, tmp_path):
    probe, base = studio.do(record, pooling="mean"), studio.do(record, recipe="baseline")
    app = opened("pages/evaluate/compare.py", run=probe.id)
    assert not app.exception
    said = everything(app)
    assert "Is the difference more than chance?" in said
    assert "without transfer" in said
    assert "texts" in said
    other, _, _ = add_dataset(studio.datasets, studio.settings, str(write_texts(tmp_path / "o.csv", 60)), "mail",
                              ImportOptions())
    odd = studio.do(other, pooling="mean")
    said = everything(opened("pages/evaluate/compare.py", run=odd.id, **{"with": base.id}))
    assert "tested on other items" in said


def test_a_suspect_is_changed_saved_and_carried_into_a_version(studio, record):
    found = studio.do(record, "suspect", pooling="mean")
    listed = json.loads((found.folder / "suspects.json").read_text())["rows"]
    app = opened("pages/evaluate/labels.py", dataset=record.reference)
    assert not app.exception
    assert f"0 of {len(listed)}" in everything(app)
    for element in (*app.markdown, *app.button):
        assert ":red[x]" not in str(getattr(element, "label", "") or element.value)
    next(button for button in app.button if button.label.startswith("Later")).click().run()
    assert decisions(record.folder) == {}
    next(button for button in app.button if button.label.startswith("Change to")).click().run()
    assert not app.exception
    second = listed[1] if len(listed) > 1 else listed[0]
    assert decisions(record.folder) == {second["row"]: Decision("relabel", second["suggested"])}
    assert "1 changed, 0 left out" in everything(app)
    made, _, _ = relabel_dataset(studio.datasets, record.reference)
    studio.do(record, pooling="mean")
    after = opened("pages/evaluate/labels.py", dataset=made.reference)
    assert any(button.label == "Train again on this version" for button in after.button)
    assert (DatasetVersion(made.folder).splits == DatasetVersion(record.folder).splits).all()


def test_labels_offers_the_search_first(record):
    app = opened("pages/evaluate/labels.py", dataset=record.reference)
    assert [button.label for button in app.button] == ["Look for wrong labels"]
    app.button[0].click().run()
    assert not app.exception
    assert "Waiting" in everything(app) or "Judging" in everything(app)


def test_explore_shows_curve_advice_and_map(studio, record):
    app = opened("pages/evaluate/explore.py", dataset=record.reference)
    assert [button.label for button in app.button] == ["Find out"]
    studio.do(record, "explore", pooling="mean")
    app = opened("pages/evaluate/explore.py", dataset=record.reference)
    assert not app.exception
    assert "A map of the items" in everything(app)
    for colour in ("Answer", "Split"):
        app.segmented_control(key="colour").set_value(colour).run()
        assert not app.exception


def test_shortcuts_are_looked_for_once_and_kept(studio, record):
    app = opened("pages/data/inspect.py", dataset=record.reference)
    assert "Could a model cheat?" in everything(app)
    look_for_shortcuts(DatasetVersion(record.folder))
    app = opened("pages/data/inspect.py", dataset=record.reference)
    assert not app.exception
    assert "Look for shortcuts" not in [button.label for button in app.button]
    assert "alone the class is guessed right" in everything(app)


def test_worse_items_are_tried_and_the_flips_shown(studio, record):
    run = studio.do(record, pooling="mean")
    app = opened("pages/evaluate/report.py", run=run.id)
    assert "Try it on worse items" in [button.label for button in app.button]
    tried = studio.runs.create(RunConfig("stress", "local", record.reference, str(record.folder),
                                         options={"model": str(run.folder / "model"), "run": run.id}))
    studio.finish(tried, "light")
    app = opened("pages/evaluate/report.py", run=run.id)
    assert not app.exception
    assert "as they are:" in everything(app)
    flips = [box for box in app.selectbox if box.key == "flips"]
    if flips:
        flips[0].select(flips[0].options[0]).run()
        assert not app.exception
