"""Items with several labels through every recipe and analysis, and out of the program."""

from __future__ import annotations

import csv
import json
import subprocess
import sys

import numpy as np
import pytest
from sklearn.metrics import f1_score
from tests_support.datasets import build

from tl_core.backbones.classifier import load_classifier
from tl_core.config import RunConfig
from tl_core.config.specs import RankSpec
from tl_core.errors import ConfigError
from tl_core.evaluate.html import render
from tl_core.evaluate.kept_answers import answered
from tl_core.evaluate.report import load_report, write_report
from tl_core.export.bundle import export
from tl_core.export.verify import verify
from tl_core.export.wishes import Wishes
from tl_core.predict.batch import predict_source
from tl_core.predict.serving.service import answers_of
from tl_core.progress import Progress
from tl_core.recipes import run_recipe
from tl_core.recipes.analyses.backbone_ranking import rank
from tl_core.recipes.analyses.exploration import explore
from tl_core.recipes.analyses.label_errors import look
from tl_core.recipes.analyses.robustness import stress
from tl_core.recipes.analyses.training_curve import follow
from tl_core.settings import read_settings
from tl_core.tasks.kept_thresholds import read_thresholds, save_thresholds

WORDS = {
    "anger": ("bad", "late", "the order is bad"),
    "joy": ("good", "film", "a good film"),
    "money": ("money", "back", "my money is back"),
}
SCORES = ("micro_f1", "macro_f1", "weighted_f1", "map", "exact_match", "hamming_loss")


@pytest.fixture(scope="module")
def version(tmp_path_factory):
    """150 texts of no, one or two topics, each of which shows in a word."""
    folder = tmp_path_factory.mktemp("several")
    random = np.random.default_rng(0)
    lines = ["text,label,city"]
    for number in range(150):
        own = [name for name in WORDS if random.random() < 0.4]
        words = " ".join(WORDS[name][number % 2] for name in own) or "the"
        cell = json.dumps(own).replace('"', '""')
        lines.append(f'{words} {number},"{cell}",{("Rome", "Oslo")[number % 2]}')
    (folder / "t.csv").write_text("\n".join(lines) + "\n")
    return build(folder / "t.csv", folder / "v")


def trained(version, folder, recipe, backbone="", **options):
    folder.mkdir(parents=True)
    config = RunConfig("train", "local", "d@1", str(version.folder), backbone, recipe, options)
    config.write(folder)
    report = run_recipe(config, version, folder, version.folder.parent / "cache", Progress())
    write_report(folder, report)
    return load_report(folder)


def check(report, version, folder):
    """Every score of the contract, the same again from the list of answers."""
    json.dumps(report, allow_nan=False)
    for split in ("test", "validation"):
        section = report[split]
        for name in SCORES:
            score = section[name]
            assert score["low"] <= score["value"] <= score["high"], (split, name)
        assert [row["label"] for row in section["per_class"]] == list(WORDS)
        assert all(0 <= row["threshold"] <= 1 for row in section["per_class"])
        assert "confusion" not in section and section["company"]["labels"] == list(WORDS)
    answers = answered(folder / "predictions.csv")
    assert (answers.truth == version.targets[version.rows_of("test")]).all()
    with (folder / "predictions.csv").open() as handle:
        said = [json.loads(row["labels"]) for row in csv.DictReader(handle)]
    wanted = [[int(name in one) for name in WORDS] for one in said]
    assert report["test"]["macro_f1"]["value"] == pytest.approx(
        f1_score(answers.truth, wanted, average="macro", zero_division=0)
    )
    assert "Of 100 labels" in report["headline"]


def test_a_probe_learns_labels_side_by_side_and_plain_transformers_agrees(tmp_path, tiny, version):
    report = trained(
        version, tmp_path / "run", "probe", f"local:{tiny('bert')}", pooling="mean", max_length=24
    )
    check(report, version, tmp_path / "run")
    assert (
        report["test"]["micro_f1"]["value"]
        > 0.8
        > report["baselines"]["majority"]["test"]["micro_f1"]["value"]
    )
    assert report["parity"]["pipeline"] < 1e-4
    against = report["against_baseline"]
    assert against["test"] == "exact McNemar" and 0 < against["item_f1"]["p_value"] <= 1
    config = json.loads((tmp_path / "run" / "model" / "config.json").read_text())
    assert config["problem_type"] == "multi_label_classification"
    kept = read_thresholds(tmp_path / "run" / "model", list(WORDS))
    assert kept.tolist() == [row["threshold"] for row in report["test"]["per_class"]]
    # the very folder, opened again, says what the list of answers says
    classifier = load_classifier(tmp_path / "run" / "model")
    rows = version.rows_of("test")
    again = classifier.probabilities(version.texts(rows))
    assert np.abs(again - answered(tmp_path / "run" / "predictions.csv").said).max() < 1e-5
    assert "Labels together" not in render(report) and "micro F1" in render(report)


