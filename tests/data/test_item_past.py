"""What is known of one item: its past over versions, its copies, its findings and facts."""

from __future__ import annotations

import numpy as np
import pytest
from tests_support.datasets import build, write_pictures

from tl_core.data.browse.distributions import ends, spread_of
from tl_core.data.browse.item_details import alike, extras_of, facts_of, findings_of
from tl_core.data.browse.past import changes, past_of
from tl_core.data.browse.row_columns import RowColumns
from tl_core.data.item_kind import own_columns
from tl_core.data.label_sets import LabelSets
from tl_core.data.versions.edits import decide
from tl_core.data.versions.revise import apply_decisions, fix_finding
from tl_core.data.versions.store import DatasetVersion

AB = LabelSets.of_classes(["a", "b"])


@pytest.fixture
def version(tmp_path):
    lines = ["text,label,city"]
    for number in range(60):
        lines.append(f"words of number {number} &amp; more,{'ab'[number % 2]},Rome {number}")
    lines += ["Words  of number 0 &amp; more,a,", "words of number 0 &amp; more,a,Oslo"]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    return build(tmp_path / "t.csv", tmp_path / "v1")


def next_of(version, folder, parent, finding="", chosen=""):
    folder.mkdir()
    if finding:
        fix_finding(version, finding, chosen, folder, parent)
    else:
        apply_decisions(version, folder, parent)
    return DatasetVersion(folder)


def test_an_item_is_followed_through_changes_repairs_and_its_end(version, tmp_path):
    decide(version, 3, "relabel", "a")
    second = next_of(version, tmp_path / "v2", "t@1")
    third = next_of(second, tmp_path / "v3", "t@2", "entities", "repair")
    decide(third, 3, "drop")
    fourth = next_of(third, tmp_path / "v4", "t@3")
    known = {"t@1": version, "t@2": second, "t@3": third, "t@4": fourth}
    stages = past_of("t@4", 3, known.get)
    assert [(one.reference, one.label) for one in stages] == [
        ("t@4", "a"),
        ("t@3", "a"),
        ("t@2", "a"),
        ("t@1", "b"),
    ]
    assert changes(stages) == [("t@4", "left out"), ("t@2", "b → a")]
    del known["t@2"]
    assert len(past_of("t@4", 3, known.get)) == 2  # the version before was deleted
    assert past_of("t@4", 10_000, known.get) == []


def test_another_import_under_the_name_is_another_item(version, tmp_path):
    (tmp_path / "again").mkdir()
    (tmp_path / "again/t.csv").write_text(
        "text,label\n" + "".join(f"other {n},{'ab'[n % 2]}\n" for n in range(60))
    )
    other = build(tmp_path / "again/t.csv", tmp_path / "u")
    decide(other, 1, "drop")
    second = next_of(other, tmp_path / "u2", "t@1")
    assert len(past_of("t@2", 5, {"t@1": version, "t@2": second}.get)) == 1


def test_copies_come_before_near_ones_and_an_item_is_not_like_itself(version):
    names = version.names(np.arange(len(version.labels)))
    assert [names[row] for row in alike(version, 0)][:2] == [names[60], names[61]]
    assert 0 not in alike(version, 0)
    decide(version, 60, "drop")


def test_facts_extras_and_findings_of_one_item(version, tmp_path):
    assert facts_of(version, 0)["words"] == 6
    assert extras_of(version, 0, own_columns()) == {"city": "Rome 0"}
    assert extras_of(version, 60, own_columns()) == {}
    assert {"duplicates", "entities"} <= set(findings_of(version, 0))
    photos = build(write_pictures(tmp_path / "p"), tmp_path / "pv")
    assert (facts_of(photos, 2)["width"], facts_of(photos, 2)["height"]) == (48, 40)
    (photos.folder / "facts.parquet").unlink()
    (photos.folder / "findings.parquet").unlink()
    assert (facts_of(photos, 2), alike(photos, 2), findings_of(photos, 2)) == ({}, [], [])


def test_a_spread_counts_every_row_once_and_keeps_its_tail():
    random = np.random.default_rng(1)
    lengths = np.concatenate([random.integers(3, 60, 999), [5000]])
    labels, splits = random.integers(0, 2, 1000), np.full(1000, "train", dtype="<U10")
    splits[:10] = "removed"
    columns = RowColumns(labels, splits, {"words": lengths})
    spread = spread_of(columns, "words", AB, ["b"])
    assert sum(spread.counts) == 990 and spread.open_end
    assert sum(spread.by_class["b"]) == (labels[10:] == 1).sum()
    assert len(spread.counts) <= 24 and spread.edges[-1] < 100
    inside = (lengths[10:] >= spread.edges[0]) & (lengths[10:] < spread.edges[1])
    assert spread.counts[0] == inside.sum()
    flat = RowColumns(labels, splits, {"words": np.full(1000, 7)})
    assert spread_of(flat, "words", AB, []).counts == [990]
    none = RowColumns(labels[:0], splits[:0], {"words": lengths[:0]})
    assert spread_of(none, "words", AB, ["a"]).counts == [0]


def test_of_many_classes_the_largest_and_smallest_are_named():
    counts = {f"c{number}": number for number in range(500)}
    largest, smallest, between = ends(counts, 10)
    assert largest[0] == "c499" and smallest[-1] == "c0" and between == 490
    assert ends({"a": 1, "b": 3}, 10) == (["b", "a"], [], 0)
