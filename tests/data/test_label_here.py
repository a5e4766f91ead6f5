"""Data of which nothing has a class yet comes in when that is said, and never without."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from tests_support.datasets import LIMITS, build, write_pictures, write_texts
from tests_support.no_class_yet import write_bare_texts, write_loose_pictures
from tests_support.waves import write_recordings

from tl_core.data.dataset_version import ImportOptions
from tl_core.data.preview import look_into, plan_import
from tl_core.data.sources.detect import open_source
from tl_core.data.versions.build import build_version
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import DataError

SAID = {"label_here": True}


def documents(root):
    for number in range(6):
        (root / f"part{number % 2}").mkdir(parents=True, exist_ok=True)
        (root / f"part{number % 2}" / f"{number}.txt").write_text(f"words of {number}")
    return root


def empty_column(path):
    path.write_text("text,label\n" + "".join(f"words of {n},\n" for n in range(12)))
    return path


def loose_sounds(root):
    made = write_recordings(root.with_name("by-class"), 2)
    root.mkdir()
    for place, path in enumerate(sorted(made.rglob("*.wav"))):
        path.rename(root / f"{place * 37 % 101}.wav")
    return root


def zipped(folder):
    return shutil.make_archive(str(folder), "zip", folder)


def several_tables(root):
    root.mkdir()
    write_bare_texts(root / "monday.csv", 6)
    (root / "train.csv").write_text("text\nother words\nand more of them\n")
    return root


SOURCES = {
    "one column": (lambda root: write_bare_texts(root / "t.csv", 12), "text", 12),
    "an empty column": (lambda root: empty_column(root / "t.csv"), "text", 12),
    "a full column": (lambda root: write_texts(root / "t.csv", 12), "text", 12),
    "tables": (lambda root: several_tables(root / "t"), "text", 8),
    "documents": (lambda root: documents(root / "d"), "text", 6),
    "photos": (lambda root: write_loose_pictures(root / "p", 4), "image", 8),
    "class folders": (lambda root: write_pictures(root / "p", 3), "image", 9),
    "sounds": (lambda root: loose_sounds(root / "s"), "audio", 6),
}


@pytest.mark.parametrize("made", SOURCES)
def test_every_row_waits(tmp_path, made):
    write, modality, rows = SOURCES[made]
    version = build(write(tmp_path), tmp_path / "v", **SAID)
    info = version.info
    assert (info.modality, info.rows, info.classes) == (modality, rows, {})
    assert info.splits == {"unlabelled": rows} and info.class_splits == {}
    assert (version.labels == -1).all() and info.labelled_here and info.offered == []
    assert "begins by waiting to be labelled" in " ".join(info.plan["notes"])
    assert "no class" not in str(info.plan["set_aside"])  # that is what was asked for
    assert "Nothing can be learnt yet" in str([one["text"] for one in info.findings])
    assert DatasetVersion(version.folder).label_names(np.arange(rows)) == [""] * rows
    assert "label" not in info.columns


@pytest.mark.parametrize("made", ["one column", "an empty column", "photos", "sounds"])
def test_unasked_it_is_refused_with_the_way_out(tmp_path, made):
    write, _, _ = SOURCES[made]
    with pytest.raises(DataError) as refused:
        build(write(tmp_path), tmp_path / "v")
    assert "--label-here" in refused.value.try_this


def test_the_look_and_the_plan_say_the_same(tmp_path):
    source = zipped(write_loose_pictures(tmp_path / "p", 5))
    with pytest.raises(DataError) as refused:
        look_into(Path(source), tmp_path / "a", LIMITS, {})
    assert "--label-here" in refused.value.try_this
    facts = look_into(Path(source), tmp_path / "b", LIMITS, SAID)
    assert (facts["rows"], facts["question"]) == (10, None) and facts["thumbnails"]
    plan = plan_import(Path(source), tmp_path / "c", LIMITS, SAID)
    assert (plan["classes"], plan["unlabelled"], plan["question"]) == ({}, 10, None)
    table = plan_import(write_texts(tmp_path / "t.csv", 12), tmp_path / "d", LIMITS, SAID)
    assert (table["classes"], table["unlabelled"]) == ({}, 12)
    assert plan["plan"]["set_aside"] == table["plan"]["set_aside"] == []
    assert len(table["plan"]["sample"]) == 3


def test_folders_that_may_be_classes_are_told(tmp_path):
    version = build(write_pictures(tmp_path / "p", 3), tmp_path / "v", **SAID)
    assert "blue, green, red" in " ".join(version.info.plan["uncertain"])


def test_named_classes_are_offered_until_rows_have_them(tmp_path):
    source = write_bare_texts(tmp_path / "t.csv", 12)
    version = build(source, tmp_path / "v", label_here=True, classes=" good, bad,\nso so ")
    assert version.info.offered == ["good", "bad", "so so"] and version.info.classes == {}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"classes": "a, b"}, "beforehand"),
        ({"label_here": True, "classes": "a"}, "only one class"),
        ({"label_here": True, "classes": "a, A"}, "already"),
        ({"label_here": True, "classes": "a, " + "b" * 101}, "name of a class"),
        ({"label_here": True, "classes": ",".join(f"c{n}" for n in range(501))}, "501"),
        ({"label_here": True, "label_column": "text"}, "classes"),
        ({"label_here": True, "split_column": "text"}, "splits"),
        ({"label_here": True, "date_column": "text"}, "date"),
        ({"label_here": True, "test_fold": "1"}, "fold"),
    ],
)
def test_settings_that_contradict_each_other(tmp_path, options, said):
    with pytest.raises(DataError) as refused:
        build(write_bare_texts(tmp_path / "t.csv", 12), tmp_path / "v", **options)
    assert said in str(refused.value)


def test_faults_copies_and_groups_are_found_as_ever(tmp_path):
    lines = ["text,customer", "a b c d,1", "a b c d,2", "mail me at ann@example.org today,2", ",3"]
    lines += [f"quite other words {number} of {number * 7},{number}" for number in range(10, 30)]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    version = build(tmp_path / "t.csv", tmp_path / "v", group_column="customer", **SAID)
    found = {one["id"]: one["count"] for one in version.info.findings}
    assert found["duplicates"] == 1 and found["private"] == 1 and found["empty_texts"] == 1
    assert found["unlabelled"] == 23
    assert version.groups[0] == version.groups[1] == version.groups[2]


def test_blank_and_damaged_photos_are_found_as_ever(tmp_path):
    from PIL import Image

    folder = write_loose_pictures(tmp_path / "p", 6)
    Image.new("RGB", (40, 48), "black").save(folder / "black.png")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    version = build(folder, tmp_path / "v", **SAID)
    found = {one["id"]: one["count"] for one in version.info.findings}
    assert found["damaged"] == 1 and found["blank"] == 1 and version.info.rows == 13


def test_a_second_source_for_the_test_does_not_go_with_it(tmp_path):
    one = open_source(write_bare_texts(tmp_path / "a.csv", 9), tmp_path, LIMITS, None)
    with pytest.raises(DataError, match="second source"):
        build_version({"": one, "test": one}, ImportOptions(**SAID), tmp_path / "v", "a")


def test_rows_without_a_class_are_added_to_any_dataset(tmp_path):
    base = build(write_texts(tmp_path / "t.csv", 40), tmp_path / "v")
    more = open_source(
        write_bare_texts(tmp_path / "m.csv", 9), tmp_path, LIMITS, ImportOptions(**SAID)
    )
    (tmp_path / "w").mkdir()
    info = build_version({"": more}, ImportOptions(**SAID), tmp_path / "w", "m", None, base, "t@1")
    assert info.splits["unlabelled"] == 9 and info.classes == base.info.classes
    assert {name: info.splits[name] for name in base.info.splits} == base.info.splits
    assert not info.labelled_here  # it has test rows of its own

    begun = build(write_bare_texts(tmp_path / "b.csv", 9), tmp_path / "x", **SAID, classes="a, b")
    (tmp_path / "y").mkdir()
    more = open_source(tmp_path / "m.csv", tmp_path, LIMITS, ImportOptions(**SAID))
    options = ImportOptions(label_here=True, classes="b, c")
    info = build_version({"": more}, options, tmp_path / "y", "m", None, begun, "b@1")
    assert (info.splits, info.offered) == ({"unlabelled": 18}, ["a", "b", "c"])
    assert info.labelled_here
