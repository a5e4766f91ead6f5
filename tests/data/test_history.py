"""Versions over time: adding rows, comparing, taking out and bringing back."""

from __future__ import annotations

import csv
import zipfile
from collections import Counter

import numpy as np
import pytest
from tests_support.datasets import LIMITS, build, write_pictures, write_texts

from tl_core.data.dataset_version import ImportOptions
from tl_core.data.sources.detect import open_source
from tl_core.data.sources.names import split_of
from tl_core.data.versions.build import build_version
from tl_core.data.versions.diff import compare_versions
from tl_core.data.versions.export import class_folders, take_out
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import DataError


def added(base, source, folder, **options):
    folder.mkdir()
    build_version(
        {"": open_source(source, folder / "s", LIMITS)},
        ImportOptions(**options),
        folder,
        source.name,
        None,
        base,
        "it@1",
    )
    return DatasetVersion(folder)


def more_texts(path):
    path.write_text(
        "text,label\n"
        + "".join(
            f"totally new words {i} here {i * 7},{'good' if i % 2 else 'fresh'}\n"
            for i in range(30)
        )
        + "the film is good 3,good\n"
    )
    return path


def test_added_rows_come_after_and_the_old_ones_keep_their_splits(tmp_path):
    base = build(write_texts(tmp_path / "t.csv"), tmp_path / "v")
    grown = added(base, more_texts(tmp_path / "more.csv"), tmp_path / "w")
    assert grown.info.rows == 71
    assert (grown.splits[:40] == base.splits).all()
    assert list(grown.texts(np.arange(40))) == list(base.texts(np.arange(40)))
    assert grown.info.labels == ["bad", "fresh", "good"]
    assert grown.info.class_splits["fresh"]["test"]
    assert grown.info.change == "Added 31 items from more.csv."
    copy = list(base.texts(np.arange(40))).index("the film is good 3")
    assert grown.splits[70] == base.splits[copy]  # a copy joins its original's side
    changes = compare_versions(base, grown)
    assert (changes["added"]["count"], changes["removed"]["count"], changes["moved"]["count"]) == (
        31,
        0,
        0,
    )


def test_added_rows_can_all_go_to_train(tmp_path):
    base = build(write_texts(tmp_path / "t.csv"), tmp_path / "v")
    grown = added(base, more_texts(tmp_path / "more.csv"), tmp_path / "w", new_rows="train")
    assert Counter(grown.splits[40:70].tolist()) == {"train": 30}
    assert (grown.splits == "test").sum() == (base.splits == "test").sum()


def test_pictures_cannot_be_added_to_texts(tmp_path):
    base = build(write_texts(tmp_path / "t.csv"), tmp_path / "v")
    with pytest.raises(DataError, match="cannot be in one dataset"):
        added(base, write_pictures(tmp_path / "d"), tmp_path / "w")


def test_comparing_agrees_with_a_plain_loop(tmp_path):
    random = np.random.default_rng(3)
    rows = [(f"word{i} w{i * 3} v{i % 11} u{i}", "abc"[i % 3]) for i in range(120)] + [
        ("same", "a")
    ] * 3
    keep = [row for row in rows if random.random() > 0.2]
    new = [(text, "c" if random.random() < 0.15 else label) for text, label in keep]
    new += [("novel one", "b"), ("same", "b")]

    def version(name, content):
        with (tmp_path / f"{name}.csv").open("w", newline="") as handle:
            csv.writer(handle).writerows([("text", "label"), *content])
        return build(tmp_path / f"{name}.csv", tmp_path / name)

    found = compare_versions(version("old", rows), version("new", new))
    before, after = Counter(rows), Counter(new)
    same = before & after
    left_old, left_new = before - same, after - same
    by_text_old, by_text_new = Counter(), Counter()
    for (text, _), count in left_old.items():
        by_text_old[text] += count
    for (text, _), count in left_new.items():
        by_text_new[text] += count
    assert found["relabelled"]["count"] == (by_text_old & by_text_new).total()
    assert found["removed"]["count"] == (by_text_old - by_text_new).total()
    assert found["added"]["count"] == (by_text_new - by_text_old).total()


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_texts_survive_the_way_out_and_in(tmp_path, kind):
    path = tmp_path / "t.csv"
    path.write_text(
        "text,label,shop\n"
        + "".join(
            f'"a ""quoted"" line {i}\nand another, {i}",{"=x" if i % 2 else "NA"},s{i % 3}\n'
            for i in range(40)
        )
    )
    version = build(path, tmp_path / "v")
    target = tmp_path / f"out.{kind}"
    assert take_out(version, target, kind) == 40
    again = build(target, tmp_path / "w")
    assert compare_versions(version, again)["same"] == 40
    assert again.table.column("shop").to_pylist() == version.table.column("shop").to_pylist()