@pytest.mark.parametrize(
    ("recipe", "options"),
    [
        ("baseline", {}),
        ("finetune", {"strategy": "lpft", "epochs": 1.0, "class_weights": "balanced"}),
        ("finetune", {"strategy": "full", "epochs": 1.0, "loss": "asymmetric"}),
        ("finetune", {"strategy": "lora", "epochs": 1.0, "loss": "focal", "oversample": True}),
        ("zero_shot", {}),
        ("contrastive", {"pairs": 64}),
    ],
    ids=("baseline", "lpft", "asymmetric", "lora", "zero_shot", "contrastive"),
)
def test_every_recipe_that_makes_sense_goes(tmp_path, tiny, version, recipe, options):
    backbone = "" if recipe == "baseline" else f"local:{tiny('bert')}"
    more = {} if recipe == "baseline" else {"max_length": 24}
    report = trained(version, tmp_path / "run", recipe, backbone, **more, **options)
    check(report, version, tmp_path / "run")


def test_a_ladder_and_a_search_compare_by_items_that_are_all_right(tmp_path, tiny, version):
    ladder = trained(
        version,
        tmp_path / "ladder",
        "ladder",
        f"local:{tiny('bert')}",
        rungs=["baseline", "probe"],
        seeds=1,
        max_length=24,
    )
    check(ladder, version, tmp_path / "ladder")
    assert {row["name"] for row in ladder["ladder"]["rows"]} == {"baseline", "probe"}
    found = trained(
        version,
        tmp_path / "auto",
        "auto",
        f"local:{tiny('bert')}",
        budget_minutes=0.2,
        max_length=24,
    )
    check(found, version, tmp_path / "auto")


def test_what_needs_one_class_is_refused_in_words(tmp_path, tiny, version):
    with pytest.raises(ConfigError, match="cannot start from words"):
        trained(version, tmp_path / "a", "probe", f"local:{tiny('bert')}", start="words")


def test_the_asymmetric_loss_needs_several_labels(tmp_path, tiny):
    from tests_support.datasets import write_texts

    single = build(write_texts(tmp_path / "t.csv", 40), tmp_path / "v")
    with pytest.raises(ConfigError, match="several labels"):
        trained(
            single,
            tmp_path / "a",
            "finetune",
            f"local:{tiny('bert')}",
            strategy="full",
            loss="asymmetric",
        )


@pytest.fixture(scope="module")
def run(tmp_path_factory, tiny, version):
    """A probe's run."""
    folder = tmp_path_factory.mktemp("probe") / "3f9a0c12de"
    trained(
        version, folder, "probe", f"local:{tiny('bert')}", pooling="mean", max_length=24, repeats=0
    )
    return folder


def config(version, kind, recipe="probe", backbone="", **options):
    return RunConfig(kind, "local", "d@1", str(version.folder), backbone, recipe, options)


def test_analyses_know_sets(tmp_path, tiny, version, run):
    cache, backbone = version.folder.parent / "cache", f"local:{tiny('bert')}"
    own = config(version, "suspect", backbone=backbone, pooling="mean", max_length=24)
    suspects = look(own, version, tmp_path, cache, Progress())
    assert suspects["looked_at"] and all(
        json.loads(one["suggested"]) != json.loads(one["given"]) for one in suspects["rows"]
    )
    growth = explore(own, version, tmp_path, cache, Progress())
    assert {row["label"] for row in growth["classes"]} == set(WORDS)
    tried = stress(run / "model", version, tmp_path, Progress())
    assert tried["clean"]["value"] == pytest.approx(
        load_report(run)["test"]["exact_match"]["value"]
    )
    curve = follow(own, version, tmp_path, cache, Progress())
    assert {row["label"] for row in curve["classes"]} == set(WORDS)
    wanted = RankSpec(backbones=(backbone,), rows=60)
    ranked = rank(
        RunConfig("rank", "local", "d@1", str(version.folder), options=wanted.as_dict()),
        version,
        tmp_path,
        cache,
        Progress(),
    )
    assert ranked["ranking"][0]["leep"] is None


