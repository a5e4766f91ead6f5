"""Data of which there is too little, or too little on one side: said at import, refused before
training, and told with the score; never an unexpected error.
"""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from tests_support.datasets import build, write_pictures

from tl_core.config import RunConfig
from tl_core.data.checks.small import obstacle
from tl_core.data.label_sets import LabelSets
from tl_core.errors import DataError
from tl_core.evaluate import report
from tl_core.progress import Progress
from tl_core.recipes import run_recipe
from tl_core.recipes.analyses import (
    backbone_ranking,
    estimate,
    exploration,
    label_errors,
    training_curve,
)
from tl_core.train.items.text_baseline import text_features
from tl_core.train.probe.folds import folds_of

WORDS = ("parcel", "refund", "invoice", "garden", "winter", "bottle", "engine", "letter")


def texts(path, rows, split=None, customer=None):
    """`rows` texts of the classes x and y in turn, with a split and a customer by their number."""
    with path.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(
            ["text", "label", *(["split"] if split else []), *(["customer"] if customer else [])]
        )
        for number in range(rows):
            writer.writerow(
                [
                    f"{WORDS[number % 8]} {WORDS[number * 3 % 7]} and {chr(97 + number % 26) * 4}",
                    "xy"[number % 2],
                    *([split(number)] if split else []),
                    *([customer(number)] if customer else []),
                ]
            )
    return path


def found(version):
    return {finding["id"]: finding for finding in version.info.findings}


def train(version, folder, recipe="baseline", backbone="", **options):
    folder.mkdir()
    config = RunConfig("train", "local", "d@1", str(version.folder), backbone, recipe, options)
    told = run_recipe(config, version, folder, folder.parent / "cache", Progress())
    json.dumps(told, allow_nan=False)
    return told


@pytest.mark.parametrize("rows", [2, 3, 4, 5])
def test_a_handful_of_texts_is_stored_with_a_problem_and_refused_before_training(tmp_path, rows):
    version = build(texts(tmp_path / "t.csv", rows), tmp_path / "v")
    assert found(version)["too_small"]["severity"] == "problem"
    for number, recipe in enumerate(
        ("baseline", "probe", "finetune", "static_embeddings", "ladder")
    ):
        with pytest.raises(DataError, match="no test rows|too few rows") as refused:
            train(
                version,
                tmp_path / str(number),
                recipe,
                "" if recipe == "baseline" else "starter:text",
            )
        assert refused.value.exit_code == 2
        assert refused.value.try_this


@pytest.mark.parametrize("each", [1, 2])
def test_a_handful_of_pictures_is_refused_as_well(tmp_path, each):
    version = build(
        write_pictures(tmp_path / "d", each=each, classes=("red", "green")), tmp_path / "v"
    )
    assert found(version)["too_small"]["severity"] == "problem"
    for recipe in ("baseline", "probe"):
        with pytest.raises(DataError):
            train(
                version,
                tmp_path / recipe,
                recipe,
                "" if recipe == "baseline" else "starter:image-small",
            )


@pytest.mark.parametrize("rows", [6, 7, 8, 9])
def test_the_smallest_texts_that_can_be_trained_have_a_caveat(tmp_path, tiny, rows):
    version = build(texts(tmp_path / "t.csv", rows), tmp_path / "v")
    assert found(version)["few_test"]["severity"] == "warning"
    assert "Careful: only 2 test texts" in train(version, tmp_path / "a")["headline"]
    probed = train(version, tmp_path / "b", "probe", f"local:{tiny('bert')}", max_length=16)
    assert "Careful: only 2 test texts" in probed["headline"]


@pytest.mark.parametrize("each", [3, 4])
def test_the_smallest_pictures_that_can_be_trained_have_a_caveat(tmp_path, tiny, each):
    version = build(
        write_pictures(tmp_path / "d", each=each, classes=("red", "green")), tmp_path / "v"
    )
    assert "Careful: only 2 test photos" in train(version, tmp_path / "a")["headline"]
    probed = train(version, tmp_path / "b", "probe", f"local:{tiny('vit')}")
    assert "Careful: only 2 test photos" in probed["headline"]


def test_one_single_group_is_refused_in_words_about_groups(tmp_path):
    version = build(
        texts(tmp_path / "t.csv", 20, customer=lambda _: "c1"),
        tmp_path / "v",
        group_column="customer",
    )
    assert "one group" in found(version)["too_small"]["text"]
    with pytest.raises(DataError, match="All 20 rows belong to one group"):
        train(version, tmp_path / "r")


def test_a_group_for_each_class_leaves_no_test(tmp_path):
    version = build(
        texts(tmp_path / "t.csv", 20, customer=lambda n: "ab"[n % 2]),
        tmp_path / "v",
        group_column="customer",
    )
    with pytest.raises(DataError, match="no test rows"):
        train(version, tmp_path / "r")


