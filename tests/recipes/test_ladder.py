"""The ladder: one job, no look at a test label, and a recommendation that a plain loop agrees
with.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
from tests_support.clustered import spread_here
from tests_support.datasets import build, write_texts

from tl_core.backbones.classifier import load_classifier
from tl_core.config import RunConfig
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import TrainingError
from tl_core.evaluate.recommendation import advice, paired_p, weigh
from tl_core.progress import Progress
from tl_core.recipes import ladder, run_recipe
from tl_core.recipes.cluster import part_work
from tl_core.recipes.shared.common import SealedVersion

RUNGS = ["baseline", "probe", "lpft", "lora"]


@pytest.fixture
def version(tmp_path):
    return build(write_texts(tmp_path / "t.csv", 60), tmp_path / "v")


def config_of(version, tiny, **options):
    return RunConfig(
        "train",
        "local",
        "d@1",
        str(version.folder),
        f"local:{tiny('bert')}",
        "ladder",
        {"rungs": RUNGS, "seeds": 2, "epochs": 1.0, "max_length": 16, **options},
    )


def test_no_strategy_sees_a_test_label(version, tiny, tmp_path):
    """Trained once with the labels and once with NaN in the place of every test label: the same
    answers.
    """

    class Poisoned(DatasetVersion):
        @property
        def labels(self):
            known = super().labels.astype(np.float64)
            known[self.rows_of("test")] = np.nan
            return known

    answers = []
    for name, some in (("known", version), ("nan", Poisoned(version.folder))):
        climbed = ladder.climb(
            config_of(version, tiny),
            SealedVersion(some),
            tmp_path / name,
            tmp_path / "cache",
            Progress(),
        )
        answers.append([one.trained.test for one in climbed])
    for first, second in zip(*answers, strict=True):
        assert np.array_equal(first, second)


def test_the_ladder_reports_every_rung_and_keeps_one_model(version, tiny, tmp_path):
    (tmp_path / "run").mkdir()
    report = run_recipe(
        config_of(version, tiny), version, tmp_path / "run", tmp_path / "cache", Progress()
    )
    json.dumps(report, allow_nan=False)
    rows = {row["name"]: row for row in report["ladder"]["rows"]}
    assert list(rows) == RUNGS and all(row["seeds"] == 2 for row in rows.values())
    chosen = report["ladder"]["recommended"]
    assert not rows[chosen]["worse_than_best"]
    assert all(
        rows[chosen]["minutes"] <= row["minutes"]
        for row in rows.values()
        if not row["worse_than_best"]
    )
    assert not list((tmp_path / "run" / "rungs").glob("*/model"))
    if chosen != "baseline":
        assert load_classifier(tmp_path / "run" / "model").labels == report["labels"]
    held = version.rows_of("validation")
    assert report["ladder"]["items"] == len(held) and "on validation " in report["ladder"]["advice"]
    with np.load(tmp_path / "run" / "rungs" / "baseline-0" / "trained.npz") as kept:
        assert kept["validation_rows"].tolist() == held.tolist()
        right = (kept["validation"].argmax(axis=1) == version.labels[held]).mean()
    assert rows["baseline"]["accuracy"]["value"] == pytest.approx(right)


def test_no_test_label_takes_part_in_the_choice(version, tiny, tmp_path):
    """With every test label wrong the comparison and the recommendation are the same."""
    config = config_of(version, tiny, rungs=["baseline", "probe"])
    climbed = ladder.climb(
        config, SealedVersion(version), tmp_path / "run", tmp_path / "cache", Progress()
    )
    assert ladder.compare(version, climbed) == ladder.compare(SealedVersion(version), climbed)


def test_finished_rungs_are_not_trained_again(version, tiny, tmp_path, monkeypatch):
    config, sealed = config_of(version, tiny, rungs=["probe", "baseline"]), SealedVersion(version)
    first = ladder.climb(config, sealed, tmp_path / "run", tmp_path / "cache", Progress())
    monkeypatch.setattr(ladder, "load_training", lambda name: pytest.fail(f"trained {name} again"))
    again = ladder.climb(config, sealed, tmp_path / "run", tmp_path / "cache", Progress())
    for one, other in zip(first, again, strict=True):
        assert np.array_equal(one.trained.test, other.trained.test) and one.seconds == other.seconds


def test_the_paired_p_value_is_mcnemars_for_one_seed_and_a_permutation_test_for_several():
    from scipy.stats import binomtest, permutation_test

    random = np.random.default_rng(0)
    first, second = (random.random(200) < share for share in (0.9, 0.8))
    alone, other = int((first & ~second).sum()), int((~first & second).sum())
    assert paired_p(first.astype(float), second.astype(float)) == pytest.approx(
        binomtest(alone, alone + other).pvalue
    )
    means = [np.stack([right, random.random(200) < 0.85]).mean(axis=0) for right in (first, second)]
    theirs = permutation_test(
        (means[0] - means[1],),
        np.mean,
        permutation_type="samples",
        n_resamples=20_000,
        random_state=1,
    ).pvalue
    assert paired_p(*means) == pytest.approx(theirs, abs=0.01)
    assert paired_p(means[0], means[0]) == 1.0


def test_the_cheapest_that_is_not_worse_is_recommended():
    random = np.random.default_rng(3)
    good = random.random((2, 300)) < 0.95
    nearly, bad = good.copy(), random.random((2, 300)) < 0.6
    nearly[:, :2] = ~nearly[:, :2]
    rungs = [
        {"name": name, "title": name, "minutes": minutes, "trainable_parameters": 1}
        for name, minutes in (("bad", 0.1), ("nearly", 1.0), ("good", 10.0))
    ]
    comparison = weigh(rungs, {"bad": bad, "nearly": nearly, "good": good})
    assert comparison["recommended"] == "nearly"
    assert [row["worse_than_best"] for row in comparison["rows"]] == [True, False, False]
    assert "Take nearly" in advice(comparison, 300, "texts") or comparison["best"] == "nearly"


def test_without_items_to_choose_by_the_cheapest_is_taken():
    rungs = [
        {"name": name, "title": name, "minutes": minutes, "trainable_parameters": 1}
        for name, minutes in (("dear", 2.0), ("cheap", 1.0))
    ]
    comparison = weigh(rungs, {name: np.zeros((2, 0), dtype=bool) for name in ("dear", "cheap")})
    assert comparison["recommended"] == "cheap" and "no texts to choose by" in advice(
        comparison, 0, "texts"
    )


def test_a_stopped_ladder_compares_only_what_was_trained_to_its_end(version, tiny, tmp_path):
    class Stops(Progress):
        stopping = False

        def stage(self, name, total=0, share=0.0):
            self.stopping = self.stopping or (
                name.startswith("Fine-tune from a probe (LP-FT), seed 1")
                and name.endswith("Training")
            )

        def should_stop(self):
            return self.stopping

    climbed = ladder.climb(
        config_of(version, tiny),
        SealedVersion(version),
        tmp_path / "run",
        tmp_path / "cache",
        Stops(),
    )
    assert [(one.rung, one.seed) for one in climbed] == [
        ("baseline", 0),
        ("baseline", 1),
        ("probe", 0),
        ("probe", 1),
        ("lpft", 0),
    ]


class Heard(Progress):
    """Remembers remarks, and how many of the trainings elsewhere are over."""

    def __init__(self):
        self.logs, self.done, self.elsewhere = [], [], False

    def stage(self, name, total=0, share=0.0):
        self.elsewhere = name == "Trainings on the cluster"

    def batch(self, done, total):
        if self.elsewhere:
            self.done.append((done, total))

    def log(self, text):
        self.logs.append(text)


def test_trainings_on_other_machines_come_to_what_they_come_to_here(
    version, tiny, tmp_path, monkeypatch
):
    """A rung that comes apart is left out in both ways."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")

    def apart(name, load=ladder.load_training):
        def train(config, *rest):
            if config.options["seed"] == 1 and name == "baseline":
                raise TrainingError("It came apart.")
            return load(name)(config, *rest)

        return train

    for module in (ladder, part_work):
        monkeypatch.setattr(module, "load_training", apart)
    heard = Heard()

    def climb(name, processes):
        config = config_of(version, tiny, rungs=["baseline", "probe"], processes=processes)
        places = (tmp_path / name, tmp_path / "cache")
        return ladder.climb(config, SealedVersion(version), *places, heard)

    here = climb("here", 1)
    calls = spread_here(monkeypatch)
    there = climb("there", 2)
    assert [(one.rung, one.seed) for one in here] == [(one.rung, one.seed) for one in there]
    assert ("baseline", 1) not in [(one.rung, one.seed) for one in there]
    for one, other in zip(here, there, strict=True):
        assert np.array_equal(one.trained.test, other.trained.test)
    assert heard.logs.count("No transfer, seed 1: left out. It came apart.") == 2
    assert calls == [(2, 4)]
    assert heard.done == [(number, 4) for number in range(1, 5)]
