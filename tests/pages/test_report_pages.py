"""Report and Compare with AppTest: what they say, save and refuse."""

from __future__ import annotations

import json
import time

import pytest
from tests_support.datasets import write_texts
from tests_support.pages import everything, opened, press

from tl_core.config import RunConfig
from tl_core.data.dataset_version import ImportOptions
from tl_core.predict.threshold import read_threshold
from tl_core.services.datasets import add_dataset

READERS = {  # what somebody who only reads finds in each tab
    "Overview": "Class by class",
    "Errors": "Confusion matrix",
    "Confidence": "Calibration",
    "Slices": "Are there groups of texts",
    "Robustness": "Degraded items",
    "Explain": "Why did it say so?",
    "Details": "Settings, timing and environment",
}


def test_the_report_tells_of_confidence_and_keeps_a_threshold(studio, mail):
    run = studio.do(mail, pooling="mean")
    app = opened("pages/evaluate/report.py", run=run.id)
    assert app.session_state["dataset"] == run.dataset  # other pages go on with it
    assert not app.exception
    app = opened("pages/evaluate/report.py", run=run.id, tab="Slices")
    assert "Are there groups of texts on which it is worse?" in everything(app)
    app = opened("pages/evaluate/report.py", run=run.id, tab="Confidence")
    assert "Can its confidence be trusted?" in everything(app)
    app.slider(key=f"least_sure {run.id}").set_value(90).run()
    next(
        button for button in app.button if button.label.startswith("Keep this threshold")
    ).click().run()
    assert not app.exception
    assert read_threshold(run.folder / "model") == 0.9
    assert "less than 90% sure" in everything(app)
    again = studio.do(mail, pooling="mean")
    assert "have judged 2 runs" in everything(opened("pages/evaluate/report.py", run=again.id))


def test_a_closed_test_score_is_opened_by_a_button_and_counted(studio, mail):
    run = studio.do(mail, sealed=True, pooling="mean")
    app = opened("pages/evaluate/report.py", run=run.id)
    assert not app.exception
    said = everything(app)
    assert "The test score is closed" in said
    assert "Nobody has looked" in said
    assert "validation items" in said
    assert "no transfer" not in said
    robustness = opened("pages/evaluate/report.py", run=run.id, tab="Robustness")
    assert "open the test score first" in everything(robustness)
    assert "Test on degraded items" not in [button.label for button in robustness.button]
    assert studio.runs.get(run.id).summary["sealed"]
    said = press(app, "Open the test score")
    assert "test items" in said
    assert "closed" not in said
    row = studio.runs.get(run.id)
    assert not row.summary["sealed"]
    assert row.headline in said.replace("\\", "")
    second = studio.do(mail, sealed=True, pooling="mean", folds=4)
    assert "have judged 1 run so far" in everything(
        opened("pages/evaluate/report.py", run=second.id)
    )


def test_a_link_for_readers_offers_nothing_to_change(studio, mail):
    for sealed in (False, True):
        run = studio.do(mail, pooling="mean", sealed=sealed)
        for tab, words in READERS.items():
            app = opened("pages/evaluate/report.py", run=run.id, view="read", tab=tab)
            assert not app.exception
            said = everything(app)
            assert ("The test score is closed" in said) == (sealed and tab == "Overview")
            assert words in said, tab
            assert [button.label for button in app.button] == []
            assert not app.slider and not app.sidebar.children
    app = opened("pages/evaluate/report.py", run=run.id)
    app.session_state["share"] = True
    assert f"?run={run.id}&view=read" in app.run().code[0].value


def test_closed_runs_are_compared_on_the_items_kept_for_choosing(studio, mail):
    closed, open_one = (
        studio.do(mail, sealed=True, pooling="mean"),
        studio.do(mail, recipe="baseline"),
    )
    app = opened("pages/evaluate/compare.py", run=closed.id)
    assert not app.exception
    said = everything(app)
    assert "Compared on the validation items" in said
    report = json.loads((open_one.folder / "report.json").read_text())
    assert f"On {report['validation']['n']:,} validation items that all" in said


def test_seeds_are_told_from_other_runs(studio, mail):
    runs = [studio.do(mail, pooling="mean", seed=seed) for seed in range(3)]
    studio.do(mail, pooling="mean", folds=3)
    said = everything(opened("pages/evaluate/report.py", run=runs[1].id))
    assert "3 seeds: right" in said
    assert "This is seed 1" in said
    assert "3 seeds: right" in everything(opened("pages/evaluate/compare.py", run=runs[0].id))


