"""The live page: which run it is about, what has to be beaten, what moves, and how far it is."""

from __future__ import annotations

import json

import pytest
from tests_support.pages import carried_out, everything, opened, press, runs

from pages.sections.train.live.head import which
from pages.sections.train.live.layer_strip import cells, shortened
from pages.sections.train.live.side import recent
from pages.sections.train.live.yardstick import in_report, without_transfer
from pages.widgets.curves import planned_epochs, settled
from tl_core.config import RunConfig
from tl_core.database.engine import open_database
from tl_core.jobs.events import RunView
from tl_core.registry.queue import RunWriter
from tl_core.settings import read_settings


def config(record, recipe="finetune", **options):
    backbone = "" if recipe == "baseline" else "local:mine"
    return RunConfig(
        "train", "local", record.reference, str(record.folder), backbone, recipe, options
    )


def going(record, *events, recipe="finetune"):
    """A run that a worker has taken, with these events so far."""
    run = runs().create(config(record, recipe))
    RunWriter(open_database(read_settings())).claim_next("train")
    lines = [json.dumps({"t": float(number), **one}) for number, one in enumerate(events)]
    (run.folder / "events.jsonl").write_text("\n".join(lines) + "\n")
    return run


def point(step, epoch, loss=1.0):
    values = {"step": step, "epoch": epoch, "loss": loss, "grad_norm": 1.0, "rate": 9.0}
    return {"type": "curve", "name": "training", "values": {**values, "lr classifier": 0.1}}


def judged(step, epoch, accuracy):
    values = {"step": step, "epoch": epoch, "accuracy": accuracy, "macro_f1": 0.5, "log_loss": 0.7}
    return {"type": "curve", "name": "validation", "values": values}


TRAINING = (
    {"type": "stage", "name": "Training", "total": 100},
    {"type": "learning", "groups": ["block 1", "classifier"]},
    point(10, 0.5),
    judged(20, 1.0, 0.8),
    {"type": "batch", "done": 20, "total": 100},
)


def test_without_an_address_the_page_is_about_what_is_going_on(record):
    ended = carried_out(config(record, "baseline"))
    assert which(record.reference, "", ended.id) == ended.id
    first = going(record, *TRAINING)
    second = runs().create(config(record))
    assert which(record.reference, "", ended.id) == second.id  # the project's newest
    assert which(record.reference, "", first.id) == first.id  # the one in hand is going, too
    assert which(record.reference, ended.id, first.id) == ended.id
    app = opened("pages/train/live.py", dataset=record.reference)
    assert not app.exception and app.session_state["run"] == second.id


def test_a_project_without_runs_says_what_to_do(record):
    app = opened("pages/train/live.py", dataset=record.reference)
    assert not app.exception and "Nothing has been trained" in everything(app)
    assert which("", "", "") == ""


def test_a_running_training_shows_how_far_it_is_and_what_moves(record):
    run = going(record, *TRAINING)
    app = opened("pages/train/live.py", run=run.id)
    assert not app.exception and not app.error
    said = everything(app)
    assert "trainable now" in said and "block 1, classifier" in said
    assert "of the whole run" in said and "Accuracy on the validation items" in said
    tiles = {tile.label: tile.value for tile in app.metric}
    assert tiles["Epoch"] == "0.5" and tiles["Best accuracy so far (%)"] == "80"
    best = next(tile for tile in app.metric if tile.label.startswith("Best"))
    assert "plausible" in best.delta
    assert "Memory" in tiles and any(label.startswith("Processor") for label in tiles)


def test_the_log_is_a_drawer(record):
    run = going(record, *TRAINING, {"type": "log", "text": "Something <b>to</b> read"})
    app = opened("pages/train/live.py", run=run.id)
    assert not app.code
    press(app, "Log")
    assert "Something <b>to</b> read" in app.code[0].value


def test_what_the_training_noticed_is_folded_behind_its_first_words(record):
    finding = {"text": "3 texts of $5 *x* :red[y] are empty.", "fix": "Look at them."}
    run = going(record, *TRAINING, *({"type": "finding", "finding": finding} for _ in range(3)))
    app = opened("pages/train/live.py", run=run.id)
    assert not app.exception
    assert any("and 2 more" in one.label for one in app.expander)
    assert ":red[y]" not in everything(app)


def test_the_baseline_of_an_earlier_run_stands_in_until_the_runs_own(record):
    run = going(record, *TRAINING)
    assert without_transfer(runs().get(run.id)) is None
    carried_out(config(record, "baseline"))
    score = without_transfer(runs().get(run.id))
    assert score and score["low"] <= score["value"] <= score["high"]
    app = opened("pages/train/live.py", run=run.id)
    assert not app.exception and not app.error


def test_only_a_measured_score_without_transfer_counts():
    score = {"value": 0.6, "low": 0.5, "high": 0.7}
    majority = {"majority": {"validation": {"accuracy": score}}}
    report = {"recipe": "probe", "baselines": majority}
    assert in_report(report) is None
    report["baselines"] = {**majority, "tfidf": {"test": {"accuracy": score}}}
    assert in_report(report) is None  # a test score is nothing to choose by
    report["baselines"] = {**majority, "tfidf": {"validation": {"accuracy": score}}}
    assert in_report(report) == score
    own = {"recipe": "baseline", "baselines": majority, "validation": {"accuracy": score}}
    assert in_report(own) == score


def groups(*weights):
    return [
        {"name": name, "parameters": parameters, "trainable": trainable}
        for name, parameters, trainable in weights
    ]


def test_cells_tell_frozen_from_trainable_now_and_later():
    layers = groups(("embeddings", 10, 0), ("block 1", 10, 2), ("block 2", 10, 10), ("head", 4, 4))
    now = {cell.name: cell.moves for cell in cells(layers, "head, block 1")}
    assert now == {
        "embeddings": "frozen",
        "block 1": "partly",
        "block 2": "later",
        "head": "trainable",
    }
    before = [cell.moves for cell in cells(layers, "")]
    assert before == ["frozen", "partly", "trainable", "trainable"]
    assert [cell.moves for cell in cells(layers, "head", ended=True)] == before


def test_many_groups_are_told_by_their_ends():
    assert shortened("classifier") == "classifier"
    assert shortened("a, b, c, d") == "a to d (4 groups)"
    assert shortened("a, b, c, d", 9) == "a to d (4 of 9 groups)"


def test_the_axis_ends_where_the_training_will():
    view = RunView()
    for number, event in enumerate(TRAINING):
        view.add({"t": float(number), **event})
    assert planned_epochs(view) == pytest.approx(5.0)  # 100 steps, of which 10 are half an epoch
    view.add({"t": 9.0, "type": "stage", "name": "Evaluating", "total": 7})
    assert planned_epochs(view) == 0.0


def test_a_sparkline_needs_a_line():
    assert recent([]) == recent([1.0]) == []
    assert recent(list(range(500)))[-1] == 499 and len(recent(list(range(500)))) == 60


def test_a_long_line_is_drawn_anew_only_when_it_has_grown():
    points = [{"step": number} for number in range(40)]
    assert settled(points) == points and settled([]) == []
    long = [{"step": number} for number in range(1037)]
    assert len(settled(long)) == len(settled(long[:-1])) and len(long) - len(settled(long)) < 21


def test_curves_that_few_need_are_drawn_when_unfolded(record):
    run = going(record, *TRAINING)
    app = opened("pages/train/live.py", run=run.id)
    before = len(app.get("plotly_chart"))
    app.session_state["more"] = True
    app.run()
    assert not app.exception and len(app.get("plotly_chart")) > before
