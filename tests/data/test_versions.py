"""Versions: immutable, fingerprinted, split once and for all."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
from tests_support.datasets import build, write_pictures, write_texts

from tl_core.data.dataset_version import ImportOptions
from tl_core.data.label_sets import LabelSets
from tl_core.data.versions.collector import as_seconds
from tl_core.data.versions.split import (
    Labelled,
    assign_splits,
    carve,
    holdout_fraction,
    newest,
    plan_folds,
)
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import DataError


def labelled(labels, groups=None):
    labels = np.array(labels)
    groups = np.arange(len(labels)) if groups is None else np.array(groups)
    return Labelled(labels, sets_of(labels), groups)


def sets_of(labels):
    return LabelSets.of_classes([str(place) for place in range(int(labels.max()) + 1)])


def split(labels, groups=None, given=None, **options):
    return assign_splits(
        labelled(labels, groups),
        np.array(given if given is not None else [""] * len(labels), dtype="<U10"),
        ImportOptions(**options),
    )


def test_splits_are_stratified_seeded_and_complete():
    labels = [0] * 300 + [1] * 60 + [2] * 30
    first, again, other = split(labels), split(labels), split(labels, seed=1)
    assert (first.splits == again.splits).all()
    assert (first.splits != other.splits).any()
    for label in range(3):
        mine = first.splits[np.array(labels) == label]
        assert abs((mine == "test").mean() - 0.2) < 0.02
        assert set(mine) == {"train", "validation", "test"}


def test_holdout_follows_the_published_rule():
    assert holdout_fraction(100) == 0.2
    assert holdout_fraction(4000) == pytest.approx(0.125)
    assert holdout_fraction(4999) == pytest.approx(500 / 4999)
    assert holdout_fraction(10**6) == 0.01


def test_a_singleton_class_stays_in_train():
    found = split([0] * 20 + [1] * 20 + [2])
    assert found.splits[-1] == "train"


def test_groups_are_never_torn_apart():
    random = np.random.default_rng(0)
    groups, labels = random.integers(0, 40, 400), random.integers(0, 3, 400)
    found = split(labels, groups)
    for group in range(40):
        assert len(set(found.splits[groups == group])) == 1
    assert {"train", "validation", "test"} == set(found.splits)


def test_trap_19_duplicates_never_stand_on_both_sides(tmp_path):
    path = tmp_path / "t.csv"
    lines = [
        f"Message  {i % 30} here,{'ab'[i % 2]}" if i % 3 else f"message {i % 30} HERE,{'ab'[i % 2]}"
        for i in range(180)
    ]
    path.write_text("text,label\n" + "\n".join(lines))
    version = build(path, tmp_path / "v")
    keys = [" ".join(text.casefold().split()) for text in version.items["text"]]
    where: dict[str, set[str]] = {}
    for key, name in zip(keys, version.splits, strict=True):
        where.setdefault(key, set()).add(name)
    assert all(len(names) == 1 for names in where.values())
    assert "duplicates" in {finding["id"] for finding in version.info.findings}


def test_a_lone_validation_split_becomes_the_test():
    given = ["train"] * 40 + ["validation"] * 10
    labels = [i % 2 for i in range(50)]
    found = split(labels, given=given)
    assert (found.splits[40:] == "test").all()
    assert {"train", "validation"} == set(found.splits[:40])
    assert found.findings[0].id == "validation_as_test"
    kept = split(labels, given=given, val_is="validation")
    assert (kept.splits[40:] == "validation").all()
    assert {"train", "test"} == set(kept.splits[:40])


def test_own_splits_are_never_moved_and_leaks_are_named(tmp_path):
    rows = [f"text {i},{'ab'[i % 2]},train" for i in range(30)] + [
        f"other {i},{'ab'[i % 2]},test" for i in range(9)
    ]
    rows += [f"valid {i},{'ab'[i % 2]},dev" for i in range(9)] + ["text 4,a,test"]
    (tmp_path / "t.csv").write_text("text,label,split\n" + "\n".join(rows))
    version = build(tmp_path / "t.csv", tmp_path / "v")
    assert version.info.splits == {"train": 30, "validation": 9, "test": 10}
    leak = next(finding for finding in version.info.findings if finding["id"] == "leak")
    assert leak["count"] == 1
    mended = build(tmp_path / "t.csv", tmp_path / "w", remove_leaks=True)
    assert mended.info.splits == {"train": 29, "validation": 9, "test": 10}
    assert "leak" not in {finding["id"] for finding in mended.info.findings}


def test_the_newest_rows_are_the_test_and_those_before_them_validation():
    random = np.random.default_rng(0)
    dates = random.permutation(np.repeat(np.arange(100, dtype=np.float64), 4))
    dates[:3] = np.nan
    labels = random.integers(0, 2, 400)
    found = assign_splits(
        labelled(labels),
        np.array([""] * 400, dtype="<U10"),
        ImportOptions(date_column="day", test_fraction=0.2, val_fraction=0.1),
        dates,
    )
    test, validation, train = (
        dates[found.splits == name] for name in ("test", "validation", "train")
    )
    assert test.min() > validation.max()
    assert validation.min() > np.nanmax(train)
    assert 0.18 < len(test) / 400 < 0.23
    assert found.findings[-1].id == "undated"
    assert found.findings[-1].count == 3


def test_dates_are_read_in_any_usual_spelling():
    found = as_seconds(
        pa.array(["2026-01-02", "", "3 Feb 2026", "nonsense", "2026-01-02T10:00:00Z"])
    )
    assert np.isnan(found[[1, 3]]).all()
    assert found[2] - found[0] == 32 * 86_400
    assert found[4] - found[0] == 36_000


def test_one_date_for_all_rows_leaves_nothing_to_split_by():
    assert not len(newest(np.arange(10), np.arange(10), np.zeros(10), 0.2))


def test_small_sets_get_a_plan_of_folds_that_keeps_groups_together():
    random = np.random.default_rng(0)
    groups, labels = random.integers(0, 60, 300), random.integers(0, 3, 300)
    splits = split(labels, groups).splits
    plan = plan_folds(labels, sets_of(labels), groups, splits, 0)
    used = np.isin(splits, ("train", "validation"))
    assert (plan[~used] == -1).all()
    assert set(plan[used]) == {0, 1, 2, 3, 4}
    assert all(len(set(plan[used & (groups == group)])) <= 1 for group in range(60))
    many = np.zeros(2000, dtype=np.int64)
    assert (
        plan_folds(many, sets_of(many), np.arange(2000), np.array(["train"] * 2000), 0) == -1
    ).all()


def test_the_plan_is_kept_with_the_version(tmp_path):
    version = build(write_texts(tmp_path / "t.csv"), tmp_path / "v")
    rows = version.rows_of("train", "validation")
    assert set(version.folds[rows]) == {0, 1, 2, 3, 4}
    assert (version.folds[version.rows_of("test")] == -1).all()


def test_only_test_rows_are_refused():
    with pytest.raises(DataError, match="none is left to train"):
        split([0, 1] * 5, given=["test"] * 10)


def test_carve_keeps_one_group_of_each_class():
    labels = np.array([0, 0, 1, 1, 1, 1])
    taken = carve(np.arange(6), labelled(labels), 0.9, 0)
    assert {0, 1} == set(np.delete(labels, taken))


def test_the_fingerprint_follows_content(tmp_path):
    path = write_texts(tmp_path / "t.csv")
    first, again = build(path, tmp_path / "a"), build(path, tmp_path / "b")
    assert first.info.fingerprint == again.info.fingerprint
    assert build(path, tmp_path / "c", seed=5).info.fingerprint != first.info.fingerprint
    path.write_text(path.read_text().replace(",good", ",great", 1))
    other = build(path, tmp_path / "d")
    assert other.info.fingerprint != first.info.fingerprint
    assert other.info.inputs_fingerprint == first.info.inputs_fingerprint


def test_images_are_bytes_in_memory_mapped_arrow(tmp_path):
    root = write_pictures(tmp_path / "d")
    version = build(root, tmp_path / "v")
    row = version.names(np.arange(36)).index("red/3.png")
    assert version.image_bytes(row) == (root / "red" / "3.png").read_bytes()
    assert version.items.cache_files[0]["filename"].endswith("items.arrow")


def test_a_folder_without_its_manifest_is_no_version(tmp_path):
    version = build(write_texts(tmp_path / "t.csv"), tmp_path / "v")
    (version.folder / "version.json").unlink()
    with pytest.raises(DataError, match="missing or damaged"):
        DatasetVersion(version.folder)


def test_extra_columns_travel_along(tmp_path):
    rows = "\n".join(f"t {i},{'ab'[i % 2]},shop{i % 3},x" for i in range(20))
    (tmp_path / "t.csv").write_text("text,label,source,name\n" + rows)
    version = build(tmp_path / "t.csv", tmp_path / "v")
    assert version.items[1]["source"] == "shop1"
    assert version.items[1]["input_name"] == "x"
    assert json.loads((version.folder / "version.json").read_text())["columns"] == {
        "text": "text",
        "label": "label",
    }
