"""What several people say becomes decisions, and these a version."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from tl_core.data.dataset_version import ImportOptions
from tl_core.data.versions.edits import Decision, decide_all, decisions
from tl_core.data.versions.store import DatasetVersion
from tl_core.database.engine import open_database
from tl_core.errors import AccessError, DataError
from tl_core.registry.datasets import DatasetStore
from tl_core.registry.label_answers import LABEL, SETTLE, SKIP, Answer
from tl_core.services.answer_files import read_answers, write_rows
from tl_core.services.datasets import (
    add_dataset,
    fix_dataset,
    relabel_dataset,
    restore_dataset,
)
from tl_core.services.labelling import Dispute, standing
from tl_core.settings import Settings


def answer(row, who, label="", action=LABEL):
    return Answer(row, who, action, label, "", False, False, 0.0)


def test_where_a_labelling_stands():
    now = standing(
        [
            answer(1, "ann", "good"),
            answer(2, "ann", "good"),
            answer(2, "bob", "good"),
            answer(3, "ann", "good"),
            answer(3, "bob", "bad"),
            answer(4, "ann", "good"),
            answer(4, "bob", "bad"),
            answer(4, "bob", "bad", SETTLE),
            answer(5, "ann", action=SKIP),
            answer(6, "ann", action=SKIP),
            answer(6, "bob", "bad"),
        ]
    )
    assert now.labels == {1: "good", 2: "good", 4: "bad", 6: "bad"}
    assert now.disputes == [Dispute(3, {"ann": "good", "bob": "bad"})]
    assert (now.passed, now.aside) == ([5], [3, 5])
    assert now.said == {
        "ann": {1: "good", 2: "good", 3: "good", 4: "good"},
        "bob": {2: "good", 3: "bad", 4: "bad", 6: "bad"},
    }


def test_answers_become_decisions_and_a_dispute_takes_them_back(shared, rows):
    ann, bob, one = shared.of("ann"), shared.of("bob"), rows[0]
    folder = ann.version.folder
    ann.label([one], "good")
    assert decisions(folder) == {one: Decision("relabel", "good")}
    bob.label([one], "bad")
    assert decisions(folder) == {}
    bob.undo()
    assert decisions(folder) == {one: Decision("relabel", "good")}
    bob.label([one], "bad")
    shared.of("ann").settle({one: "bad"})
    assert decisions(folder) == {one: Decision("relabel", "bad")}
    shared.of("ann").undo()
    assert decisions(folder) == {}


def test_a_label_of_a_row_that_has_one_changes_it_or_keeps_it(shared):
    ann = shared.of("ann")
    ann.label([0, 1], "good")
    assert decisions(ann.version.folder) == {0: Decision("relabel", "good"), 1: Decision("keep")}
    ann.undo()
    assert decisions(ann.version.folder) == {}


@pytest.mark.parametrize(
    ("label", "new", "words"),
    [
        ("god", False, "no class 'god'"),
        ("", True, "cannot be the name"),
        ("x" * 101, True, "cannot be the name"),
        ("two\nlines", True, "cannot be the name"),
        ("Good", True, "the class 'good' already"),
    ],
)
def test_a_class_that_cannot_be_is_refused(shared, rows, label, new, words):
    with pytest.raises(DataError, match=words):
        shared.of("ann").label([rows[0]], label, new=new)
    assert shared.of("ann").standing.labels == {}


def test_a_row_that_is_not_there_is_refused(shared):
    for row in (-1, 10_000):
        with pytest.raises(DataError, match="no row"):
            shared.of("ann").label([row], "good")


def test_a_new_class_is_there_for_everybody(shared, rows):
    shared.of("ann").label([rows[0]], "so-so ", new=True)
    bob = shared.of("bob")
    assert bob.classes == ["bad", "good", "so-so"]
    bob.label([rows[1]], "so-so")
    made = relabel_dataset(shared.ann, "mail")[0]
    assert DatasetVersion(made.folder).info.classes["so-so"] == 2


def test_a_further_class_moves_no_other_one(shared, rows):
    """Keys are given by place: the next class, whatever its name, comes behind those that are
    there.
    """
    for row, (person, name) in zip(
        rows, [("ann", "wasp"), ("bob", "moth"), ("ann", "bee")], strict=False
    ):
        shared.of(person).label([row], name, new=True)
        assert shared.of("bob").classes[-1] == name
    shared.of("ann").label([rows[0]], "good")
    assert shared.of("ann").classes == ["bad", "good", "moth", "bee"]
    shared.of("ann").label([rows[3], rows[4]], "ant", new=True)
    before = shared.of("ann").classes
    made, info, _ = relabel_dataset(shared.store("ann"), "mail")
    assert info.labels == ["ant", "bad", "bee", "good", "moth"]
    assert shared.of("bob", 2).classes == before == ["bad", "good", "moth", "bee", "ant"]
    shared.of("bob", 2).label([rows[5]], "ape", new=True)
    assert shared.of("bob", 2).classes == [*before, "ape"]
    for row, person in ((rows[1], "bob"), (rows[2], "ann")):  # moth and bee are gone
        shared.of(person, 2).label([row], "good")
    assert shared.of("ann", 2).classes == [*before, "ape"]
    made, info, _ = relabel_dataset(shared.store("ann"), "mail")
    assert shared.of("bob", 3).classes == ["bad", "good", "ant", "ape"]


def test_answers_about_an_imported_class_move_no_key(shared):
    version = shared.of("ann").version
    before = shared.of("ann").classes
    for row in np.flatnonzero(version.labels == 0).tolist():  # as among suspected errors
        shared.of("ann").label([row], "bad")
        assert shared.of("ann").classes == before == ["bad", "good"]


def test_a_viewer_labels_nothing(shared, rows):
    with pytest.raises(AccessError):
        shared.of("cleo").label([rows[0]], "good")
    assert decisions(shared.of("ann").version.folder) == {}


def test_a_version_holds_what_is_agreed_and_the_rest_goes_on_in_it(shared, rows):
    ann, bob = shared.of("ann"), shared.of("bob")
    ann.label(rows[:3], "good")
    bob.label([rows[2]], "bad")
    ann.skip(rows[3])
    made, info, _ = relabel_dataset(shared.store("bob"), "ann/mail")
    version = DatasetVersion(made.folder)
    assert [version.info.labels[version.labels[row]] for row in rows[:2]] == ["good", "good"]
    assert [version.labels[row] for row in rows[2:4]] == [-1, -1]
    assert info.splits["unlabelled"] == 10
    now = shared.of("ann", 2)
    assert [one.row for one in now.standing.disputes] == [rows[2]]
    assert now.standing.passed == [rows[3]]
    now.settle({rows[2]: "good"})
    assert decisions(made.folder) == {rows[2]: Decision("relabel", "good")}
    third = relabel_dataset(shared.ann, "mail")[0]
    assert DatasetVersion(third.folder).info.splits["unlabelled"] == 9


def test_what_was_written_at_one_moment_is_put_right_before_a_version(shared, rows):
    ann = shared.of("ann")
    ann.label(rows[:2], "good")
    shared.of("bob").label([rows[0]], "bad")
    late = {rows[0]: Decision("relabel", "good")}  # written after the dispute was seen
    decide_all(ann.version, late, queued=True)
    made = relabel_dataset(shared.ann, "mail")[0]
    assert DatasetVersion(made.folder).labels[rows[0]] == -1


def test_fixes_and_restored_versions_take_answers_along(shared, rows):
    shared.of("ann").label(rows[:2], "good")
    fixed = fix_dataset(shared.ann, "mail", "conflicting_labels", "remove")[0]
    assert decisions(fixed.folder) == {row: Decision("relabel", "good") for row in rows[:2]}
    restored = restore_dataset(shared.ann, "mail@1")[0]
    assert decisions(restored.folder) == {row: Decision("relabel", "good") for row in rows[:2]}
    assert shared.of("ann", restored.version).standing.labels == dict.fromkeys(rows[:2], "good")


def test_more_items_come_after_those_that_were_answered(shared, rows, tmp_path):
    shared.of("ann").label(rows[:2], "good")
    more = tmp_path / "more.csv"
    more.write_text("text,label\nquite new,good\nnew and unknown,\n")
    made = add_dataset(
        shared.ann, shared.settings, str(more), "mail", ImportOptions(), append=True
    )[0]
    version = DatasetVersion(made.folder)
    assert version.texts(rows[:2]) == shared.of("ann").version.texts(rows[:2])
    assert decisions(made.folder) == {row: Decision("relabel", "good") for row in rows[:2]}


def test_rows_go_out_and_come_back_as_a_table(shared, rows, tmp_path):
    ann, path = shared.of("ann"), tmp_path / "out.csv"
    ann.label([rows[0]], "good")
    write_rows(ann.version, rows, ann.standing.labels, path)
    with path.open(encoding="utf-8-sig", newline="") as handle:
        lines = list(csv.DictReader(handle))
    assert [(line["row"], line["class"]) for line in lines[:2]] == [
        (str(rows[0]), "good"),
        (str(rows[1]), ""),
    ]
    assert read_answers(ann.version, path) == {rows[0]: "good"}
    semicolons = path.read_text(encoding="utf-8-sig").replace(",", ";").replace(";\n", ";bad\n")
    path.write_text(semicolons)
    found = read_answers(ann.version, path)
    assert found == {rows[0]: "good"} | dict.fromkeys(rows[1:], "bad")
    ann.give(found)
    assert ann.standing.labels == found
    assert ann.undo() == rows  # all that came together goes together


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no column 'row'"),
        ("row,label\n1,good\n", "no column 'class'"),
        ("row,class\nx,good\n", "row 'x'"),
        ("row,class\n999,good\n", "row '999'"),
        ("row,class\n-1,good\n", "row '-1'"),
        ("row,class\n1,good\n1,bad\n", "another class"),
        ("row,item,class\n1,quite different,good\n", "another item"),
    ],
)
def test_a_table_that_is_none_is_refused(shared, tmp_path, text, words):
    path = tmp_path / "in.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=words):
        read_answers(shared.of("ann").version, path)


def test_what_a_spreadsheet_program_would_compute_is_text(tmp_path, home):
    lines = ["text,label", *(f"words {n},{'a' if n % 2 else 'b'}" for n in range(20))]
    source = tmp_path / "t.csv"
    source.write_text("\n".join([*lines, "=1+1,", "-3 degrees,"]) + "\n")
    settings = Settings(home=str(home))
    store = DatasetStore(open_database(settings), "local", home)
    record = add_dataset(store, settings, str(source), "t", ImportOptions())[0]
    version, path = DatasetVersion(record.folder), tmp_path / "out.csv"
    rows = version.rows_of("unlabelled").tolist()
    write_rows(version, rows, dict.fromkeys(rows, "a"), path)
    assert "'=1+1" in path.read_text(encoding="utf-8-sig")
    assert read_answers(version, path) == dict.fromkeys(rows, "a")
