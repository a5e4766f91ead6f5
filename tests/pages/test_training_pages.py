"""Design, live and report pages of fine-tuning and ladder with AppTest, the helper process
included.
"""

from __future__ import annotations

import json
import time

import pytest
from tests_support.pages import carried_out, everything, opened, press, runs

from tl_core.config import STRATEGIES, RunConfig
from tl_core.database.engine import open_database
from tl_core.jobs.events import read_events
from tl_core.jobs.worker import carry_out
from tl_core.registry.queue import RunWriter
from tl_core.settings import read_settings

pytestmark = pytest.mark.usefixtures("no_dispatcher")


def trained(record, recipe, **options):
    return carried_out(
        RunConfig(
            "train", "local", record.reference, str(record.folder), "local:mine", recipe, options
        )
    )


def design(record, card):
    app = opened("pages/train/design.py", dataset=record.reference)
    app.session_state["backbone"] = "local:mine"
    app.button(key="way_own").click().run()
    return app.button(key=f"card_text_{card}").click().run()


CARDS = [
    name
    for name in (*STRATEGIES, "baseline", "ladder")
    if name not in ("adapt", "distillation")  # each needs something to be chosen first
]


@pytest.mark.parametrize("card", CARDS)
def test_every_strategy_opens_and_starts_with_its_own_settings(record, card):
    app = design(record, card)
    assert not app.exception and not app.error
    assert app.session_state["card_text"] == card
    assert app.button(key=f"card_text_{card}").proto.type == "primary"
    next(button for button in app.button if button.label == "Start training").click().run()
    assert not app.exception and not app.error
    config = RunConfig.read(runs().list()[0].folder)
    assert config.recipe == (STRATEGIES[card].recipe if card in STRATEGIES else card)
    if config.recipe == "finetune":
        assert config.options["strategy"] == card
        for name, value in STRATEGIES[card].values.items():
            assert getattr(config.settings, name) == value


def test_three_large_choices_and_a_search_from_start_to_report(record):
    app = opened("pages/train/design.py", dataset=record.reference)
    app.session_state["backbone"] = "local:mine"
    app.run()
    for way in ("own", "first", "auto"):
        app.button(key=f"way_{way}").click().run()
        assert not app.exception and not app.error
        assert app.button(key=f"way_{way}").proto.type == "primary"
    app.toggle(key="auto_others").set_value(False).run()
    app.number_input(key="auto20.0_budget_minutes").set_value(0.3).run()
    next(button for button in app.button if button.label == "Start training").click().run()
    assert not app.exception and not app.error
    run = runs().list()[0]
    config = RunConfig.read(run.folder)
    assert (config.recipe, config.backbone, config.settings.budget_minutes) == (
        "auto",
        "local:mine",
        0.3,
    )
    RunWriter(open_database(read_settings())).claim_next("train")
    carry_out(run.folder, read_settings())
    ended = runs().get(run.id)
    assert (
        ended.recipe in ("probe", "finetune") and ended.backbone == "local:mine"
    )  # an ordinary run of its winner
    again = RunConfig.read(run.folder)
    assert again.recipe == ended.recipe and "budget_minutes" not in again.options
    for page in ("pages/evaluate/report.py", "pages/train/live.py", "pages/use/bundle.py"):
        app = opened(page, run=run.id)
        assert not app.exception and not app.error, page
    assert "What was tried?" in everything(opened("pages/evaluate/report.py", run=run.id))


def test_a_search_that_goes_on_shows_what_it_tries(record):
    run = runs().create(
        RunConfig("train", "local", record.reference, str(record.folder), "", "auto", {})
    )
    RunWriter(open_database(read_settings())).claim_next("train")
    app = opened("pages/train/live.py", run=run.id)
    assert not app.exception and not app.error
    board = [
        {
            "title": "Probe",
            "backbone": "x",
            "part": 1.0,
            "recipe": "probe",
            "minutes": 0.2,
            "probe": True,
            "accuracy": {"value": 0.8, "low": 0.7, "high": 0.9},
            "log_loss": 0.5,
            "state": "winner",
        },
        {
            "title": "LoRA",
            "backbone": "x",
            "part": 0.0,
            "probe": False,
            "state": "failed",
            "why": "No room.",
        },
    ]
    (run.folder / "search.json").write_text(
        json.dumps({"budget": 1200.0, "spent": 300.0, "trying": "LoRA on x", "board": board})
    )
    app = opened("pages/train/live.py", run=run.id)
    assert not app.exception and not app.error
    assert [tile.value for tile in app.metric][:2] == ["15 minutes", "80.0"]
    assert "LoRA on x" in everything(app)


def test_the_live_page_of_contrastive_pairs_shows_their_curve(record):
    run = trained(record, "contrastive", pairs=64, max_length=16, baseline=False)
    assert run.status == "done"
    app = opened("pages/train/live.py", run=run.id)
    assert not app.exception and not app.error
    assert "Loss" in everything(app)
    events = [event for event in read_events(run.folder)[0] if event.get("name") == "training"]
    assert events, read_events(run.folder)[0]


