"""Report, Compare, Labels and Explore with AppTest: what they say, save and refuse."""

from __future__ import annotations

import json
import signal
import time

import pytest
from sqlalchemy import insert, select
from tests_support.datasets import write_texts
from tests_support.pages import everything, opened

from tl_core.config import RUN_KINDS, RunConfig
from tl_core.data.edits import Decision, decisions
from tl_core.data.schema import ImportOptions
from tl_core.data.store import DatasetVersion
from tl_core.errors import BackboneError, NotFoundError
from tl_core.intake import add_dataset, relabel_dataset
from tl_core.jobs.worker import carry_out
from tl_core.models.references import parse_reference, resolve_folder
from tl_core.predict.threshold import read_threshold
from tl_core.registry.database import open_database
from tl_core.registry.datasets import DatasetStore
from tl_core.registry.queue import RunWriter
from tl_core.registry.runs import RunStore
from tl_core.registry.tables import runs as table
from tl_core.settings import read_settings
from tl_core.train.nuisance import look_for_shortcuts


class Studio:
    """Stores of a home, and runs carried out in this process."""

    def __init__(self, backbone):
        self.settings, self.backbone = read_settings(), backbone
        self.engine = open_database(self.settings)
        self.datasets = DatasetStore(self.engine, "local", self.settings.home_path)
        self.runs = RunStore(self.engine, "local", self.settings.home_path)

    def do(self, record, kind="train", recipe="probe", sealed=False, **options):
        run = self.runs.create(
            RunConfig(
                kind,
                "local",
                record.reference,
                str(record.folder),
                "" if recipe == "baseline" else self.backbone,
                recipe,
                options,
                sealed,
            )
        )
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
    app.slider(key=f"least_sure {run.id}").set_value(90).run()
    next(
        button for button in app.button if button.label.startswith("Keep this threshold")
    ).click().run()
    assert not app.exception
    assert read_threshold(run.folder / "model") == 0.9
    assert "less than 90% sure" in everything(app)
    again = studio.do(record, pooling="mean")
    assert "have judged 2 runs" in everything(opened("pages/evaluate/report.py", run=again.id))


def press(app, start):
    next(button for button in app.button if button.label.startswith(start)).click().run()
    assert not app.exception
    return everything(app)


def test_a_closed_test_score_is_opened_by_a_button_and_counted(studio, record):
    run = studio.do(record, sealed=True, pooling="mean")
    app = opened("pages/evaluate/report.py", run=run.id)
    assert not app.exception
    said = everything(app)
    assert "The test score is closed" in said
    assert "Nobody has looked" in said
    assert "items kept for choosing" in said
    assert "no transfer" not in said
    assert "Try it on worse items" not in [button.label for button in app.button]
    assert studio.runs.get(run.id).summary["sealed"]
    said = press(app, "Open the test score")
    assert "test items" in said
    assert "closed" not in said
    row = studio.runs.get(run.id)
    assert not row.summary["sealed"]
    assert row.headline in said.replace("\\", "")
    second = studio.do(record, sealed=True, pooling="mean", folds=4)
    assert "have judged 1 run so far" in everything(
        opened("pages/evaluate/report.py", run=second.id)
    )


def test_a_link_for_readers_offers_nothing_to_change(studio, record):
    for sealed in (False, True):
        run = studio.do(record, pooling="mean", sealed=sealed)
        app = opened("pages/evaluate/report.py", run=run.id, view="read")
        assert not app.exception
        said = everything(app)
        assert ("The test score is closed" in said) == sealed
        assert "What it confuses" in said
        assert [button.label for button in app.button] == []
        assert not app.slider and not app.sidebar.children
    assert (
        f"?run={run.id}&view=read" in opened("pages/evaluate/report.py", run=run.id).code[0].value
    )


def test_closed_runs_are_compared_on_the_items_kept_for_choosing(studio, record):
    closed, open_one = (
        studio.do(record, sealed=True, pooling="mean"),
        studio.do(record, recipe="baseline"),
    )
    app = opened("pages/evaluate/compare.py", run=closed.id)
    assert not app.exception
    said = everything(app)
    assert "kept for choosing" in said
    report = json.loads((open_one.folder / "report.json").read_text())
    assert f"On {report['validation']['n']:,} items kept for choosing" in said


def test_seeds_are_told_from_other_runs(studio, record):
    runs = [studio.do(record, pooling="mean", seed=seed) for seed in range(3)]
    studio.do(record, pooling="mean", folds=3)
    said = everything(opened("pages/evaluate/report.py", run=runs[1].id))
    assert "3 seeds: right" in said
    assert "This is seed 1" in said
    assert "3 seeds: right" in everything(opened("pages/evaluate/compare.py", run=runs[0].id))


