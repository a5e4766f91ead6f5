"""The shapes in which tables are written as JSON, each with the rows that a person sees in it."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from tl_core.data.tables.reading import Reading, cell
from tl_core.data.tables.table import read_table
from tl_core.errors import DataError

ROWS = [
    {"text": "one fine day", "label": "x"},
    {"text": "two bad days", "label": "y"},
    {"text": "three", "label": "x"},
]
FRAME = pd.DataFrame(ROWS)


@pytest.fixture
def read(tmp_path):
    def reader(content, suffix="json"):
        path = tmp_path / f"t.{suffix}"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        reading = Reading()
        return [
            row for part in read_table(path, reading, 2) for row in part.cells.to_pylist()
        ], reading

    return reader


SHAPES = {
    "a list of objects": ROWS,
    "under a key": {"data": ROWS},
    "under rows, beside facts": {"version": 1.1, "rows": ROWS, "about": {"by": "us"}},
    "two levels down": {"result": {"items": ROWS, "total": 3}},
    "over several lines": json.dumps({"data": ROWS}, indent=2),
    "a list over several lines": json.dumps(ROWS, indent=4),
    "a key, then one record a line": '{"data": [\n' + ",\n".join(map(json.dumps, ROWS)) + "\n]}",
    "one record a line in brackets": "[\n" + ",\n".join(map(json.dumps, ROWS)) + "\n]",
    "JSON lines": "\n".join(map(json.dumps, ROWS)),
    "JSON lines with commas": ",\n".join(map(json.dumps, ROWS)),
    "JSON lines below blank lines": "\n\n" + "\n\n".join(map(json.dumps, ROWS)),
    "records over several lines, one after the other": "\n".join(
        json.dumps(row, indent=1) for row in ROWS
    ),
    "pandas' own": FRAME.to_json(),
    "columns of lists": FRAME.to_dict("list"),
    "columns that nobody knows": {
        "Ticket": [r["text"] for r in ROWS],
        "Team": [r["label"] for r in ROWS],
    },
    "orient split": FRAME.to_json(orient="split"),
    "orient table": FRAME.to_json(orient="table"),
    "orient records": FRAME.to_json(orient="records"),
    "orient index": FRAME.to_json(orient="index"),
    "names and rows": {
        "header": ["text", "label"],
        "rows": [[r["text"], r["label"]] for r in ROWS],
    },
    "fields and rows": {
        "fields": [{"name": "text"}, {"name": "label"}],
        "rows": [list(r.values()) for r in ROWS],
    },
    "the Hub's viewer": {
        "features": [{"name": "label", "type": {"names": ["y", "x"], "_type": "ClassLabel"}}],
        "rows": [
            {"row_idx": i, "row": {**r, "label": int(r["label"] == "x")}, "truncated_cells": []}
            for i, r in enumerate(ROWS)
        ],
    },
    "lists below names": [["text", "label"], *([r["text"], r["label"]] for r in ROWS)],
    "lists below unknown names": [["Ticket", "Team"], *([r["text"], r["label"]] for r in ROWS)],
    "lists without names": [[r["text"], r["label"]] for r in ROWS],
    "ids to records": {f"a{i}": row for i, row in enumerate(ROWS)},
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes_are_read_as_the_same_rows(read, name):
    rows, reading = read(SHAPES[name])
    found = [tuple(value for key, value in row.items() if key != "name") for row in rows]
    assert found == [tuple(row.values()) for row in ROWS]
    assert not reading.doubts


def test_a_list_that_is_named_jsonl_is_read(read):
    assert read(json.dumps(ROWS), "jsonl")[0] == ROWS


def test_lines_with_a_long_first_line_are_lines(read):
    long = [{"text": "x" * 20_000, "label": "a"}, *ROWS]
    assert read("\n".join(map(json.dumps, long)))[0] == long


def test_missing_keys_and_values_are_empty(read):
    rows, reading = read(
        '[{"text": "a", "label": NaN}, {"text": "b"}, {"label": Infinity, "text": "c", "n":'
        ' -Infinity}, {"text": "d", "label": null}, {"text": "e", "label": "NaN"}]'
    )
    assert [row["label"] for row in rows] == ["", "", "", "", "NaN"]
    assert not reading.bad


def test_not_a_number_is_an_empty_cell_in_every_format(tmp_path):
    assert [cell(value) for value in (float("nan"), float("inf"), 3.0, 0.5, None)] == [
        "",
        "",
        "3",
        "0.5",
        "",
    ]
    pd.DataFrame({"text": ["a", "b"], "label": [1.0, None]}).to_parquet(tmp_path / "t.parquet")
    assert next(read_table(tmp_path / "t.parquet")).cells.to_pydict()["label"] == ["1", ""]


# ---- splits


@pytest.mark.parametrize(
    ("keys", "splits"),
    [
        (("train", "validation", "test"), ["train", "validation", "test"]),
        (("Train", "dev", "TEST"), ["train", "validation", "test"]),
        (("training_set", "valid_set", "test_set"), ["train", "validation", "test"]),
        (("train", "test", "eval"), ["train", "test", "validation"]),
    ],
)
def test_splits_of_an_object_become_a_column(read, keys, splits):
    parts = {key: [row] for key, row in zip(keys, ROWS, strict=True)}
    rows, reading = read({"version": 2, **parts, "labels": ["x", "y"]})
    assert [row["split"] for row in rows] == splits
    assert [row["text"] for row in rows] == [row["text"] for row in ROWS]
    assert reading.roles["split"] == "split"


def test_a_split_column_of_their_own_is_kept(read):
    rows, reading = read(
        {"train": [{**ROWS[0], "Split": "a"}], "test": [{**ROWS[1], "Split": "b"}]}
    )
    assert [row["split_of_file"] for row in rows] == ["train", "test"]
    assert [row["Split"] for row in rows] == ["a", "b"]
    assert reading.roles["split"] == "split_of_file"


@pytest.mark.parametrize(
    "part",
    [
        lambda rows: pd.DataFrame(rows).to_dict("list"),
        lambda rows: {"data": rows},
        lambda rows: [["text", "label"], *(list(row.values()) for row in rows)],
        lambda rows: {f"kind {row['label']}": [row["text"]] for row in rows},
    ],
)
def test_splits_may_have_shapes_of_their_own(read, part):
    rows, _ = read({"train": part(ROWS[:2]), "test": part(ROWS[1:])})
    expected = [
        (row["text"], row["label"], split)
        for split, part in (("train", ROWS[:2]), ("test", ROWS[1:]))
        for row in part
    ]
    assert [
        (row["text"], row["label"].removeprefix("kind "), row["split"]) for row in rows
    ] == expected


def test_pairs_without_names_in_splits_keep_their_first_row(read):
    rows, _ = read(
        {
            "train": [["book a flight", "travel"], ["pay a bill", "bank"]],
            "val": [["fly", "travel"]],
            "oos_train": [["what is love", "oos"]],
            "oos_val": [["who am I", "oos"]],
        }
    )
    assert [(row["column 1"], row["column 2"], row["split"]) for row in rows] == [
        ("book a flight", "travel", "train"),
        ("pay a bill", "bank", "train"),
        ("fly", "travel", "validation"),
        ("what is love", "oos", "train"),
        ("who am I", "oos", "validation"),
    ]


def test_an_empty_split_is_no_row(read):
    rows, _ = read({"train": ROWS, "validation": [], "test": ROWS[:1]})
    assert [row["split"] for row in rows] == ["train"] * 3 + ["test"]


def test_one_lone_split_is_a_plain_list(read):
    assert read({"train": ROWS})[0] == ROWS


# ---- names and classes, texts and classes


@pytest.mark.parametrize(
    ("content", "roles"),
    [
        ({"1.jpg": "cat", "a/2.PNG": "dog"}, {"image": "name", "label": "label"}),
        ({"1.jpg": 0, "2.jpg": 1}, {"image": "name", "label": "label"}),
        ({"a good film": "pos", "a bad one": "neg"}, {"text": "name", "label": "label"}),
        ({"0a1b": "cat", "0c2d": "dog"}, {"label": "label"}),
        ({"1.jpg": ["cat"], "2.jpg": ["dog"]}, {"image": "name", "label": "label"}),
    ],
)
def test_an_object_from_names_to_classes(read, content, roles):
    rows, reading = read(content)
    assert [(row["name"], row["label"]) for row in rows] == [
        (name, str(value[0] if isinstance(value, list) else value))
        for name, value in content.items()
    ]
    assert reading.roles == roles


def test_texts_to_lists_of_classes_are_not_classes_to_texts(read):
    content = {f"sentence {i}": ["ab"[i % 2]] for i in range(8)}
    rows, _ = read(content)
    assert [(row["name"], row["label"]) for row in rows] == [
        (f"sentence {i}", "ab"[i % 2]) for i in range(8)
    ]


@pytest.mark.parametrize(
    "content",
    [
        {"spam": ["win now", "free"], "ham": ["hello", "see you"]},
        {"greeting": ["Hi", "Hello"], "bye": ["See you", "Bye bye"]},
        {"question": ["why", "who", "what"], "complaint": ["late"]},
        {"咨询": ["多少钱", "在哪"], "投诉": ["太慢", "坏了"]},
    ],
)
def test_classes_to_texts(read, content):
    rows, reading = read(content)
    expected = [(text, label) for label, texts in content.items() for text in texts]
    assert [(row["text"], row["label"]) for row in rows] == expected
    assert reading.roles == {"text": "text", "label": "label"}


def test_one_class_may_be_called_train(read):
    rows, _ = read(
        {
            "train": ["a red engine", "a late one"],
            "plane": ["a jet"],
            "car": ["a bus", "a van", "a cab"],
        }
    )
    assert {row["label"] for row in rows} == {"train", "plane", "car"}


def test_a_list_of_strings_is_a_column_of_texts(read):
    assert read(["one", "two"])[0] == [{"text": "one"}, {"text": "two"}]


def test_a_single_record_is_a_row(read):
    assert read({"text": "one", "label": "x"})[0] == [{"text": "one", "label": "x"}]


# ---- what is refused, and what is doubted


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"users": [{"a": 1}], "posts": [{"b": 2}]}, "users, posts"),
        ({"train": [{"text": "a"}], "test": [{"text": "b"}], "people": [{"name": "c"}]}, "people"),
        ({"text": ["a", "b"], "label": ["x"]}, "different lengths"),
        (
            {
                "train_texts": ["a"],
                "train_labels": ["x"],
                "test_texts": ["c"],
                "test_labels": ["x"],
            },
            "list of objects",
        ),
        ({"columns": ["a", "b"], "data": [["1"]]}, "2 values"),
        ([1, 2, 3], "list of objects"),
        ("42", "list of objects"),
        ([{"a": 1}, 2], "list of objects"),
        ({}, "list of objects"),
        ({"loss": 0.1, "accuracy": 0.9}, "list of objects"),
        ('{"a": [1, 2', "JSON"),
        ("[", "JSON"),
        ("   ", "JSON"),
    ],
)
def test_what_is_no_table_is_refused_in_words(read, content, words):
    with pytest.raises(DataError, match=words):
        read(content)


@pytest.mark.parametrize(
    "record",
    [
        {"text": "a", "label": "x", "tree": {"a": {"b": 1}}},
        {"item": {"body": "a"}, "label": "x"},
        {"paragraphs": [{"context": "a"}], "label": "x"},
    ],
)
def test_nested_columns_are_doubted(read, record):
    rows, reading = read([record, record])
    assert len(rows) == 2
    assert any("nested data" in doubt for doubt in reading.doubts)


@pytest.mark.parametrize(
    "record",
    [
        {"text": "a", "label": "x", "meta": {"source": "web"}},
        {"text": "{not JSON}", "label": "x"},
        {"text": "a", "label": "x", "tokens": ["a"]},
    ],
)
def test_plain_records_with_something_beside_them_are_not(read, record):
    rows, reading = read([record, record])
    assert (len(rows), reading.doubts) == (2, [])
