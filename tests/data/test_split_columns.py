"""Which column says where a row belongs: names of splits, flags, and what only looks like them."""

from __future__ import annotations

import pytest
from tests_support.column_tables import asked, each, frame, guess, other, sure, text
from tests_support.datasets import build
from tests_support.everyday import ab

from tl_core.errors import DataError

SPLIT_NAMES = [
    "source",
    "dataset",
    "group",
    "purpose",
    "data_type",
    "split_set",
    "train_or_test",
    "Teilmenge",
    "Datensatz",
    "Stichprobe",
    "data set",
    "column 1",
    "mode",
    "where it belongs",
]
SPLIT_CELLS = [
    ("train", "test"),
    ("TRAIN", "TEST"),
    ("train.csv", "test.csv"),
    ("training", "testing"),
    ("Trainingsdaten", "Testdaten"),
    ("imdb_train", "imdb_test"),
    ("Training set", "Validation set"),
]


@pytest.mark.parametrize("cells", SPLIT_CELLS)
@pytest.mark.parametrize("name", SPLIT_NAMES)
def test_a_column_of_nothing_but_names_of_splits_is_the_split_whatever_it_is_called(name, cells):
    found = guess({name: lambda row: cells[row > 35], "text": text, "label": ab})
    assert (found.split, found.text, found.label) == (name, "text", "label")
    assert sure(found)


def test_words_that_only_look_like_splits_are_none():
    for cells in (("train", "bus"), ("train", "plane", "test drive"), ("train",), ("test", "dev")):
        assert guess({"text": text, "label": ab, "topic": each(*cells)}).split == ""
    assert guess({"text": text, "label": each("train", "test")}).label == "label"
    rare = guess(
        {"text": text, "label": ab, "remark": lambda row: {3: "train", 4: "test"}.get(row, "")}
    )
    assert rare.split == ""


def test_train_alone_in_the_first_rows_is_a_split_that_goes_on():
    for name in ("split", "purpose", "Datensatz"):
        assert guess({"text": text, "label": ab, name: each("train")}).split == name
    assert guess({"text": text, "label": ab, "source": each("train")}, rows=1200).split == "source"
    assert (
        guess(
            {"text": text, "transport": each("train"), "code": lambda row: f"c{row}"},
            rows=1200,
            label_column="transport",
        ).split
        == ""
    )


SURE_FLAGS = [
    ("is_train", 1),
    ("in_train", 1),
    ("train_flag", 1),
    ("used for training", 1),
    ("holdout", 0),
    ("ist_test", 0),
    ("isTest", 0),
    ("test_set", 0),
]


@pytest.mark.parametrize(
    "yes_no", [("1", "0"), ("TRUE", "FALSE"), ("WAHR", "FALSCH"), ("yes", "no"), ("x", "")]
)
@pytest.mark.parametrize(("name", "train"), SURE_FLAGS)
def test_flags_that_ask_for_a_split_are_it(name, train, yes_no, tmp_path):
    yes, no = yes_no
    columns = {
        "text": text,
        "label": ab,
        name: lambda row: yes if (row < 36) == bool(train) else no,
    }
    found = guess(columns)
    assert (found.split, sure(found)) == (name, True)
    if yes_no == ("WAHR", "FALSCH"):
        frame(columns).to_csv(tmp_path / "t.csv", index=False)
        assert build(tmp_path / "t.csv", tmp_path / "v").info.splits["test"] == 12


@pytest.mark.parametrize(
    ("name", "test"), [("test", 1), ("train", 0), ("training", 0), ("Test", 1), ("testing", 1)]
)
def test_a_bare_name_of_a_split_over_yes_and_no_is_asked_about(name, test):
    table = {
        "text": text,
        "label": each("good", "bad"),
        name: lambda row: test if row > 35 else 1 - test,
    }
    assert asked(table) == ("split_column", [name, "none"])
    assert guess(table, split_column=name).split == name
    for no in ({"split_column": "none"}, {"ignore_splits": True}):
        found = guess(table, **no)
        assert (found.split, found.label) == ("", "label")


def test_bare_names_among_other_facts_or_as_the_only_class_are_no_splits():
    found = guess(
        {
            "text": text,
            "label": ab,
            "train": each(1, 1, 0),
            "bus": each(0, 1, 1),
            "car": other(0, 1),
        }
    )
    assert found.split == ""
    assert any("--split-column" in note for note in found.notes)
    assert (
        guess({"text": text, "label": ab, "test": each(1, 1, 1, 0)}).split == ""
    )  # most rows are never the test
    assert guess({"text": text, "label": ab, "valid": each(1, 1, 1, 0)}).split == ""
    alone = guess({"text": text, "test": each(1, 0, 0)})
    assert (alone.label, alone.notes) == ("test", ())
    late = guess(
        {
            "text": text,
            "label": ab,
            "train": lambda row: int(row < 36),
            "test": lambda row: int(row >= 36),
        }
    )
    assert (late.split, late.one_hot, sure(late)) == ("train", (), True)


def test_columns_that_split_differently_are_asked_about_and_ones_that_agree_are_not():
    words = {
        "text": text,
        "label": ab,
        "split": lambda row: "train" if row < 30 else "dev" if row < 36 else "test",
    }
    assert guess({**words, "is_test": lambda row: int(row >= 36)}).split == "split"
    assert guess({"fold": each(*range(5)), **words}).named() == {
        "text": "text",
        "label": "label",
        "split": "split",
    }
    assert asked({**words, "origin": each("train", "test")}) == (
        "split_column",
        ["split", "origin", "none"],
    )


def test_a_column_named_like_a_split_counts_only_where_most_cells_are_names_of_splits():
    found = guess({"text": text, "label": ab, "mode": each("online", "online", "test")})
    assert (found.split, sure(found)) == ("", True)
    assert any("'mode'" in note for note in found.notes)
    odd = guess({"text": text, "label": ab, "split": each("A", "B")})
    assert (odd.split, sure(odd)) == ("", False)
    for name in ("split", "mode", "usage"):
        table = {"text": text, "label": ab, name: each("train", "train", "tset", "test")}
        with pytest.raises(DataError, match=r"'tset' \(12 rows\).*--ignore-splits"):
            guess(table)
        assert guess(table, ignore_splits=True).split == ""
