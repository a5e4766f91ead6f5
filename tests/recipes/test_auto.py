"""The automatic search: it keeps to its time, never gives less than its own probe, and sees no test
label.
"""

from __future__ import annotations

import json
import time
from dataclasses import replace

import numpy as np
import pytest
from tests_support.clustered import spread_here
from tests_support.datasets import build, write_pictures, write_texts

from tl_core.backbones.classifier import load_classifier
from tl_core.config import RunConfig
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import ConfigError, DataError, TrainingError
from tl_core.evaluate import search
from tl_core.progress import Progress
from tl_core.recipes import run_recipe
from tl_core.recipes.search import backbones_at_hand, candidates, state
from tl_core.recipes.shared import trials
from tl_core.train.items.item_training import training_of

MINUTES = 0.35


@pytest.fixture
def version(tmp_path):
    return build(write_texts(tmp_path / "t.csv", 120), tmp_path / "v")


def config(version, backbone="", **options):
    return RunConfig(
        "train",
        "local",
        "d@1",
        str(version.folder),
        backbone,
        "auto",
        {"budget_minutes": MINUTES, "max_length": 16, "baseline": False, **options},
    )


def searched(version, tmp_path, backbone, progress=None, **options):
    (tmp_path / "run").mkdir(exist_ok=True)
    return run_recipe(
        config(version, backbone, **options),
        version,
        tmp_path / "run",
        tmp_path / "cache",
        progress or Progress(),
    )


def test_the_winner_is_an_ordinary_run_with_its_search_beside_it(version, tiny, tmp_path):
    started = time.monotonic()
    report = searched(version, tmp_path, f"local:{tiny('bert')}")
    assert (
        time.monotonic() - started < 66 * MINUTES + 15
    )  # imports of a first test are no part of it
    json.dumps(report, allow_nan=False)
    section = report["search"]
    board = {row["title"]: row for row in section["board"]}
    assert board["Probe"]["probe"] and board["Fine-tune from a probe (LP-FT)"]["minutes"] > 0
    winner = section["board"][0]
    assert winner["state"] == "winner" and winner["log_loss"] <= board["Probe"]["log_loss"]
    assert (report["recipe"], report["backbone"]) == (winner["recipe"], winner["backbone"])
    assert report["validation"]["accuracy"]["value"] == pytest.approx(
        winner["accuracy"]["value"]
    ) or (report["validation"]["kind"] == "cv")
    assert load_classifier(tmp_path / "run" / "model").labels == report["labels"]
    assert report["headline"].startswith("The best of ")
    RunConfig(
        "train",
        "local",
        "d@1",
        str(version.folder),
        section["winner"]["backbone"],
        section["winner"]["recipe"],
        section["winner"]["options"],
    )  # its settings train it again
    assert not list((tmp_path / "run" / "trials").glob("*/model/*"))
    progress = json.loads((tmp_path / "run" / "search.json").read_text())
    assert progress["spent"] < 66 * MINUTES and progress["board"][0]["state"] == "winner"


def test_pictures_with_several_backbones_at_hand(tiny, tmp_path, monkeypatch):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "small").symlink_to(tiny("resnet"))
    monkeypatch.setenv("TL_MODELS_DIR", str(tmp_path / "models"))
    monkeypatch.setattr(training_of("image"), "baseline_seconds", 0.0)
    monkeypatch.setattr(
        backbones_at_hand,
        "list_backbones",
        lambda settings: [
            {"reference": name, "modality": "image", "problem": ""}
            for name in ("starter:image-small", "local:small")
        ],
    )
    version = build(write_pictures(tmp_path / "p", each=24), tmp_path / "v")
    section = searched(version, tmp_path, "", budget_minutes=0.4)["search"]
    ranked = [row for row in section["board"] if row["state"] == "ranked"]
    assert {row["backbone"] for row in ranked} == {"starter:image-small", "local:small"}
    assert sum(row["part"] > 0 and row["recipe"] == "finetune" for row in section["board"]) >= 1


def test_no_candidate_sees_a_test_label(version, tiny, tmp_path, monkeypatch):
    seen = []
    real = state.load_training

    def watched(recipe):
        def train(own, blind, *rest):
            seen.append(blind.labels[blind.rows_of("test")])
            return real(recipe)(own, blind, *rest)

        return train

    monkeypatch.setattr(state, "load_training", watched)
    searched(version, tmp_path, f"local:{tiny('bert')}", budget_minutes=0.3)
    assert len(seen) >= 2 and all((labels == -1).all() for labels in seen)


@pytest.mark.parametrize(
    "count",
    [1, pytest.param(2, marks=pytest.mark.whole), 3, pytest.param(4, marks=pytest.mark.whole)],
)
def test_every_number_of_candidates_ends_in_a_whole_training(
    count, version, tiny, tmp_path, monkeypatch
):
    """With time for all, so that nothing here depends on how fast the machine is."""
    real = candidates.tuned
    monkeypatch.setattr(
        candidates,
        "tuned",
        lambda *arguments: [one for one in real(*arguments) if one.recipe == "finetune"][:count],
    )
    monkeypatch.setattr(search, "first_round", lambda ratio, candidates, at_once: count)
    board = searched(version, tmp_path, f"local:{tiny('bert')}", budget_minutes=60.0)["search"][
        "board"
    ]
    parts = [row["part"] for row in board if row.get("recipe") == "finetune"]
    assert 1.0 in parts
    assert (search.QUICK in parts) == (count > 1)
    assert (search.HALF in parts) == (search.second_round(count) > 0)