def test_prices_give_the_cheapest_threshold(studio, record):
    run = studio.do(record, pooling="mean")
    app = opened("pages/evaluate/report.py", run=run.id)
    app.number_input(key="person_cost").set_value(1000.0).run()
    shown = next(metric for metric in app.metric if metric.label.startswith("Cheapest"))
    assert shown.value == "0 %"  # too dear to ask anybody
    app.number_input(key="person_cost").set_value(0.0001).run()
    shown = next(metric for metric in app.metric if metric.label.startswith("Cheapest"))
    least = int(shown.value.removesuffix(" %"))
    press(app, "Take it")
    assert abs(app.slider(key=f"least_sure {run.id}").value - least) <= 1


def test_typed_expectations_are_kept_and_tried(studio, record):
    run = studio.do(record, pooling="mean")
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
    app = opened("pages/evaluate/report.py", run=run.id)
    press(app, "Try them")
    assert len(json.loads((run.folder / "expectations.json").read_text())) == 2
    for _ in range(200):
        if "of 2 hold" in everything(app):
            break
        time.sleep(0.1)
        app.run()
    assert not app.exception
    assert "of 2 hold" in everything(app)


def test_one_item_is_looked_at_closely_and_shows_what_it_was_learnt_from(studio, record):
    run = studio.do(record, pooling="mean")
    app = opened("pages/evaluate/report.py", run=run.id)
    app.selectbox(key="mistake_order").select("unsure").run()
    app.selectbox(key="closer").select(0).run()
    assert not app.exception
    assert {"Why?", "What did it learn this from?"} <= {button.label for button in app.button}
    press(app, "What did it learn")
    waiting = next(one for one in studio.runs.list(kind="trace"))
    studio.finish(waiting, "light")
    app = opened("pages/evaluate/report.py", run=run.id)
    app.selectbox(key="mistake_order").select("unsure").run()
    app.selectbox(key="closer").select(0).run()
    assert not app.exception
    assert "It learnt this from these" in everything(app)


def test_compare_pairs_runs_on_the_same_items_and_leaves_others_out(studio, record, tmp_path):
    probe, base = studio.do(record, pooling="mean"), studio.do(record, recipe="baseline")
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


def test_a_fine_tuning_is_followed_on_request(studio, record):
    studio.do(record, "explore", pooling="mean")
    app = opened("pages/evaluate/explore.py", dataset=record.reference)
    press(app, "Follow a fine-tuning too")
    asked = next(run for run in studio.runs.list(kind="curve"))
    assert RunConfig.read(asked.folder).options == {"strategy": "lpft"}
    studio.runs.cancel(asked.id)
    studio.do(
        record,
        "train",
        "finetune",
        strategy="full",
        epochs=1.0,
        batch_size=8,
        max_length=16,
        baseline=False,
    )
    press(opened("pages/evaluate/explore.py", dataset=record.reference), "Follow a fine-tuning too")
    again = next(run for run in studio.runs.list(kind="curve") if run.status == "queued")
    assert RunConfig.read(again.folder).options["strategy"] == "full"
    studio.finish(again, "train")
    app = opened("pages/evaluate/explore.py", dataset=record.reference)
    assert not app.exception
    assert "judged on the same" in everything(app)


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
    tried = studio.runs.create(
        RunConfig("stress", "local", record.reference, str(record.folder), options={"run": run.id})
    )
    studio.finish(tried, "light")
    app = opened("pages/evaluate/report.py", run=run.id)
    assert not app.exception
    assert "as they are:" in everything(app)
    flips = [box for box in app.selectbox if box.key == "flips"]
    if flips:
        flips[0].select(flips[0].options[0]).run()
        assert not app.exception


def test_backbones_are_ranked_on_the_users_data_and_the_best_is_taken(
    studio, record, tiny, monkeypatch
):
    app = opened("pages/model/choose.py", dataset=record.reference)
    assert not app.exception
    app.multiselect(key="candidates").set_value([studio.backbone, "starter:text"])
    monkeypatch.setenv("TL_MODELS_DIR", str(tiny("bert").parent))
    press(app, "Rank them")
    run = studio.runs.list(kind="rank")[0]
    assert "starter:text" in RunConfig.read(run.folder).options["backbones"]
    studio.finish(run, "light")
    app = opened("pages/model/choose.py", dataset=record.reference)
    assert not app.exception
    said = everything(app)
    assert "Take " in said
    best = json.loads((run.folder / "rank.json").read_text())["recommended"]
    next(button for button in app.button if button.key == "use_recommended").click().run()
    assert app.session_state["checked"] == best or app.session_state["backbone"]


