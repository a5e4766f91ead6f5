"""Unsure items: each once, never more than allowed, taken as a source and forgotten afterwards."""

from __future__ import annotations

import csv

import pytest

from tl_core.errors import NotFoundError
from tl_core.predict.serving.contract import Answer, Asked
from tl_core.predict.serving.watched import Watcher
from tl_core.watch.journal import About, Journal
from tl_core.watch.unsure import UnsureItems


def test_rows_become_a_table_without_classes(tmp_path):
    items = UnsureItems(tmp_path / "journal", 3)
    long = "two, with a\nbreak and a\u2028separator"
    items.keep_rows([{"text": "one"}, {"text": "one"}, {"text": long, "label": "x"}])
    assert len(items) == 2
    copied = items.copied(tmp_path, "label")
    with copied.source.open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert rows == [
        {"text": "one", "label": ""},
        {"text": long, "label": ""},
    ]
    items.keep_rows([{"text": "three"}, {"text": "four"}])
    assert len(items) == 3  # there was room for one more
    items.forget(copied)
    assert len(items) == 1  # what came meanwhile stays


def test_files_become_a_folder_of_their_own(tmp_path):
    items = UnsureItems(tmp_path / "journal", 2)
    items.keep_files([(b"a", ".PNG"), (b"a", ".png"), (b"b", ".png"), (b"c", ".png")])
    assert len(items) == 2
    copied = items.copied(tmp_path, "label")
    assert {path.parent.name for path in copied.source.rglob("*.png")} == {"unlabelled"}
    assert {path.read_bytes() for path in copied.source.rglob("*.png")} == {b"a", b"b"}
    items.forget(copied)
    assert len(items) == 0
    with pytest.raises(NotFoundError, match="--keep-unsure"):
        items.copied(tmp_path, "label")


def test_what_cannot_be_kept_spoils_no_answer(tmp_path, world):
    """Half of a character in a cell, and a suffix that no file can have."""
    reference = world.reference()
    watcher = Watcher(Journal.begun(tmp_path, About("mail"), reference), 100, 0.9, 5)
    answer = Answer(label="a", confidence=0.5, abstain=True, probabilities={})
    watcher.keep_rows(Asked(rows=[{"text": "\ud800"}]), "text", [answer])
    watcher.keep_files([(b"x", ".a\0")], [answer])
    watcher.keep_rows(Asked(rows=[{"text": "odd"}]), "text", [answer])
    assert len(UnsureItems(tmp_path / About("mail").folder, 5)) == 1