class Stopped(Progress):
    """Asks to stop once something is being trained, or ends the process as a signal would."""

    def __init__(self, at, error=None):
        self.at, self.error, self.heard = at, error, False

    def stage(self, name, total=0, share=0.0):
        self.heard = self.heard or self.at in name
        if self.heard and self.error:
            raise self.error

    def should_stop(self):
        return self.heard


def test_stopped_early_it_keeps_the_best_so_far(version, tiny, tmp_path):
    report = searched(
        version, tmp_path, f"local:{tiny('bert')}", Stopped("Probe: Fitting"), budget_minutes=60.0
    )
    assert report["recipe"] == "probe" and report["search"]["board"][0]["state"] == "winner"


def test_interrupted_it_goes_on_where_it_was(version, tiny, tmp_path, monkeypatch):
    with pytest.raises(KeyboardInterrupt):
        searched(
            version, tmp_path, f"local:{tiny('bert')}", Stopped("Measuring", KeyboardInterrupt())
        )
    spent = json.loads((tmp_path / "run" / "search.json").read_text())["spent"]
    assert spent > 0 and trials.recall(tmp_path / "run" / "trials" / "probe-0") is not None
    trained = []
    real = state.load_training
    monkeypatch.setattr(
        state, "load_training", lambda recipe: (trained.append(recipe), real(recipe))[1]
    )
    report = searched(version, tmp_path, f"local:{tiny('bert')}")
    assert "probe" not in trained[:1] and "finetune" in trained
    assert report["search"]["minutes"] > spent / 60


def test_interrupted_in_its_last_training_that_very_training_goes_on(
    version, tiny, tmp_path, monkeypatch
):
    monkeypatch.setattr(search, "first_round", lambda ratio, candidates, at_once: 1)
    with pytest.raises(KeyboardInterrupt):
        searched(
            version, tmp_path, f"local:{tiny('bert')}", Stopped("Training", KeyboardInterrupt())
        )
    (begun,) = (tmp_path / "run" / "trials").glob("*-whole")
    before = RunConfig.read(begun)
    report = searched(version, tmp_path, f"local:{tiny('bert')}")
    assert list((tmp_path / "run" / "trials").glob("*-whole")) == [begun]
    assert RunConfig.read(begun) == before and trials.recall(begun) is not None
    assert sum(row.get("recipe") == "finetune" for row in report["search"]["board"]) == 1


def test_trials_on_other_machines_come_to_what_they_come_to_here(
    version, tiny, tmp_path, monkeypatch
):
    """With time for all; backbones, measured steps, short and whole trainings: each a task."""
    monkeypatch.setattr(
        backbones_at_hand,
        "_at_hand",
        lambda _search: [f"local:{tiny('bert')}", f"local:{tmp_path / 'nowhere'}"],
    )
    real = candidates.tuned
    monkeypatch.setattr(
        candidates,
        "tuned",
        lambda *arguments: [one for one in real(*arguments) if one.recipe == "finetune"][:2],
    )
    said, sure = [], []
    for processes in (1, 2):
        if processes > 1:
            calls = spread_here(monkeypatch)
        places = (tmp_path / f"run {processes}", tmp_path / "cache")
        places[0].mkdir()
        settings = {"budget_minutes": 60.0, "processes": processes}
        report = run_recipe(config(version, **settings), version, *places, Progress())
        told = report["search"]["board"]
        said.append([{name: row[name] for name in row if name != "minutes"} for row in told])
        sure.append(report["test"])
    assert said[0] == said[1] and sure[0] == sure[1]
    assert {row["state"] for row in said[1]} == {"winner", "tried", "ranked", "failed"}
    # both backbones; a probe at its end and at all depths; the steps; two rounds of two
    assert calls == [(2, 2), (2, 1), (2, 1), (1, 1), (2, 2), (2, 2)]


@pytest.mark.parametrize("firm", [True, False])
def test_a_trial_elsewhere_ends_when_its_time_is_up(firm, version, tiny, tmp_path, monkeypatch):
    """At once where it must, else with what it has learnt by then."""
    spread_here(monkeypatch)
    folder = tmp_path / "run"
    budget = trials.Budget(folder / "search.json", 600.0)
    own = config(version, f"local:{tiny('bert')}", processes=2)
    searching = state.Search(own, version, folder, tmp_path / "cache", Progress(), budget)
    options = {"strategy": "full", "epochs": 50.0, "max_length": 16, "baseline": False}
    long = candidates.Candidate("long", "Long", "finetune", own.backbone, options)
    tried = searching.train(long, 0.5, budget.spent, firm=firm)
    if firm:
        assert tried is None and "too slow for this budget" in searching.board()[0]["why"]
    else:
        training = trials.recall(folder / "trials" / "long").facts["training"]
        assert training["steps"] < training["planned_steps"] and searching.best is tried