@pytest.mark.parametrize("kind", ["folders", "parquet"])
def test_pictures_survive_the_way_out_and_in(tmp_path, kind):
    root = write_pictures(tmp_path / "d", classes=("red", "green"))
    (root / "red").rename(root / "a:b <i>$5")
    version = build(root, tmp_path / "v")
    target = tmp_path / ("out.zip" if kind == "folders" else "out.parquet")
    take_out(version, target, kind)
    again = build(target, tmp_path / "w")
    changes = compare_versions(version, again)
    assert changes["same"] == version.info.rows
    assert set(again.info.labels) == {"a:b <i>$5", "green"}
    if kind == "folders":
        with zipfile.ZipFile(target) as archive:
            assert all(
                name.isprintable() and ":" not in name and ".." not in name
                for name in archive.namelist()
            )


@pytest.mark.parametrize(
    "names",
    [
        ("a/b", "a:b", "a_b"),
        ("Cat", "cat", "CAT"),
        ("end", "end.", "end.."),
        ("con", "NUL", "prn.txt"),
        ("x" * 90 + "1", "x" * 90 + "2", "y"),
        ("test", "train", "class_test"),
        ("fold1", "part_2", "rest"),
        ("ＡＢ", "AB", "ab"),
        ("val", "validation", "Test set"),
        ("_", "?", "*"),
    ],
)
def test_classes_that_would_share_a_folder_stay_apart(tmp_path, names):
    folders = class_folders(sorted(names))
    assert len({folder.casefold() for folder in folders.values()}) == len(names)
    assert not any(
        split_of(folder)
        or folder.split(".")[0].lower() in ("con", "nul", "prn")
        or folder[-1] in " ."
        or len(folder) > 80
        for folder in folders.values()
    )
    root = write_pictures(tmp_path / "d", each=4, classes=("red", "green", "blue"))
    with (root / "metadata.csv").open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["file_name", "label"])
        for path in sorted(root.rglob("*.png")):
            place = ("red", "green", "blue").index(path.parent.name)
            writer.writerow([str(path.relative_to(root)), names[place]])
    version = build(root, tmp_path / "v")
    take_out(version, tmp_path / "out.zip", "folders")
    again = build(tmp_path / "out.zip", tmp_path / "w")
    assert again.info.labels == version.info.labels == sorted(names)
    assert compare_versions(version, again)["same"] == 12
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        inside = {name.split("/")[1] for name in archive.namelist() if name.endswith(".png")}
    assert inside == set(folders.values())


def test_taken_out_pictures_are_what_hugging_face_reads(tmp_path):
    import datasets

    version = build(write_pictures(tmp_path / "d"), tmp_path / "v")
    take_out(version, tmp_path / "out.parquet", "parquet")
    found = datasets.Dataset.from_parquet(
        str(tmp_path / "out.parquet"), cache_dir=str(tmp_path / "c")
    )
    assert found[0]["image"].size == (48, 40)
    assert set(found["label"]) == {"red", "green", "blue"}


def test_removed_rows_are_not_taken_out(tmp_path):
    rows = "\n".join(
        [f"text {i} nr {i * 5},{'ab'[i % 2]},train" for i in range(20)]
        + [f"text {i} nr {i * 5},{'ab'[i % 2]},test" for i in range(6)]
    )
    (tmp_path / "t.csv").write_text("text,label,split\n" + rows)
    version = build(tmp_path / "t.csv", tmp_path / "v", remove_leaks=True)
    assert take_out(version, tmp_path / "o.csv", "csv") == 20
    with pytest.raises(DataError, match="cannot be written as 'folders'"):
        take_out(version, tmp_path / "o.zip", "folders")


def test_versions_of_older_releases_still_open(tmp_path):
    version = build(write_texts(tmp_path / "t.csv"), tmp_path / "v")
    (version.folder / "facts.parquet").unlink()
    with pytest.raises(DataError, match="older release"):
        version.facts()
    assert len(version.labels) == 40