def test_a_planted_wrong_label_is_found(tmp_path, tiny, version):
    """Rows that lost a label on purpose are suspected of missing it."""
    rows = version.rows_of("train", "validation")
    with_money = rows[version.targets[rows][:, list(WORDS).index("money")] == 1]
    # anywhere: the first rows are those of short numbers, which features can tell
    planted = np.random.default_rng(0).permutation(with_money)[:12].tolist()
    texts, cells = version.texts(np.arange(150)), version.sets.cells
    with (tmp_path / "t.csv").open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["text", "label"])
        for row, text in enumerate(texts):
            own = json.loads(cells[version.labels[row]])
            own = [name for name in own if name != "money" or row not in planted]
            writer.writerow([text, json.dumps(own)])
    worse = build(tmp_path / "t.csv", tmp_path / "v")
    own = config(worse, "suspect", backbone=f"local:{tiny('bert')}", pooling="mean", max_length=24)
    suspects = look(own, worse, tmp_path, tmp_path / "cache", Progress())
    missing = [
        one["row"]
        for one in suspects["rows"]
        if "money" in json.loads(one["suggested"]) and "money" not in json.loads(one["given"])
    ]
    judged = {*planted} & {*worse.rows_of("train", "validation").tolist()}
    assert len(judged & {*missing}) >= len(judged) / 3 > 0
    assert len(judged & {*missing}) > len({*missing} - judged)


def test_predictions_of_files_name_sets_by_the_kept_thresholds(tmp_path, version, run):
    (tmp_path / "new.csv").write_text("text\na good film\nbad money\nthe\n")
    predict_source(run / "model", tmp_path / "new.csv", tmp_path / "out.csv", read_settings())
    with (tmp_path / "out.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    kept = read_thresholds(run / "model", list(WORDS))
    for row in rows:
        said = np.array([float(row[f"p:{name}"]) for name in WORDS])
        named = [name for name, yes in zip(WORDS, said >= kept, strict=True) if yes]
        assert json.loads(row["labels"]) == named
        assert float(row["confidence"]) == pytest.approx(
            np.where(said >= kept, said, 1 - said).min()
        )
    assert "joy" in json.loads(rows[0]["labels"])


def test_a_server_answers_with_lists(run):
    [answer] = answers_of(load_classifier(run / "model"), ["a good film"], 0.0)
    plain = answer.model_dump()
    assert plain["labels"] and "label" not in plain
    assert set(plain["probabilities"]) == set(WORDS)


def test_thresholds_that_are_kept_decide(tmp_path, run):
    before = read_thresholds(run / "model", list(WORDS))
    try:
        save_thresholds(run / "model", dict.fromkeys(WORDS, 1.0))
        [answer] = answers_of(load_classifier(run / "model"), ["a good film"], 0.0)
        assert answer.labels == []
        with pytest.raises(ConfigError, match="not possible"):
            save_thresholds(run / "model", {"joy": 1.5})
    finally:
        save_thresholds(run / "model", dict(zip(WORDS, before.tolist(), strict=True)))


def test_a_bundle_carries_them_and_runs_elsewhere(tmp_path, version, run):
    bundle = tmp_path / "bundle"
    export(run, bundle, Wishes(onnx=True), version, Progress())
    assert verify(bundle)["ok"]
    facts = json.loads((bundle / "graft.json").read_text())
    assert facts["task"] == "multi_label" and len(facts["thresholds"]) == 3
    said = subprocess.run(
        [sys.executable, "predict.py", "a good film", "bad money"],
        cwd=bundle,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    rows = list(csv.DictReader(said.splitlines()))
    classifier = load_classifier(run / "model")
    wanted = answers_of(classifier, ["a good film", "bad money"], 0.0)
    for row, one in zip(rows, wanted, strict=True):
        assert json.loads(row["labels"]) == one.labels
        assert float(row["p:joy"]) == pytest.approx(one.probabilities["joy"], abs=1e-5)
    card = (bundle / "README.md").read_text()
    assert "any number of them" in card and "Exact match" in card
