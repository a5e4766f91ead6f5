"""What was said of rows, and the versions that are made: the last word counts, nobody's is lost."""

from __future__ import annotations

import pytest
from tests_support.shared_mail import SharedMail, mail_lines, written

from tl_core.data.versions.edits import Decision, decide, decisions
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import StateError
from tl_core.services import datasets as services
from tl_core.services.datasets import fix_dataset, relabel_dataset, restore_dataset


@pytest.fixture
def shared(home, tmp_path):
    return SharedMail(home, written(tmp_path / "mail.csv", mail_lines()))


@pytest.fixture
def rows(shared):
    return shared.waiting


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
