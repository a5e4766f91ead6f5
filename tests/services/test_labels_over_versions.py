"""What was said of rows, and the versions that are made: the last word counts, nobody's is lost."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tests_support.shared_mail import SharedMail, mail_lines, written

from tl_core.data.dataset_version import ImportOptions
from tl_core.data.versions.edits import Decision, NewNames, decide, decisions
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import StateError
from tl_core.registry.label_answers import AnswerStore, Given
from tl_core.services import datasets as services
from tl_core.services.datasets import (
    add_dataset,
    fix_dataset,
    relabel_dataset,
    restore_dataset,
)
from tl_core.services.labelling import Labelling, decide_one


def test_the_last_word_about_a_row_counts_by_whatever_way_it_came(shared, rows):
    ann, (dropped, other, undone, again) = shared.of("ann"), rows[:4]
    ann.label([dropped, other, undone, again], "good")
    decide(ann.version, dropped, "drop")
    decide(ann.version, other, "relabel", "bad")
    decide(ann.version, undone, "undo")
    decide(ann.version, again, "drop")
    shared.of("bob").label([again], "good")
    assert shared.of("ann").changes == [other, again]
    made = relabel_dataset(shared.ann, "mail")[0]
    version = DatasetVersion(made.folder)
    names = [version.sets.names[number] if number >= 0 else "" for number in version.labels]
    assert [names[row] for row in (other, undone, again)] == ["bad", "", "good"]
    assert version.splits[dropped] == "removed"


@pytest.mark.parametrize(
    ("words", "left"),
    [
        (["drop"], Decision("drop")),
        (["drop", "undo"], Decision("relabel", "good")),  # an own word, then the queue's again
        (["undo"], None),  # the queue's word
        (["undo", "drop", "undo"], None),
    ],
)
def test_what_is_taken_back_leaves_what_lay_below(shared, rows, words, left):
    shared.of("ann").label([rows[0]], "good")
    for word in words:
        decide_one(shared.ann, shared.ann.get("mail"), rows[0], word)
    found = decisions(shared.ann.get("mail").folder)
    assert found == ({rows[0]: left} if left else {})
    shared.of("ann").sync()
    assert decisions(shared.ann.get("mail").folder) == found


def test_an_answer_of_an_older_release_can_be_taken_back(shared, rows):
    """Its decisions had no moment and no mark."""
    ann = shared.of("ann")
    ann.label([rows[0]], "good")
    path = ann.version.folder / "edits.jsonl"
    path.write_text(json.dumps({"row": rows[0], "action": "relabel", "label": "good"}) + "\n")
    ann.undo()
    assert decisions(ann.version.folder) == {}


def test_an_answer_that_is_taken_back_leaves_what_was_decided_before_it(shared, rows):
    ann = shared.of("ann")
    decide(ann.version, rows[0], "drop")
    ann.label([rows[0]], "good")
    ann.undo()
    assert decisions(ann.version.folder) == {rows[0]: Decision("drop")}


def test_an_older_version_is_neither_answered_nor_made_another_of(shared, rows):
    shared.of("ann").label(rows[:2], "good")
    bob = shared.of("bob")
    relabel_dataset(shared.ann, "mail")
    for attempt in (
        lambda: bob.label(rows[2:4], "bad"),
        bob.undo,
        lambda: relabel_dataset(shared.ann, "mail@1"),
        lambda: fix_dataset(shared.ann, "mail@1", "conflicting_labels", "remove"),
    ):
        with pytest.raises(StateError, match="mail@2 has been made meanwhile"):
            attempt()
    assert shared.ann.get("mail").version == 2
    restored = restore_dataset(shared.ann, "mail@1")[0]  # which is meant
    shared.of("bob", restored.version).label(rows[2:4], "bad")


def test_a_version_made_meanwhile_by_somebody_else_is_not_lost(shared, rows, monkeypatch):
    """Ann's version is made while Bob's is being written."""
    shared.of("ann").label(rows[:2], "good")
    real, made = services.apply_decisions, []

    def slow(*given):
        monkeypatch.setattr(services, "apply_decisions", real)
        made.append(fix_dataset(shared.ann, "mail", "conflicting_labels", "remove")[0])
        return real(*given)

    monkeypatch.setattr(services, "apply_decisions", slow)
    with pytest.raises(StateError, match="mail@2 has been made meanwhile"):
        relabel_dataset(shared.store("bob"), "ann/mail")
    assert shared.ann.get("mail").folder == made[0].folder
    assert shared.of("ann", 2).changes == rows[:2]


def test_an_answer_corrected_while_the_version_is_written_waits_for_the_next(
    shared, rows, monkeypatch
):
    shared.of("bob").label(rows[:2], "good")
    real = services.apply_decisions

    def slow(*given):
        info = real(*given)
        bob = shared.of("bob")
        bob.undo()
        bob.label([rows[0]], "bad")
        return info

    monkeypatch.setattr(services, "apply_decisions", slow)
    made = relabel_dataset(shared.ann, "mail")[0]
    bob = shared.of("bob", made.version)
    assert bob.changes == [rows[0]] and rows[0] not in bob.standing.used
    assert decisions(made.folder) == {rows[0]: Decision("relabel", "bad")}


def test_an_answer_whose_decision_is_not_written_yet_is_not_taken_for_used(
    shared, rows, monkeypatch
):
    shared.of("ann").label([rows[0]], "good")
    real = Labelling._sync

    def late(self, some):
        monkeypatch.setattr(Labelling, "_sync", real)
        AnswerStore(shared.store("bob")).give("ann/mail@1", [Given(rows[1], "bad")])
        real(self, some)

    monkeypatch.setattr(Labelling, "_sync", late)
    relabel_dataset(shared.ann, "mail")
    assert shared.of("bob", 2).changes == [rows[1]]


def test_an_answer_to_the_new_version_is_newer_than_those_that_go_along(shared, rows, monkeypatch):
    shared.of("ann").label(rows[:2], "good")
    shared.of("bob").label([rows[2]], "good")
    real = AnswerStore.carry

    def slow(self, *given):
        bob = shared.of("bob", 2)
        bob.label([rows[2]], "bad")
        decide_one(shared.ann, shared.ann.get("mail"), rows[3], "drop")
        real(self, *given)

    monkeypatch.setattr(AnswerStore, "carry", slow)
    fix_dataset(shared.ann, "mail", "conflicting_labels", "remove")
    now = shared.of("bob", 2)
    assert now.standing.labels == dict.fromkeys(rows[:2], "good") | {rows[2]: "bad"}
    assert len(now.answers) == 3
    assert decisions(now.version.folder)[rows[3]] == Decision("drop")


@pytest.mark.parametrize("way", ["fix", "relabel"])
def test_what_is_decided_while_a_version_is_written_waits_in_it(shared, rows, monkeypatch, way):
    shared.of("ann").label([rows[0]], "good")
    record = shared.ann.get("mail")
    name = "fix_finding" if way == "fix" else "apply_decisions"
    real = getattr(services, name)

    def slow(*given):
        info = real(*given)
        decide_one(shared.ann, record, rows[1], "drop")
        decide_one(shared.ann, record, 0, "keep")
        return info

    monkeypatch.setattr(services, name, slow)
    if way == "fix":
        made = fix_dataset(shared.ann, "mail", "conflicting_labels", "remove")[0]
    else:
        made = relabel_dataset(shared.ann, "mail")[0]
    found = decisions(made.folder)
    assert (found[rows[1]], found[0]) == (Decision("drop"), Decision("keep"))
    assert (rows[0] in found) == (way == "fix")
    with pytest.raises(StateError, match="mail@2 has been made meanwhile"):
        decide_one(shared.ann, record, rows[2], "drop")


def test_a_label_that_was_found_right_is_not_another_one_that_a_fix_gives(home, tmp_path):
    lines = [*mail_lines(), "words of 3,good"]
    shared = SharedMail(home, written(tmp_path / "mail.csv", lines))
    version = shared.of("ann").version
    names = [version.sets.names[n] if n >= 0 else "" for n in version.labels]
    [wrong] = [
        row
        for row, text in enumerate(version.texts(np.arange(len(names))))
        if text == "words of 3" and names[row] == "bad"
    ]
    for row in (wrong, 0):
        decide_one(shared.ann, shared.ann.get("mail"), row, "keep")
    fixed = fix_dataset(shared.ann, "mail", "conflicting_labels", "majority")[0]
    assert decisions(fixed.folder) == {0: Decision("keep")}


def test_versions_go_on_after_the_newest_was_deleted(shared, rows):
    shared.of("ann").label(rows[:2], "good")
    relabel_dataset(shared.ann, "mail")
    shared.ann.delete("mail@2")
    shared.of("bob").label([rows[2]], "bad")
    made = relabel_dataset(shared.ann, "mail")[0]
    assert made.version == 3
    assert {*rows[:3]} <= {*shared.of("ann", 3).standing.used}


def test_answers_that_a_version_holds_stay_so_in_the_next_ones(shared, rows):
    shared.of("ann").label(rows[:2], "good")
    relabel_dataset(shared.ann, "mail")
    shared.of("ann", 2).label([rows[2]], "bad")
    relabel_dataset(shared.ann, "mail")
    assert {*rows[:3]} == {*shared.of("ann", 3).standing.used}


def test_added_items_come_to_the_newest_version_with_all_that_waits(
    shared, rows, tmp_path, monkeypatch
):
    record = shared.ann.get("mail")
    decide_one(shared.ann, record, 0, "keep")
    decide_one(shared.ann, record, 1, "drop")

    def added(number):
        path = tmp_path / f"more{number}.csv"
        path.write_text(f"text,label\nquite new {number},good\nanother {number},bad\n")
        options = ImportOptions()
        return add_dataset(shared.ann, shared.settings, str(path), "mail", options, append=True)[0]

    first = added(1)
    assert decisions(first.folder) == {0: Decision("keep"), 1: Decision("drop")}
    restored = restore_dataset(shared.ann, "mail@1")[0]
    assert decisions(restored.folder) == {0: Decision("keep"), 1: Decision("drop")}
    real = services.build_version

    def slow(*given):
        monkeypatch.setattr(services, "build_version", real)
        fix_dataset(shared.ann, "mail", "conflicting_labels", "remove")
        return real(*given)

    monkeypatch.setattr(services, "build_version", slow)
    with pytest.raises(StateError, match="mail@4 has been made meanwhile"):
        added(2)


def test_names_of_several_labels_follow():
    names = NewNames({"dog": "Dog"}, ["yak"])
    assert names.of('["cat", "dog", "yak"]', several=True) == '["Dog", "cat"]'
    assert names.of('["yak"]', several=True) == "[]"
    assert names.of("[]", several=True) == "[]"
    assert (names.of("yak", several=False), names.of("dog", several=False)) == (None, "Dog")


def test_answers_and_decisions_follow_a_class_that_is_merged_or_left_out(home, tmp_path):
    lines = [f"words {n},{'cat' if n % 2 else 'Dog'}" for n in range(24)]
    lines += [f"more {n},dog" for n in range(6)] + [f"few {n},yak" for n in range(2)]
    lines += [f"nobody knows {n}," for n in range(8)]
    shared = SharedMail(home, written(tmp_path / "pets.csv", lines))
    ann = shared.of("ann")
    waits = ann.version.rows_of("unlabelled").tolist()
    ann.label(waits[:2], "dog")
    ann.label([waits[2]], "yak")
    decide(ann.version, 0, "relabel", "yak")
    decide(ann.version, 2, "relabel", "dog")  # which merging does
    decide(ann.version, 1, "relabel", "dog")
    decide(ann.version, 3, "keep")
    decide(ann.version, 4, "drop")
    merged = fix_dataset(shared.ann, "mail", "similar_names", "merge")[0]
    assert decisions(merged.folder) == {
        0: Decision("relabel", "yak"),
        2: Decision("keep"),
        1: Decision("relabel", "Dog"),
        3: Decision("keep"),
        4: Decision("drop"),
        **dict.fromkeys(waits[:2], Decision("relabel", "Dog")),
        waits[2]: Decision("relabel", "yak"),
    }
    assert "dog" not in shared.of("ann", 2).classes
    left = fix_dataset(shared.ann, "mail", "small_classes", "remove_classes")[0]
    assert 0 not in decisions(left.folder) and waits[2] not in decisions(left.folder)
    now = shared.of("ann", 3)
    assert now.standing.labels == dict.fromkeys(waits[:2], "Dog") and "yak" not in now.classes
    version = DatasetVersion(relabel_dataset(shared.ann, "mail")[0].folder)
    assert {*version.info.labels} == {"cat", "Dog"}
    assert not shared.of("ann", 4).changes
