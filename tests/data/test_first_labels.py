"""Rows without a class that people label become rows to train on, where they belong."""

from __future__ import annotations

import numpy as np
import pytest
from tests_support.datasets import build

from tl_core.data.versions.edits import Decision, decide, decide_all, decisions
from tl_core.data.versions.revise import apply_decisions
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import DataError


def waiting_texts(path, rows=40, waiting=20):
    """Texts of two classes, and some without; the first of these is a copy of a test text."""
    lines = ["text,label,split"]
    for number in range(rows):
        split = "test" if number % 4 == 0 else "train"
        lines.append(f"words of {number},{'good' if number % 2 else 'bad'},{split}")
    lines.append("words of 0,,")
    lines += [f"nobody knows {number},," for number in range(1, waiting)]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def version(tmp_path):
    return build(waiting_texts(tmp_path / "t.csv"), tmp_path / "v")


def made_of(version, tmp_path):
    target = tmp_path / "next"
    target.mkdir()
    return apply_decisions(version, target, "d@1"), DatasetVersion(target)


def test_a_labelled_row_is_trained_on_and_a_copy_of_a_test_row_is_not(version, tmp_path):
    waiting = version.rows_of("unlabelled").tolist()
    assert len(waiting) == 20
    decide(version, waiting[0], "relabel", "bad")  # the copy
    decide(version, waiting[1], "relabel", "good")
    decide(version, waiting[2], "relabel", "so-so", new=True)
    info, changed = made_of(version, tmp_path)
    assert [str(changed.splits[row]) for row in waiting[:4]] == [
        "test",
        "train",
        "train",
        "unlabelled",
    ]
    assert changed.label_names(np.array(waiting[:4])) == ["bad", "good", "so-so", ""]
    assert info.labels == ["bad", "good", "so-so"]
    assert info.class_splits["so-so"] == {"train": 1, "validation": 0, "test": 0}
    assert info.splits["unlabelled"] == 17
    assert info.change == "Gave 3 a class that had none after a review."
    others = np.setdiff1d(np.arange(len(version.labels)), waiting[:3])
    assert (changed.splits[others] == version.splits[others]).all()
    assert len((changed.folder / "unlabelled.csv").read_text().splitlines()) == 18


def test_a_labelled_row_is_held_out_in_its_turn(version, tmp_path):
    waiting = version.rows_of("unlabelled").tolist()
    decide_all(version, {row: Decision("relabel", "good") for row in waiting[1:]})
    _, changed = made_of(version, tmp_path)
    assert (changed.folds[waiting[1:]] >= 0).all()
    assert (changed.folds[changed.rows_of("test")] == -1).all()


def test_a_new_class_is_taken_only_where_it_is_wanted(version):
    row = int(version.rows_of("unlabelled")[0])
    with pytest.raises(DataError, match="no class 'new'"):
        decide(version, row, "relabel", "new")
    assert decisions(version.folder) == {}


def test_one_that_cannot_be_made_stops_all(version):
    row = int(version.rows_of("unlabelled")[0])
    with pytest.raises(DataError, match="no row 999"):
        decide_all(version, {row: Decision("relabel", "good"), 999: Decision("keep")})
    assert decisions(version.folder) == {}