def test_one_group_to_learn_from_and_another_to_judge(tmp_path, tiny):
    version = build(
        texts(tmp_path / "t.csv", 20, customer=lambda n: n // 10),
        tmp_path / "v",
        group_column="customer",
    )
    assert found(version)["one_group"]["severity"] == "warning"
    assert "Right" in train(version, tmp_path / "a")["headline"]
    with pytest.raises(DataError, match="cannot be divided into folds"):
        train(version, tmp_path / "b", "probe", f"local:{tiny('bert')}", max_length=16)


def test_a_test_of_one_class_is_a_finding_and_a_caveat(tmp_path, tiny):
    version = build(
        texts(tmp_path / "t.csv", 48, split=lambda n: "test" if n % 4 == 0 else "train"),
        tmp_path / "v",
    )
    assert found(version)["one_class_test"]["items"] == ["x"]
    for folder, recipe, backbone in (
        ("a", "baseline", ""),
        ("b", "probe", f"local:{tiny('bert')}"),
    ):
        headline = train(version, tmp_path / folder, recipe, backbone)["headline"]
        assert "All test texts are of one class, 'x', so this says little." in headline


def test_validation_of_one_class_is_a_finding(tmp_path):
    def split(number):
        return (
            "validation"
            if number % 4 == 0
            else "test"
            if number % 4 == 1 or number % 8 == 2
            else "train"
        )

    version = build(texts(tmp_path / "t.csv", 48, split=split), tmp_path / "v")
    assert found(version)["one_class_validation"]["items"] == ["x"]
    assert "one_class_test" not in found(version)


def test_a_class_without_training_rows_is_a_problem(tmp_path):
    path = texts(tmp_path / "t.csv", 40, split=lambda n: "test" if n % 4 == 0 else "train")
    path.write_text(path.read_text() + "something quite new,z,test\n")
    version = build(path, tmp_path / "v")
    assert found(version)["unseen_classes"]["severity"] == "problem"
    assert train(version, tmp_path / "r")["classes_without_training_rows"] == ["z"]


def test_a_set_of_ordinary_size_has_none_of_these(tmp_path):
    version = build(texts(tmp_path / "t.csv", 120), tmp_path / "v")
    assert not {
        "too_small",
        "few_test",
        "one_group",
        "one_class_test",
        "one_class_validation",
    } & set(found(version))
    assert "Careful" not in train(version, tmp_path / "r")["headline"]


@pytest.mark.parametrize(
    ("rows", "customer"),
    [
        (2, None),
        (4, None),
        (6, None),
        (20, lambda _: "c"),
        (20, lambda n: n // 10),
        (20, lambda n: n % 2),
        (20, lambda n: n % 3),
    ],
)
def test_no_analysis_ends_unexpectedly(tmp_path, tiny, rows, customer):
    version = build(
        texts(tmp_path / "t.csv", rows, customer=customer),
        tmp_path / "v",
        **({"group_column": "customer"} if customer else {}),
    )
    backbone = f"local:{tiny('bert')}"
    for kind, work in (
        ("suspect", label_errors.look),
        ("explore", exploration.explore),
        ("curve", training_curve.follow),
        ("rank", backbone_ranking.rank),
        ("preflight", estimate.measure),
    ):
        folder = tmp_path / kind
        folder.mkdir()
        config = RunConfig(
            kind,
            "local",
            "d@1",
            str(version.folder),
            backbone,
            "probe",
            {"backbones": [backbone]} if kind == "rank" else {"max_length": 16},
        )
        try:
            work(config, version, folder, tmp_path / "cache", Progress())
        except DataError as refused:
            assert refused.try_this


def test_what_stands_in_the_way_follows_from_the_numbers():
    def asked(labels, splits, groups=None, **options):
        return obstacle(
            np.array(labels),
            LabelSets.of_classes(["a", "b", "c"]),
            np.array(splits),
            np.arange(len(labels)) if groups is None else np.array(groups),
            **options,
        )[0]

    enough = ([0, 1, 0, 1, 0, 1], ["train"] * 4 + ["test"] * 2)
    assert asked(*enough) == ""
    assert "no test rows" in asked([0, 1, 0, 1], ["train"] * 4)
    assert asked([0, 1, 0, 1], ["train"] * 4, judged=False) == ""
    assert "one group" in asked([0, 1, 0, 1], ["train"] * 4, [3, 3, 3, 3])
    assert "too few" in asked([0, 0, 0, 1, 1], ["train"] * 4 + ["test"])
    assert asked([0, 0, 0, 1, 1], ["train"] * 4 + ["test"], learns=False) == ""
    assert "no test rows" in asked([0, 1, 0, 1, -1], ["train"] * 4 + ["unlabelled"])
    assert (
        asked([0, 0, 1, 1, 2, 0], ["train", "train", "train", "validation", "train", "test"]) == ""
    )


def test_the_caveat_follows_from_the_section():
    def section(count, *support):
        rows = [{"label": name, "support": n} for name, n in zip("abc", support, strict=False)]
        return {"n": count, "per_class": rows}

    assert report.caveat(section(10, 5, 5), "text") == ""
    assert report.caveat(section(9, 5, 4), "text").startswith(" Careful: only 9 test texts,")
    assert report.caveat(section(1, 1, 0), "image").startswith(" Careful: only 1 test photo,")
    assert (
        report.caveat(section(50, 0, 50, 0), "text")
        == " All test texts are of one class, 'b', so this says little."
    )
    assert "only 3 validation texts" in report.caveat(section(3, 1, 2), "text", "validation")


def test_no_folds_come_from_one_group_or_single_rows():
    labels = np.array([0, 1, 0, 1])
    assert not list(folds_of(labels, np.zeros(4, dtype=np.int64), 5, 0))
    assert not list(folds_of(np.arange(4), np.arange(4), 5, 0))
    assert len(list(folds_of(labels, np.arange(4), 5, 0))) == 2


@pytest.mark.parametrize("some", [["abc", "xyz"], ["😀", "😢"], ["!!", "??"] * 30])
def test_word_statistics_cope_with_texts_that_share_nothing(some):
    assert text_features(some).fit_transform(some).shape[0] == len(some)