def test_a_budget_that_is_used_up_still_gives_the_first_probe(version, tiny, tmp_path):
    report = searched(version, tmp_path, f"local:{tiny('bert')}", budget_minutes=0.1, baseline=True)
    assert report["recipe"] == "probe" and report["test"]["n"]
    assert "tfidf" in report["baselines"]


def test_what_cannot_be_used_is_said(version, tmp_path, tiny):
    with pytest.raises(TrainingError, match="No backbone could be probed"):
        searched(version, tmp_path, f"local:{tmp_path / 'nowhere'}")
    with pytest.raises(ConfigError):
        config(version, budget_minutes=0.0)
    with pytest.raises(DataError):
        searched(
            build(write_texts(tmp_path / "few.csv", 3), tmp_path / "few"),
            tmp_path,
            f"local:{tiny('bert')}",
        )


# The choices alone, on numbers.


def test_a_standing_is_accuracy_and_log_loss_and_what_was_not_said_is_wrong():
    labels, probabilities = (
        np.array([0, 1, 1]),
        np.array([[0.8, 0.2], [0.4, 0.6], [np.nan, np.nan]]),
    )
    standing = search.standing("single_label", labels, probabilities)
    assert standing["accuracy"]["value"] == pytest.approx(2 / 3)
    assert standing["log_loss"] == pytest.approx(-(np.log(0.8) + np.log(0.6) + np.log(0.5)) / 3)


def stands(accuracy, log_loss):
    return {"accuracy": {"value": accuracy}, "log_loss": log_loss}


@pytest.mark.parametrize(
    ("one", "best", "leads"),
    [
        ((0.9, 0.3), (0.8, 0.5), True),
        ((0.9, 0.6), (0.8, 0.5), False),
        ((0.7, 0.3), (0.8, 0.5), False),
    ],
)  # surer of itself, but less often right than the probe
def test_nothing_is_kept_that_is_less_than_the_probe(one, best, leads):
    assert search.leads(stands(*one), stands(*best), stands(0.8, 0.5)) is leads


def test_the_probe_keeps_its_place_unless_something_is_clearly_better():
    """36 items that both have right: the surer one is no better."""
    random = np.random.default_rng(0)
    probe = {**stands(1.0, 0.03), "losses": random.exponential(0.03, 36)}
    near = {**stands(1.0, 0.025), "losses": random.permutation(probe["losses"]) - 1e-3}
    clear = {**stands(1.0, 0.005), "losses": probe["losses"] / 6}
    assert not search.leads(near, probe, probe) and search.leads(clear, probe, probe)
    assert search.leads(
        near, {**stands(1.0, 0.028), "losses": probe["losses"]}, probe
    )  # among others, the lower


@pytest.mark.parametrize("ratio", np.linspace(0.2, 12, 40))
def test_the_rounds_fit_into_the_time(ratio):
    count = search.first_round(ratio, 7)
    cost = 1 if count == 1 else 1 + search.QUICK * count + search.HALF * search.second_round(count)
    assert count == 1 or cost <= ratio
    assert count <= 7
    side_by_side = search.first_round(ratio, 7, 7)
    assert side_by_side == (7 if ratio >= 1 + search.QUICK + search.HALF else side_by_side)
    assert side_by_side >= count


def test_the_plain_candidate_stays_ahead_of_what_is_not_clearly_better():
    random = np.random.default_rng(0)
    base = random.uniform(0.1, 1, 200)
    near, clear = base + np.tile([0.3, -0.31], 100), base - 0.1
    assert not search.clearly_better({"losses": near}, {"losses": base})
    assert search.clearly_better({"losses": clear}, {"losses": base})


def test_candidates_differ_and_shorter_ones_have_their_share_of_the_epochs(version, tmp_path):
    settings = config(version).settings
    pool = candidates.with_rates(candidates.tuned("starter:text", version, settings), 1e-4)
    assert (
        len({one.name for one in pool}) == len(pool)
        and pool[0].options.get("learning_rate") is None
    )
    for one in pool:
        RunConfig("train", "local", "d@1", "x", "starter:text", one.recipe, one.options)
    assert (
        pool[0].shorter(0.25, 12.0).options["epochs"] == 3.0
        and pool[0].shorter(0.25, 12.0).part == 0.25
    )
    assert "contrastive" in {one.recipe for one in pool}  # 64 texts a class and fewer
    letters = replace(settings, augment="orientation matters")
    pictures = DatasetVersion(build(write_pictures(tmp_path / "p", each=8), tmp_path / "pv").folder)
    assert {
        one.options["augment"] for one in candidates.tuned("starter:image", pictures, letters)
    } == {"orientation matters"}


def test_time_is_counted_over_interruptions(tmp_path):
    budget = trials.Budget(tmp_path / "s.json", 10.0)
    budget._before = 3.0
    budget.note(trying="x")
    again = trials.Budget(tmp_path / "s.json", 10.0)
    assert 3.0 <= again.spent < 4.0 and 6.0 < again.left <= 7.0
