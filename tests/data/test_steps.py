"""The quick count of what a version changed agrees with the comparison of contents."""

from __future__ import annotations

import pytest
from tests_support.datasets import build

from tl_core.data.browse.steps import step_between
from tl_core.data.versions.diff import compare_versions
from tl_core.data.versions.edits import decide
from tl_core.data.versions.revise import apply_decisions, fix_finding, restore
from tl_core.data.versions.store import DatasetVersion


@pytest.fixture
def version(tmp_path):
    lines = ["text,label"]
    for number in range(90):
        lines.append(f"words of number {number},{('a', 'b', 'B')[number % 3]}")
    lines += [f"words of number {number},{('a', 'b', 'B')[number % 3]}" for number in range(6)]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    return build(tmp_path / "t.csv", tmp_path / "v1")


def counted(old, new):
    step, full = step_between(old, new), compare_versions(old, new)
    expected = [full[kind]["count"] for kind in ("added", "removed", "relabelled", "moved")]
    assert [step.added, step.removed, step.relabelled, step.moved] == expected
    return step


def test_fixes_decisions_and_restoring_are_counted_alike(version, tmp_path):
    folders = [tmp_path / f"v{number}" for number in range(2, 6)]
    for folder in folders:
        folder.mkdir()
    fix_finding(version, "similar_names", "merge", folders[0], "t@1")
    merged = DatasetVersion(folders[0])
    assert counted(version, merged).relabelled == 32
    fix_finding(merged, "duplicates", "keep_one", folders[1], "t@2")
    single = DatasetVersion(folders[1])
    assert counted(merged, single).removed == 6
    for row in (20, 23):
        decide(single, row, "relabel", "a")
    decide(single, 26, "drop")
    apply_decisions(single, folders[2], "t@3")
    reviewed = DatasetVersion(folders[2])
    assert (counted(single, reviewed).relabelled, counted(single, reviewed).removed) == (2, 1)
    restore(version, folders[3], "t@4", "t@1")
    assert counted(reviewed, DatasetVersion(folders[3])).added == 7


def test_another_import_does_not_go_on_from_the_one_before(version, tmp_path):
    rows = "".join(f"other {n},{'ab'[n % 2]}\n" for n in range(96))
    (tmp_path / "again").mkdir()
    (tmp_path / "again/t.csv").write_text(f"text,label\n{rows}")
    other = build(tmp_path / "again/t.csv", tmp_path / "w")
    assert version.names([0, 5]) == other.names([0, 5])  # rows are called by their numbers
    assert step_between(version, other) is None
    (version.folder / "facts.parquet").unlink()
    assert step_between(version, version) is None
