"""COCO, fastText, and ordinary tables that are the export of no tool."""

from __future__ import annotations

import pandas as pd
import pytest
from tests_support.labelling_exports import pairs


# ---- COCO and fastText
def test_coco_gives_each_picture_its_category(read_export):
    rows, reading = read_export(
        {
            "info": {"year": 2025},
            "licenses": [{"id": 1}],
            "images": [{"id": i, "file_name": f"{i}.jpg", "width": 4} for i in range(4)],
            "annotations": [
                {"id": 1, "image_id": 0, "category_id": 7, "bbox": [0, 0, 1, 1]},
                {"id": 2, "image_id": 0, "category_id": 7},
                {"id": 3, "image_id": 1, "category_id": 9},
                {"id": 4, "image_id": 2, "category_id": 9},
                {"id": 5, "image_id": 2, "category_id": 7},
            ],
            "categories": [{"id": 7, "name": "cat"}, {"id": 9, "name": "dog"}],
        }
    )
    assert reading.format == "COCO JSON"
    assert pairs(rows, reading) == [
        ("0.jpg", "cat"),
        ("1.jpg", "dog"),
        ("2.jpg", '["cat", "dog"]'),
        ("3.jpg", ""),
    ]


@pytest.mark.parametrize(
    ("content", "suffix"),
    [
        (
            "__label__pos good film\n__label__neg bad film\n__label__neg __label__old sad film\n",
            "txt",
        ),
        (
            (
                "__label__pos\tgood film\n__label__neg\tbad film\n__label__neg __label__old\tsad"
                " film\n"
            ),
            "csv",
        ),
    ],
)
def test_fasttext_lines(read_export, content, suffix):
    rows, reading = read_export(content, suffix)
    assert reading.format == "fastText"
    assert pairs(rows, reading) == [
        ("good film", "pos"),
        ("bad film", "neg"),
        ("sad film", '["neg", "old"]'),
    ]


def test_fasttext_lines_in_the_column_of_a_table(read_export):
    rows, reading = read_export(
        pd.DataFrame({"text": ["__label__a one, two", "__label__b three", "__label__a four"]}),
        "csv",
    )
    assert pairs(rows, reading) == [("one, two", "a"), ("three", "b"), ("four", "a")]


# ---- what is no export
@pytest.mark.parametrize(
    "frame",
    [
        {"text": ["a b", "c d"], "label": ["x", "y"]},
        {"id": ["1", "2"], "data": ["a", "b"], "value": ["x", "y"]},
        {"annotator": ["ann", "bob"], "text": ["a", "b"], "label": ["x", "y"]},
        {"text": ["a", "b"], "prediction": ["x", "y"], "annotation": ["x", "y"]},
        {"text": ["a", "b"], "label": ["a#b", "C#"]},
        {"patterns": ["a", "b"], "tag": ["x", "y"]},
        {"text": ["__label__ is a word", "b"], "label": ["x", "y"]},
    ],
)
def test_ordinary_tables_come_through_untouched(read_export, frame):
    rows, reading = read_export(pd.DataFrame(frame), "csv")
    assert rows == pd.DataFrame(frame).to_dict("records")
    assert (reading.format, reading.roles, reading.notes, reading.doubts) == ("", {}, [], [])