def test_an_own_run_is_the_start_of_another(studio, record, tmp_path):
    first = studio.do(
        record,
        "train",
        "finetune",
        strategy="full",
        epochs=1.0,
        batch_size=8,
        max_length=16,
        baseline=False,
    )
    app = opened("pages/model/choose.py", dataset=record.reference)
    assert f"Your run {first.id}" in everything(app)
    next(button for button in app.button if button.key == f"use_run:{first.id}").click().run()
    assert app.session_state["backbone"] == f"run:{first.id}"
    second = studio.runs.create(
        RunConfig(
            "train",
            "local",
            record.reference,
            str(record.folder),
            f"run:{first.id}",
            "probe",
            {"baseline": False},
        )
    )
    studio.finish(second, "train")
    assert json.loads((second.folder / "report.json").read_text())["backbone"] == f"run:{first.id}"
    stranger = RunStore(studio.engine, "somebody", studio.settings.home_path)
    with pytest.raises(NotFoundError):
        stranger.create(
            RunConfig(
                "train",
                "somebody",
                record.reference,
                str(record.folder),
                f"run:{first.id}",
                "probe",
            )
        )
    with pytest.raises(NotFoundError):
        stranger.create(
            RunConfig(
                "rank",
                "somebody",
                record.reference,
                str(record.folder),
                options={"backbones": ["starter:text", f"run:{first.id}"]},
            )
        )
    gone = studio.runs.create(
        RunConfig("train", "local", record.reference, str(record.folder), "", "baseline")
    )
    with pytest.raises(BackboneError, match="has no model"):
        resolve_folder(parse_reference(f"run:{gone.id}"), studio.settings)


def test_a_search_without_the_hub_says_so(studio, record):
    app = opened("pages/model/choose.py", dataset=record.reference)
    next(box for box in app.text_input if box.label == "Search the Hub").set_value("birds")
    press(app, "Search")
    for _ in range(200):
        if app.error:
            break
        time.sleep(0.1)
        app.run()
    assert "The Hub cannot be reached" in everything(app)


def test_the_catalogue_is_filtered(studio, record):
    app = opened("pages/model/choose.py", dataset=record.reference)
    shown = [button.key for button in app.button if str(button.key).startswith("use_hub:")]
    assert 0 < len(shown) <= 6
    app.selectbox(key="cat_language").select("zh").run()
    assert not app.exception
    chinese = [button.key for button in app.button if str(button.key).startswith("use_hub:")]
    assert any("chinese" in key or "zh" in key for key in chinese)
    app.toggle(key="cat_offline").set_value(True).run()
    assert "None meets all of these wishes." in everything(app)


@pytest.mark.parametrize("kind", RUN_KINDS)
def test_the_list_of_runs_names_every_kind(studio, record, kind):
    config = RunConfig(
        kind,
        "local",
        record.reference,
        str(record.folder),
        recipe="baseline" if kind in ("train", "preflight", "suspect", "explore", "curve") else "",
    )
    run = studio.runs.create(config)
    app = opened("pages/train/runs.py")
    assert not app.exception
    assert (run.id in everything(app)) == (kind != "preflight")
    assert not opened("pages/train/live.py", run=run.id).exception


def test_a_run_that_is_older_than_many_others_is_still_the_one_that_is_shown(studio, record):
    """Pages go by the id, however many runs came later; what cannot be shown is said, not replaced
    in silence.
    """
    old = studio.do(record, baseline=False)
    with studio.engine.begin() as connection:
        row = dict(connection.execute(select(table).where(table.c.id == old.id)).first()._mapping)
        connection.execute(
            insert(table),
            [
                {**row, "id": f"{number:010x}", "created": row["created"] + number}
                for number in range(1, 260)
            ],
        )
    report = opened("pages/evaluate/report.py", run=old.id)
    assert old.id in report.query_params["run"] and not report.warning
    for page in ("pages/ship/predict.py", "pages/ship/export.py"):
        at = opened(page, run=old.id)
        assert (
            next(box for box in at.selectbox if box.label == "Model").value == old.id
            and not at.warning
        )
    gone = opened("pages/evaluate/report.py", run="aaaaaaaaaa")
    assert "There is no run aaaaaaaaaa any more" in gone.warning[0].value
    waiting = studio.runs.create(
        RunConfig("train", "local", record.reference, str(record.folder), studio.backbone, "probe")
    )
    told = opened("pages/evaluate/report.py", run=waiting.id).warning[0].value
    assert f"Run {waiting.id} has no report: it is queued." in told


def test_recent_runs_of_one_dataset_and_backbone_are_told_apart(studio, record):
    for seed in (0, 7):
        studio.do(record, baseline=False, seed=seed)
    for page in ("pages/start/home.py", "pages/train/runs.py"):
        shown = [text.value for text in opened(page).markdown if record.reference in text.value]
        assert len(shown) == 2
        assert any("Probe · seed 7" in line for line in shown)
