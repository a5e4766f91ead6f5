"""Filters on columns find what a plain loop over the rows finds, in its order, and fast."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest
from tests_support.datasets import build, write_pictures

from tl_core.data.browse.query import Query, look_up, matching
from tl_core.data.browse.row_columns import RowAnswers, read_answers, read_columns
from tl_core.data.versions.edits import decide
from tl_core.data.versions.revise import apply_decisions
from tl_core.data.versions.store import DatasetVersion

WORDS = ("late", "Film", "GOOD", "order", "Ärger", "100%", "a.b")


@pytest.fixture(scope="module")
def version(tmp_path_factory):
    """Texts of three classes with copies, rows without a class, and two that were left out."""
    folder = tmp_path_factory.mktemp("texts")
    random = np.random.default_rng(3)
    lines = ["text,label"]
    for number in range(300):
        words = " ".join(random.choice(WORDS, random.integers(1, 9)))
        lines.append(f"{words} {number % 250},{['a', 'b', '$5 *x*', ''][number % 4]}")
    (folder / "t.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    old = build(folder / "t.csv", folder / "v")
    alive = np.flatnonzero(old.labels >= 0)
    for row in alive[:2].tolist():
        decide(old, row, "drop")
    (folder / "w").mkdir()
    apply_decisions(old, folder / "w", "t@1")
    return DatasetVersion(folder / "w")


@pytest.fixture(scope="module")
def answers(version):
    """A run that was asked about every third row and is right about most of them."""
    random = np.random.default_rng(5)
    rows = len(version.labels)
    said = np.where(random.random(rows) < 0.8, version.labels, 0)
    asked = (np.arange(rows) % 3 == 0) & (version.labels >= 0)
    return RowAnswers(
        np.where(asked, said, -1), np.where(asked, random.random(rows).round(1), np.nan)
    )


def wanted(version, query, answers, row):
    """Whether a row belongs to a query, read off the item itself."""
    text = version.texts(np.array([row]))[0]
    names = [*version.info.labels, ""]
    length = len(text.split()) if query.measure != "chars" else len(text)
    said, sure = answers.said[row], answers.confidence[row]
    right = said == version.labels[row]
    return (
        version.splits[row] != "removed"
        and all(word.lower() in text.lower() for word in query.words.split())
        and (not query.classes or names[version.labels[row]] in query.classes)
        and (not query.splits or version.splits[row] in query.splits)
        and (not query.finding or row in version.finding_rows(query.finding))
        and (query.least is None or length >= query.least)
        and (query.most is None or length <= query.most)
        and (not query.outcome or said >= 0)
        and (query.outcome not in ("right", "wrong") or right == (query.outcome == "right"))
        and (query.low == 0 or (said >= 0 and sure >= query.low))
        and (query.high == 1 or (said >= 0 and sure <= query.high))
    )


PARTS = [
    {"words": "late"},
    {"words": "FILM good"},
    {"words": "ärger"},
    {"words": "0% a.b"},
    {"classes": ("a", "$5 *x*")},
    {"classes": ("", "b")},
    {"splits": ("train",)},
    {"splits": ("test", "unlabelled")},
    {"finding": "duplicates"},
    {"least": 3, "most": 5},
    {"measure": "chars", "least": 20},
    {"outcome": "judged"},
    {"outcome": "wrong", "low": 0.5},
    {"outcome": "right", "high": 0.4},
]


@pytest.mark.parametrize(
    "parts",
    [(), *((part,) for part in PARTS), *itertools.combinations(PARTS, 2)],
    ids=lambda parts: " ".join(map(str, parts)) or "everything",
)
def test_a_filter_finds_what_a_loop_over_the_items_finds(version, answers, parts):
    query = Query(**{name: value for part in parts for name, value in part.items()})
    expected = [row for row in range(len(version.labels)) if wanted(version, query, answers, row)]
    assert matching(version, query, answers).tolist() == expected
    assert query.filters == bool(parts)


def test_a_phrase_in_quotes_is_looked_for_as_it_stands(version):
    texts = version.texts(np.arange(len(version.labels)))
    found = matching(version, Query(words='"late film"')).tolist()
    assert found == [
        row
        for row, text in enumerate(texts)
        if "late film" in text.lower() and version.splits[row] != "removed"
    ]
    assert 0 < len(found) < len(matching(version, Query(words="late film")))


@pytest.mark.parametrize("order", ["shortest", "longest", "class", "unsure", "sure"])
def test_orders_keep_equal_rows_as_they_came(version, answers, order):
    columns = read_columns(version)
    length, sure = columns.measures["words"], answers.confidence
    unasked = np.isnan(sure)
    worth = {
        "shortest": lambda row: length[row],
        "longest": lambda row: -length[row],
        "class": lambda row: version.labels[row],
        "unsure": lambda row: (unasked[row], 0 if unasked[row] else sure[row]),
        "sure": lambda row: (unasked[row], 0 if unasked[row] else -sure[row]),
    }[order]
    stored = matching(version, Query()).tolist()
    assert matching(version, Query(order=order), answers).tolist() == sorted(stored, key=worth)


def test_counts_are_those_of_the_other_choices(version):
    query = Query(words="good", classes=("a",), splits=("train",))
    found = look_up(version, query)
    for name in (*version.info.labels, ""):
        other = Query(words="good", classes=(name,), splits=("train",))
        assert found.by_class.get(name, 0) == len(matching(version, other))
    for split in ("train", "validation", "test"):
        other = Query(words="good", classes=("a",), splits=(split,))
        assert found.by_split.get(split, 0) == len(matching(version, other))
    assert "removed" not in look_up(version, Query()).by_split


def test_pictures_are_found_by_name_and_size(tmp_path):
    version = build(write_pictures(tmp_path / "p", 8), tmp_path / "v")
    names = version.names(np.arange(len(version.labels)))
    rows = matching(version, Query(words="RED/"))
    assert rows.tolist() == [row for row, name in enumerate(names) if "red/" in name.lower()]
    assert len(rows) == 8
    assert len(matching(version, Query(least=40, most=40))) == 24
    assert len(matching(version, Query(measure="pixels", least=40 * 48 + 1))) == 0


def test_answers_are_read_from_lists_and_lists_that_are_not_there_say_nothing(version, tmp_path):
    name = version.info.labels[0]
    (tmp_path / "validation.csv").write_text(
        f'index,row,true,label,confidence,p:x\n2,"odd\nname",a,{name},0.75,1\n4,r,a,gone,0.5,1\n'
    )
    answers = read_answers([tmp_path / "validation.csv", tmp_path / "none.csv"], version)
    assert answers.asked.sum() == 1 and answers.said[2] == 0
    assert answers.confidence[2] == 0.75 and np.isnan(answers.confidence[3])


def test_a_version_without_facts_or_findings_is_looked_through_all_the_same(version, tmp_path):
    import shutil

    shutil.copytree(version.folder, tmp_path / "old")
    for name in ("facts", "findings"):
        (tmp_path / "old" / f"{name}.parquet").unlink()
    old = DatasetVersion(tmp_path / "old")
    assert read_columns(old).measures == {}
    assert len(matching(old, Query(least=5, order="longest"))) == len(matching(version, Query()))
    assert len(matching(old, Query(finding="duplicates"))) == 0


def test_a_hundred_thousand_texts_are_filtered_in_well_under_a_second(tmp_path):
    version = large(tmp_path / "large", 100_000)
    matching(version, Query())  # opens the files
    begin = time.perf_counter()
    found = matching(
        version,
        Query(words="late film", classes=("a",), splits=("train",), least=5, order="longest"),
    )
    assert time.perf_counter() - begin < 1.0
    assert 0 < len(found) < 50_000


def large(folder, rows):
    """A version of many texts, its files written directly: no copies are looked for."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from tl_core.data.item_kind import kind_of
    from tl_core.data.versions.items import items_writer
    from tl_core.data.versions.store import VersionInfo, write_index, write_info

    folder.mkdir()
    random = np.random.default_rng(0)
    lengths = random.integers(5, 40, rows)
    words = random.choice(np.array(WORDS), int(lengths.sum())).tolist()
    ends = np.cumsum(lengths)
    texts = [" ".join(words[end - size : end]) for end, size in zip(ends, lengths, strict=True)]
    table = pa.table({"text": texts, "name": [f"row {number}" for number in range(rows)]})
    with items_writer(folder, table.schema, kind_of("text").stored) as write:
        write(table)
    pq.write_table(
        pa.table({"chars": list(map(len, texts)), "words": lengths}), folder / "facts.parquet"
    )
    labels, splits = random.integers(0, 2, rows), random.choice(["train", "test"], rows)
    write_index(folder, labels, splits, np.arange(rows), np.full(rows, -1, dtype=np.int8))
    counts = {"a": int((labels == 0).sum()), "b": int((labels == 1).sum())}
    write_info(folder, VersionInfo("text", "single_label", rows, counts, {}, {}, "f", "i"))
    return DatasetVersion(folder)
