"""Decisions about single labels: saved at once, the last one counts, and they become a version on
request.
"""

from __future__ import annotations

import numpy as np
import pytest
from tests_support.datasets import build, write_texts

from tl_core.data.versions.edits import Decision, decide, decisions
from tl_core.data.versions.revise import apply_decisions
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import DataError


@pytest.fixture
def version(tmp_path):
    return build(write_texts(tmp_path / "t.csv"), tmp_path / "v")


def test_the_last_decision_about_a_row_counts(version):
    other = version.info.labels[1 - version.labels[0]]
    decide(version, 0, "keep")
    decide(version, 1, "drop")
    decide(version, 0, "relabel", other)
    decide(version, 1, "undo")
    decide(version, 2, "keep")
    assert decisions(version.folder) == {0: Decision("relabel", other), 2: Decision("keep")}


@pytest.mark.parametrize(
    ("row", "action", "label", "words"),
    [
        (10_000, "keep", "", "no row 10000"),
        (0, "burn", "", "no decision 'burn'"),
        (0, "relabel", "nonsense", "no class 'nonsense'"),
        (0, "relabel", "", "no class ''"),
    ],
)
def test_nonsense_is_refused_and_nothing_is_saved(version, row, action, label, words):
    with pytest.raises(DataError, match=words):
        decide(version, row, action, label)
    with pytest.raises(DataError, match="already"):
        decide(version, 0, "relabel", version.info.labels[version.labels[0]])
    assert decisions(version.folder) == {}


def test_decisions_become_a_version_and_nothing_else_moves(version, tmp_path):
    other = version.info.labels[1 - version.labels[3]]
    decide(version, 3, "relabel", other)
    decide(version, 5, "drop")
    decide(version, 7, "keep")
    target = tmp_path / "next"
    target.mkdir()
    info = apply_decisions(version, target, "d@1")
    changed = DatasetVersion(target)
    assert info.change == "Changed the class of 1 and left out 1 after a review."
    assert info.labels[changed.labels[3]] == other
    assert changed.splits[5] == "removed"
    same = np.setdiff1d(np.arange(len(version.labels)), [3, 5])
    assert (changed.labels[same] == version.labels[same]).all()
    assert (changed.splits[same] == version.splits[same]).all()
    assert decisions(target) == {7: Decision("keep")}  # what was found right stays settled


def test_without_a_change_no_version_is_made(version, tmp_path):
    decide(version, 0, "keep")
    with pytest.raises(DataError, match="No label"):
        apply_decisions(version, tmp_path, "d@1")


def test_a_decision_that_was_cut_short_takes_no_other_one_along(version):
    """A kill, or a full disk; separators of lines that JSON does not escape are part of a name."""
    decide(version, 0, "drop")
    with (version.folder / "edits.jsonl").open("ab") as lines:
        lines.write(b'{"row": 1, "act')
    assert list(decisions(version.folder)) == [0]
    decide(version, 2, "relabel", "one\u2028two\x85three", new=True)
    assert decisions(version.folder) == {
        0: Decision("drop"),
        2: Decision("relabel", "one\u2028two\x85three"),
    }
