"""doccano and the categories of spaCy: the classes of whole texts and pictures, and no spans."""

from __future__ import annotations

import pandas as pd
import pytest
from tests_support.labelling_exports import pairs


@pytest.mark.parametrize(
    ("record", "text", "label"),
    [
        ({"id": 1, "text": "t", "label": ["x"], "Comments": []}, "text", "label"),
        ({"id": 1, "data": "t", "label": ["x"]}, "data", "label"),
        (
            {"id": 1, "text": "t", "meta": {}, "annotation_approver": None, "labels": ["x"]},
            "text",
            "labels",
        ),
        ({"id": 1, "text": "t", "cats": ["x"], "entities": []}, "text", "cats"),
    ],
)
def test_doccano_lines(read_export, record, text, label):
    rows, reading = read_export(
        [record, {**record, "id": 2, label: []}, {**record, "id": 3, label: ["x", "y"]}], "jsonl"
    )
    assert reading.format == "doccano"
    assert reading.roles == {"text": text, "label": label}
    assert pairs(rows, reading) == [("t", "x"), ("t", ""), ("t", '["x", "y"]')]


def test_doccano_csv_parts_several_labels_at_the_hash(read_export):
    frame = pd.DataFrame(
        {
            "id": range(6),
            "data": [f"t{i}" for i in range(6)],
            "label": ["a", "b", "a#b", "C#", "C#", ""],
        }
    )
    rows, _ = read_export(frame, "csv")
    assert [row["label"] for row in rows] == ["a", "b", '["a", "b"]', "C#", "C#", ""]


def test_doccano_pictures(read_export):
    rows, reading = read_export(
        [
            {"id": 1, "filename": "a.jpg", "label": ["cat"]},
            {"id": 2, "filename": "b.jpg", "label": []},
        ],
        "jsonl",
    )
    assert reading.roles == {"image": "filename", "label": "label"}
    assert pairs(rows, reading) == [("a.jpg", "cat"), ("b.jpg", "")]


def test_doccano_of_the_first_version_counts_its_users(read_export):
    rows, reading = read_export(
        [
            {
                "id": 1,
                "text": "t",
                "annotations": [
                    {"label": 2, "user": 1},
                    {"label": 2, "user": 2},
                    {"label": 3, "user": 3},
                ],
                "meta": {"k": "v"},
            }
        ]
    )
    assert pairs(rows, reading) == [("t", "2")]
    assert (rows[0]["annotators"], rows[0]["k"]) == ("3", "v")


def test_spans_of_doccano_are_not_classes(read_export):
    rows, reading = read_export(
        [{"id": 1, "text": "Bob is here", "label": [[0, 3, "PER"]]}], "jsonl"
    )
    assert pairs(rows, reading) == [("Bob is here", "")]
    assert reading.doubts


def test_marks_of_spacy_categories(read_export):
    rows, reading = read_export(
        [
            {"text": "a", "cats": {"POS": 1.0, "NEG": 0.0}},
            {"text": "b", "cats": {"POS": 0, "NEG": 1}},
        ]
    )
    assert pairs(rows, reading) == [("a", "POS"), ("b", "NEG")]
