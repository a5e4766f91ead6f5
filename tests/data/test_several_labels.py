"""Items that may have several classes, from what people bring to a version and back."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tests_support.datasets import LIMITS, build, write_pictures

from tl_core.data.browse.query import Query, matching
from tl_core.data.dataset_version import ImportOptions
from tl_core.data.label_sets import NOTHING
from tl_core.data.preview import plan_import
from tl_core.data.sources.detect import open_source
from tl_core.data.versions.build import build_version
from tl_core.data.versions.diff import compare_versions
from tl_core.data.versions.edits import decide
from tl_core.data.versions.export import take_out
from tl_core.data.versions.revise import apply_decisions, fix_finding
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import DataError

SETS = [("joy",), ("love",), ("joy", "love"), ("anger",), ("joy",), ("anger", "love")]
ROWS = 120


def of_row(number):
    return SETS[number % len(SETS)]


def table(path, cell, column="emotions"):
    """A CSV whose rows have the classes of `SETS`, each row written by `cell`."""
    lines = [f"text,{column}"]
    for number in range(ROWS):
        lines.append(f"sentence number {number} of them,{cell(of_row(number), number)}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def quoted(text):
    return '"' + text.replace('"', '""') + '"'


WAYS = {
    "semicolons": lambda some, n: ";".join(some),
    "bars": lambda some, n: " | ".join(some),
    "commas": lambda some, n: quoted(",".join(some)),
    "JSON lists": lambda some, n: quoted(json.dumps(list(some))),
    "Python lists": lambda some, n: quoted(str(list(some))),
    "in any order": lambda some, n: ";".join(some if n % 2 else some[::-1]),
    "objects of marks": lambda some, n: quoted(
        json.dumps({name: int(name in some) for name in ("anger", "joy", "love")})
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_cells_that_list_classes_become_sets(tmp_path, way):
    version = build(table(tmp_path / "t.csv", WAYS[way]), tmp_path / "v")
    assert version.info.task == "multi_label"
    assert version.info.classes == {"anger": 40, "joy": 60, "love": 60}
    rows = np.arange(ROWS)
    assert version.label_names(rows) == ["; ".join(sorted(of_row(n))) for n in range(ROWS)]
    targets = version.targets
    assert targets.shape == (ROWS, 3) and targets.sum(axis=0).tolist() == [40, 60, 60]
    told = " ".join([*version.info.plan["notes"], *version.info.plan["uncertain"]])
    assert "several classes" in told and "80 have one, 40 have two" in told
    assert bool(version.info.plan["uncertain"]) == (way == "commas")


def test_a_person_decides_otherwise(tmp_path):
    source = table(tmp_path / "t.csv", WAYS["semicolons"])
    version = build(source, tmp_path / "one", task="single_label")
    assert version.info.task == "single_label"
    assert set(version.info.classes) == {"joy", "love", "joy;love", "anger", "anger;love"}
    single = table(tmp_path / "s.csv", lambda some, n: some[0])
    several = build(single, tmp_path / "many", task="multi_label")
    assert several.info.task == "multi_label" and several.targets.sum(axis=1).max() == 1
    slashes = table(tmp_path / "u.csv", lambda some, n: " / ".join(some))
    assert build(slashes, tmp_path / "plain").info.task == "single_label"
    named = build(slashes, tmp_path / "named", label_separator="/")
    assert named.info.classes == {"anger": 40, "joy": 60, "love": 60}


def test_none_of_them_is_not_the_same_as_nobody_has_looked(tmp_path):
    def cell(some, n):
        return "" if n < 12 else quoted("[]") if n < 30 else quoted(json.dumps(list(some)))

    version = build(table(tmp_path / "t.csv", cell), tmp_path / "v")
    assert version.info.splits["unlabelled"] == 12
    assert sum(name == NOTHING for name in version.label_names(np.arange(ROWS))) == 18
    assert (version.targets[:12] == -1).all() and (version.targets[12:30] == 0).all()
    finding = {one["id"]: one for one in version.info.findings}["no_labels"]
    assert finding["count"] == 18 and "none of the classes" in finding["text"]
    assert matching(version, Query(classes=(NOTHING,))).tolist() == list(range(12, 30))
    assert matching(version, Query(classes=("",))).tolist() == list(range(12))
    # a table of lists under the names that tools give them is read alike
    named = build(table(tmp_path / "n.csv", cell, "label"), tmp_path / "n")
    assert named.label_names(np.arange(ROWS)) == version.label_names(np.arange(ROWS))
    # where items have one class, an empty list is a row without one
    single = build(
        table(tmp_path / "s.csv", lambda some, n: quoted("[]") if n < 9 else some[0]),
        tmp_path / "w",
    )
    assert single.info.task == "single_label" and single.info.splits["unlabelled"] == 9


def flags(path, value=str, names=("anger", "joy", "love")):
    lines = ["comment," + ",".join(names)]
    for number in range(ROWS):
        marks = [value(int(name in of_row(number)), number) for name in names]
        lines.append(f"some words of comment {number}," + ",".join(marks))
    path.write_text("\n".join(lines) + "\n")
    return path


def test_columns_of_ones_are_classes_side_by_side(tmp_path):
    version = build(flags(tmp_path / "t.csv", lambda yes, n: str(yes)), tmp_path / "v")
    assert version.info.task == "multi_label"
    assert version.info.classes == {"anger": 40, "joy": 60, "love": 60}
    assert "any number of ones" in json.dumps(version.info.plan)
    # they are the labels, so no slice and no reading goes by them
    assert set(version.table.column_names) == {"text", "name"}


def test_columns_of_probabilities_count_from_one_half(tmp_path):
    source = flags(tmp_path / "t.csv", lambda yes, n: f"{0.6 + n % 4 / 10 if yes else 0.3:.1f}")
    version = build(source, tmp_path / "v", label_column="anger,joy,love")
    assert version.info.task == "multi_label"
    assert version.info.classes == {"anger": 40, "joy": 60, "love": 60}
    with pytest.raises(DataError, match="neither yes nor no"):
        build(
            flags(tmp_path / "u.csv", lambda yes, n: str(3 * yes)),
            tmp_path / "w",
            label_column="anger,joy,love",
        )


def test_a_column_that_is_never_1_is_told(tmp_path):
    source = flags(tmp_path / "t.csv", lambda yes, n: str(yes), names=("anger", "joy", "grief"))
    plan = build(source, tmp_path / "v").info.plan
    assert "No item is of the class 'grief': nothing can be learnt of it." in plan["notes"]
    assert not any("Cells hold" in note for note in plan["notes"])


_JSON = ["[0.0, 1.0, 0.0]", "[0, 0, 1]", "[0.2, 0.7]", "[true, false, true]"]


@pytest.mark.parametrize(
    ("form", "cell"),
    [("jsonl", cell) for cell in _JSON] + [("csv", cell) for cell in (*_JSON, "[1 0 0]", "(1, 1)")],
)
def test_numbers_for_classes_without_names_are_refused(tmp_path, form, cell):
    """A file that says yes or no for each class, as models of several labels are fed, names none of
    them.
    """
    source = tmp_path / f"t.{form}"
    if form == "csv":
        table(source, lambda some, n: quoted(cell if n % 3 else "[]"), "label")
    else:
        source.write_text(
            "".join(f'{{"text": "sentence number {n}", "labels": {cell}}}\n' for n in range(60))
        )
    with pytest.raises(DataError, match="a number for each class") as refused:
        build(source, tmp_path / "v")
    assert "column of each class" in refused.value.try_this


def test_numbers_of_classes_are_no_marks(tmp_path):
    """[0, 1] beside [0] and [1] names two classes."""
    cells = ("[0]", "[1]", "[0, 1]", "[2]", "[1, 2]")
    version = build(table(tmp_path / "t.csv", lambda some, n: quoted(cells[n % 5])), tmp_path / "v")
    assert version.info.classes == {"0": 48, "1": 72, "2": 48}


def test_a_later_row_of_two_ones_says_what_to_do(tmp_path):
    lines = ["comment,a,b,c"]
    lines += [
        f"words {n},{int(n % 3 == 0)},{int(n % 3 == 1)},{int(n % 3 == 2)}" for n in range(6000)
    ]
    lines.append("the odd one,1,1,0")
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError, match="several labels") as refused:
        build(tmp_path / "t.csv", tmp_path / "v")
    assert "--task multi_label" in refused.value.try_this
    version = build(tmp_path / "t.csv", tmp_path / "w", task="multi_label")
    assert version.info.classes == {"a": 2001, "b": 2001, "c": 2000}


def test_splits_give_every_label_its_share(tmp_path):
    version = build(table(tmp_path / "t.csv", WAYS["semicolons"]), tmp_path / "v")
    for name, count in version.info.classes.items():
        test = version.info.class_splits[name]["test"]
        assert abs(test - 0.2 * count) <= 1.5
    assert (version.folds[version.rows_of("train", "validation")] >= 0).all()


def test_pictures_beside_a_table_of_lists(tmp_path):
    root = tmp_path / "photos"
    write_pictures(root, 20)
    lines = ["file_name,tags"]
    for number, path in enumerate(sorted(root.glob("*/*.png"))):
        path.rename(root / f"{number}.png")
        lines.append(f'{number}.png,"{",".join(of_row(number))}"')
    for folder in ("red", "green", "blue"):
        (root / folder).rmdir()
    (root / "metadata.csv").write_text("\n".join(lines) + "\n")
    version = build(root, tmp_path / "v")
    assert version.info.modality == "image" and version.info.task == "multi_label"
    assert version.info.classes == {"anger": 20, "joy": 30, "love": 30}


def test_what_is_taken_away_comes_back_the_same(tmp_path):
    version = build(table(tmp_path / "t.csv", WAYS["semicolons"]), tmp_path / "v")
    for kind in ("csv", "parquet"):
        take_out(version, tmp_path / f"out.{kind}", kind)
        again = build(tmp_path / f"out.{kind}", tmp_path / kind)
        assert again.info.task == "multi_label"
        difference = compare_versions(version, again)
        assert difference["same"] == ROWS, kind


def made(folder):
    folder.mkdir()
    return folder


def next_of(version, folder, **what):
    return DatasetVersion(apply(version, made(folder), **what))


def apply(version, folder, finding="", action=""):
    if finding:
        fix_finding(version, finding, action, folder, "d@1")
    else:
        apply_decisions(version, folder, "d@1")
    return folder


def test_labels_of_one_item_are_changed_as_a_whole(tmp_path):
    version = build(table(tmp_path / "t.csv", WAYS["semicolons"]), tmp_path / "v")
    decide(version, 0, "relabel", '["love", "anger"]')
    decide(version, 1, "relabel", "[]")
    decide(version, 2, "drop")
    with pytest.raises(DataError, match="already"):
        decide(version, 5, "relabel", '["love", "anger"]')
    with pytest.raises(DataError, match="no class 'hate'"):
        decide(version, 5, "relabel", '["hate"]')
    changed = next_of(version, tmp_path / "w")
    assert changed.label_names(np.array([0, 1])) == ["anger; love", NOTHING]
    assert changed.info.rows == ROWS - 1 and changed.info.task == "multi_label"


def test_a_class_that_goes_leaves_the_others_of_its_rows(tmp_path):
    def cell(some, n):
        return ";".join((*some, "rare") if n in (2, 4) else some)

    version = build(table(tmp_path / "t.csv", cell), tmp_path / "v")
    changed = next_of(version, tmp_path / "w", finding="small_classes", action="remove_classes")
    assert changed.info.classes == {"anger": 40, "joy": 60, "love": 60}
    assert changed.info.rows == ROWS


def test_copies_with_other_labels_are_a_conflict(tmp_path):
    lines = ["text,emotions", *(f"the words number {n},{';'.join(of_row(n))}" for n in range(ROWS))]
    lines += ["the words number 2,love", "the words number 3,anger"]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    version = build(tmp_path / "t.csv", tmp_path / "v")
    found = {one["id"]: one for one in version.info.findings}
    assert found["conflicting_labels"]["count"] == 2
    assert found["duplicates"]["count"] == 1


def test_labels_that_always_come_together_are_told(tmp_path):
    def cell(some, n):
        return ";".join((*some, "strong") if "anger" in some else some)

    version = build(table(tmp_path / "t.csv", cell), tmp_path / "v")
    [found] = [one for one in version.info.findings if one["id"] == "labels_together"]
    assert "'anger' never without 'strong'" in found["text"]


def test_more_rows_join_as_sets(tmp_path):
    version = build(table(tmp_path / "t.csv", WAYS["semicolons"]), tmp_path / "v")
    (tmp_path / "more.csv").write_text(
        "text,emotions\nquite new words,joy\nothers that are new,hope\nmore of that,hope; love\n"
    )
    folder = made(tmp_path / "w")
    build_version(
        {"": open_source(tmp_path / "more.csv", tmp_path / "s", LIMITS)},
        ImportOptions(),
        folder,
        "more.csv",
        base=version,
        parent="d@1",
    )
    grown = DatasetVersion(folder)
    assert grown.info.classes == {"anger": 40, "hope": 2, "joy": 61, "love": 61}
    assert grown.label_names(np.array([ROWS + 2])) == ["hope; love"]
    single = build(table(tmp_path / "s.csv", lambda some, n: some[0]), tmp_path / "x")
    for number, options in enumerate(({}, {"label_here": True, "task": "multi_label"})):
        source = table(tmp_path / f"u{number}.csv", WAYS["bars"])
        with pytest.raises(DataError, match="several classes at once"):
            build_version(
                {"": open_source(source, tmp_path / f"s{number}", LIMITS)},
                ImportOptions(**options),
                made(tmp_path / f"w{number}"),
                "u.csv",
                base=single,
                parent="d@1",
            )


def test_the_plan_shows_classes_that_overlap(tmp_path):
    source = table(tmp_path / "t.csv", WAYS["bars"])
    plan = plan_import(source, tmp_path / "staging", LIMITS, {})
    assert plan["several"] and plan["question"] is None
    assert sum(sum(parts.values()) for parts in plan["classes"].values()) == 160