def test_the_layer_tree_follows_the_plan(record):
    app = design(record, "lpft")

    def shown():
        for _ in range(300):
            if "weights (" in everything(app):
                return next(
                    element.value for element in app.markdown if "weights (" in str(element.value)
                )
            time.sleep(0.1)
            app.run()
        raise AssertionError(everything(app))

    everything_moves = shown()
    app.selectbox(key="lpft_tune").set_value("head").run()
    for _ in range(300):
        if shown() != everything_moves:
            break
        time.sleep(0.1)
        app.run()
    assert "100 %" in everything_moves and "100 %" not in shown()


def test_a_plan_that_contradicts_itself_is_said_and_nothing_starts(record):
    app = design(record, "lpft")
    app.selectbox(key="lpft_tune").set_value("pattern").run()
    assert "no pattern is given" in " ".join(error.value for error in app.error)
    assert not runs().list()


def test_what_a_backbone_lacks_keeps_a_training_from_starting(record):
    app = design(record, "lpft")
    app.number_input(key="lpft_co_tuning").set_value(2.3).run()
    for _ in range(300):
        if "co_tuning needs a backbone" in everything(app):
            break
        time.sleep(0.1)
        app.run()
    start = next(button for button in app.button if button.label == "Start training")
    assert start.disabled and "co\\_tuning needs a backbone" in everything(app)
    app.number_input(key="lpft_co_tuning").set_value(0.0).run()
    assert not next(button for button in app.button if button.label == "Start training").disabled


def test_an_estimate_is_measured_and_shown_and_kept_out_of_the_list(record):
    app = design(record, "full")
    next(
        button for button in app.button if button.label == "Estimate time and memory"
    ).click().run()
    run = runs().list(kind="preflight")[0]
    assert not runs().list()
    RunWriter(open_database(read_settings())).claim_next("light")
    carry_out(run.folder, read_settings())
    assert runs().get(run.id).status == "done", runs().get(run.id).reason
    app.run()
    assert not runs().list(kind="preflight") and not run.folder.exists()
    app.run()
    assert {"Time", "Memory", "Trainable weights", "Steps"} <= {
        metric.label for metric in app.metric
    }


def test_live_and_report_tell_how_the_training_went(record):
    run = trained(
        record,
        "finetune",
        epochs=2.0,
        batch_size=8,
        max_length=16,
        patience=0,
        strategy="lora",
        class_weights="balanced",
        baseline=False,
    )
    assert run.status == "done", run.reason
    app = opened("pages/train/live.py", run=run.id)
    assert not app.exception
    assert {"Epoch", "Step", "Items a second", "Best accuracy so far (%)"} <= {
        metric.label for metric in app.metric
    }
    next(button for button in app.button if button.label == "Go on").click().run()
    assert not app.exception
    longer = RunConfig.read(runs().list(active=True)[0].folder)
    assert longer.options["continue_from"] == run.id and not longer.settings.lp_start
    app = opened("pages/evaluate/report.py", run=run.id, tab="Details")
    assert not app.exception
    assert "It ran to the planned end" in everything(app) and "weights (" in everything(app)


def test_the_ladders_report_recommends_a_strategy(record):
    run = trained(
        record, "ladder", rungs=["baseline", "probe", "full"], seeds=1, epochs=1.0, max_length=16
    )
    assert run.status == "done", run.reason
    for page in ("pages/train/live.py", "pages/evaluate/report.py"):
        app = opened(page, run=run.id)
        assert not app.exception
    assert "Which strategy?" in [header.value for header in app.subheader]


@pytest.mark.parametrize(
    ("recipe", "kept"),
    (
        ("finetune", "the best"),
        ("distillation", "the best"),
        ("pretrain", "what is learnt"),
        ("contrastive", "what is learnt"),
    ),
)
def test_a_running_training_can_be_stopped_with_its_best_state(record, recipe, kept):
    config = RunConfig(
        "train", "local", record.reference, str(record.folder), "local:mine", recipe, {}
    )
    run = runs().create(config)
    writer = RunWriter(open_database(read_settings()))
    writer.claim_next("train")
    (run.folder / "events.jsonl").write_text(
        '{"t": 1, "type": "curve", "name": "training", "values": {"step": 1, "epoch": 0.1, "loss":'
        ' 1.0, "grad_norm": 1.0, "rate": 9.0, "lr classifier": 0.1}}\n{"t": 2, "type": "log",'
        ' "text": "Learning now: classifier"}\n'
    )
    app = opened("pages/train/live.py", run=run.id)
    assert "trainable now" in everything(app)
    press(app, f"Stop now and keep {kept}")
    assert runs().get(run.id).stop_requested and runs().get(run.id).status == "running"
    assert writer.beat(run.id, 0.5) == "stop"
    assert "keeping the best" in everything(app)
