"""Looking for wrong labels: planted ones are found by the real work on disk, and test rows are
never touched.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
from tests_support.datasets import Poisoned, build, write_pictures, write_texts

from tl_core.config import RunConfig
from tl_core.errors import DataError
from tl_core.progress import Progress
from tl_core.recipes.analyses.label_errors import look


def find(version, tmp_path, backbone, **options):
    folder = tmp_path / "look"
    folder.mkdir()
    config = RunConfig("suspect", "local", "d@1", str(version.folder), backbone, "probe", options)
    return look(config, version, folder, tmp_path / "cache", Progress()), folder


def mislabel(folder, wrong):
    """Move the pictures of `wrong` {(class, number): other class} into other class folders."""
    for (label, number), other in wrong.items():
        (folder / label / f"{number}.png").rename(folder / other / f"moved_{label}_{number}.png")


def test_planted_wrong_labels_are_found_with_the_class_they_should_have(tmp_path, tiny):
    source = write_pictures(tmp_path / "d", each=40)
    mislabel(
        source,
        {
            ("red", 3): "green",
            ("red", 9): "blue",
            ("green", 5): "red",
            ("blue", 1): "green",
            ("blue", 30): "red",
            ("green", 22): "blue",
        },
    )
    version = build(source, tmp_path / "v")
    errors, folder = find(version, tmp_path, f"local:{tiny('convnext')}")
    assert json.loads((folder / "suspects.json").read_text()) == errors
    names = version.names(np.arange(len(version.labels)))
    moved = {
        row for row, name in enumerate(names) if "moved" in name and version.splits[row] != "test"
    }
    listed = [one["row"] for one in errors["rows"]]
    assert len(moved & set(listed)) >= 0.75 * len(moved)
    assert len(listed) <= 2 * len(moved)
    for one in errors["rows"]:
        assert version.splits[one["row"]] != "test"
        assert len(set(one["neighbours"])) == 4
        assert one["row"] not in one["neighbours"]
        if one["row"] in moved:
            assert f"moved_{one['suggested']}" in names[one["row"]]
    assert errors["share"] == pytest.approx(len(moved) / errors["looked_at"], abs=0.05)
    assert f"{errors['count']} of {errors['looked_at']} photos" in errors["sentence"]


def test_test_labels_do_not_matter(tmp_path, tiny):
    version = build(write_texts(tmp_path / "t.csv", 60), tmp_path / "v")
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    clean, _ = find(version, tmp_path / "a", f"local:{tiny('bert')}", pooling="mean", max_length=24)
    poisoned, _ = find(
        Poisoned(version.folder),
        tmp_path / "b",
        f"local:{tiny('bert')}",
        pooling="mean",
        max_length=24,
    )
    assert clean == poisoned


def test_too_few_rows_are_refused_in_words(tmp_path, tiny):
    lines = ["text,label", *(f"text number {i},{'ab'[i % 2]}" for i in range(4))]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    version = build(tmp_path / "t.csv", tmp_path / "v")
    with pytest.raises(DataError, match="too few rows"):
        find(version, tmp_path, f"local:{tiny('bert')}", pooling="mean", max_length=24)


def test_a_backbone_for_the_other_kind_of_item_is_refused_in_words(tmp_path, tiny):
    version = build(write_texts(tmp_path / "t.csv"), tmp_path / "v")
    with pytest.raises(DataError, match="reads photos, the dataset holds texts"):
        find(version, tmp_path, f"local:{tiny('convnext')}")