def test_prices_give_the_cheapest_threshold(studio, mail):
    run = studio.do(mail, pooling="mean")
    app = opened("pages/evaluate/report.py", run=run.id, tab="Confidence")
    app.session_state[f"costs_open {run.id}"] = True
    app.run()
    app.number_input(key="person_cost").set_value(1000.0).run()
    shown = next(metric for metric in app.metric if metric.label.startswith("Cheapest"))
    assert shown.value == "0 %"  # too dear to ask anybody
    app.number_input(key="person_cost").set_value(0.0001).run()
    shown = next(metric for metric in app.metric if metric.label.startswith("Cheapest"))
    least = int(shown.value.removesuffix(" %"))
    press(app, "Take it")
    assert abs(app.slider(key=f"least_sure {run.id}").value - least) <= 1


def test_typed_expectations_are_kept_and_tried(studio, mail):
    run = studio.do(mail, pooling="mean")
    (run.folder / "expectations.json").write_text(
        json.dumps(
            [
                {
                    "text": "the film is good",
                    "changed": "the film is good",
                    "expected": "the same answer",
                },
                {
                    "text": "the film is good",
                    "changed": "the order is late",
                    "expected": "surer of bad",
                },
            ]
        )
    )
    app = opened("pages/evaluate/report.py", run=run.id, tab="Robustness")
    press(app, "Try them")
    assert len(json.loads((run.folder / "expectations.json").read_text())) == 2
    for _ in range(200):
        if "of 2 hold" in everything(app):
            break
        time.sleep(0.1)
        app.run()
    assert not app.exception
    assert "of 2 hold" in everything(app)


@pytest.mark.parametrize("tab", ["Errors", "Explain"])
def test_one_item_is_looked_at_closely_and_shows_what_it_was_learnt_from(studio, mail, tab):
    run = studio.do(mail, pooling="mean")
    app = opened("pages/evaluate/report.py", run=run.id, tab=tab)
    app.selectbox(key="mistake_order").select("unsure").run()
    app.selectbox(key="closer").select(0).run()
    assert not app.exception
    assert {"Why?", "Show similar training items"} <= {button.label for button in app.button}
    press(app, "Show similar")
    waiting = next(one for one in studio.runs.list(kind="trace"))
    studio.finish(waiting, "light")
    app = opened("pages/evaluate/report.py", run=run.id, tab=tab)
    app.selectbox(key="mistake_order").select("unsure").run()
    app.selectbox(key="closer").select(0).run()
    assert not app.exception
    assert "Most similar training items" in everything(app)


def test_compare_pairs_runs_on_the_same_items_and_leaves_others_out(studio, mail, tmp_path):
    probe, base = studio.do(mail, pooling="mean"), studio.do(mail, recipe="baseline")
    app = opened("pages/evaluate/compare.py", run=probe.id)
    assert not app.exception
    said = everything(app)
    assert "Is the difference more than chance?" in said
    assert "without transfer" in said
    assert "texts" in said
    other, _, _ = add_dataset(
        studio.datasets,
        studio.settings,
        str(write_texts(tmp_path / "o.csv", 60)),
        "mail",
        ImportOptions(),
    )
    odd = studio.do(other, pooling="mean")
    said = everything(opened("pages/evaluate/compare.py", run=odd.id, **{"with": base.id}))
    assert "tested on other items" in said


def test_worse_items_are_tried_and_the_flips_shown(studio, mail):
    run = studio.do(mail, pooling="mean")
    app = opened("pages/evaluate/report.py", run=run.id, tab="Robustness")
    assert "Test on degraded items" in [button.label for button in app.button]
    tried = studio.runs.create(
        RunConfig("stress", "local", mail.reference, str(mail.folder), options={"run": run.id})
    )
    studio.finish(tried, "light")
    app = opened("pages/evaluate/report.py", run=run.id, tab="Robustness")
    assert not app.exception
    assert "as they are:" in everything(app)
    flips = [box for box in app.selectbox if box.key == "flips"]
    if flips:
        flips[0].select(flips[0].options[0]).run()
        assert not app.exception
