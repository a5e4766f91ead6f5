"""Argilla: the answers that people gave, in the records of each of its versions; no suggestions."""

from __future__ import annotations

import pandas as pd
import pytest
from tests_support.labelling_exports import pairs


def test_argilla_responses_come_before_suggestions(read_export):
    def record(text, responses, suggestion):
        return {
            "id": text,
            "fields": {"text": text},
            "metadata": {"source": "web"},
            "status": "completed",
            "vectors": {},
            "suggestions": {"label": {"value": suggestion, "score": 0.9}} if suggestion else {},
            "responses": {"label": responses},
        }

    rows, reading = read_export(
        [
            record(
                "a",
                [
                    {"value": value, "user_id": user}
                    for user, value in enumerate(("pos", "pos", "neg"))
                ],
                "neg",
            ),
            record("b", [{"value": "neg", "user_id": "1", "status": "submitted"}], None),
            record(
                "c",
                [
                    {"value": "neg", "user_id": "1", "status": "discarded"},
                    {"value": "neg", "user_id": "2", "status": "draft"},
                ],
                "pos",
            ),
        ]
    )
    assert reading.format == "Argilla"
    assert pairs(rows, reading) == [("a", "pos"), ("b", "neg"), ("c", "")]
    assert rows[0]["agreement"] == "0.67"
    assert rows[0]["source"] == "web"
    assert any("suggestions were not taken" in doubt for doubt in reading.doubts)


FLAT_ARGILLA = [
    {
        "id": "1",
        "status": "completed",
        "_server_id": "s",
        "text": "one",
        "label.responses": ["pos", "pos", "neg"],
        "label.responses.users": ["u", "v", "w"],
        "label.responses.status": ["submitted"] * 3,
        "label.suggestion": "neg",
        "label.suggestion.score": 0.9,
        "label.suggestion.agent": "m",
    },
    {
        "id": "2",
        "status": "pending",
        "_server_id": "s",
        "text": "two",
        "label.responses": None,
        "label.responses.users": None,
        "label.responses.status": None,
        "label.suggestion": "neg",
        "label.suggestion.score": None,
        "label.suggestion.agent": None,
    },
    {
        "id": "3",
        "status": "completed",
        "_server_id": "s",
        "text": "three",
        "label.responses": ["neg", "pos"],
        "label.responses.users": ["u", "v"],
        "label.responses.status": ["submitted", "discarded"],
        "label.suggestion": None,
        "label.suggestion.score": None,
        "label.suggestion.agent": None,
    },
]


@pytest.mark.parametrize("suffix", ["json", "jsonl", "csv", "parquet"])
def test_columns_that_argilla_writes_for_the_hub(read_export, suffix):
    rows, reading = read_export(
        FLAT_ARGILLA if suffix.startswith("json") else pd.DataFrame(FLAT_ARGILLA), suffix
    )
    assert pairs(rows, reading) == [("one", "pos"), ("two", ""), ("three", "neg")]
    assert reading.doubts


def test_argilla_by_columns(read_export):
    rows, reading = read_export(
        {name: [record[name] for record in FLAT_ARGILLA] for name in FLAT_ARGILLA[0]}
    )
    assert pairs(rows, reading) == [("one", "pos"), ("two", ""), ("three", "neg")]


def test_argilla_before_version_2(read_export):
    rows, reading = read_export(
        [
            {
                "text": "a",
                "inputs": {"text": "a"},
                "prediction": [{"label": "neg", "score": 0.9}],
                "prediction_agent": "m",
                "annotation": "pos",
                "annotation_agent": "ann",
                "multi_label": False,
                "status": "Validated",
                "id": "1",
                "metadata": {"lang": "en"},
            },
            {
                "text": None,
                "inputs": {"text": "b"},
                "prediction": [{"label": "neg", "score": 0.9}],
                "prediction_agent": "m",
                "annotation": None,
                "annotation_agent": None,
                "multi_label": False,
                "status": "Default",
                "id": "2",
                "metadata": {},
            },
            {
                "text": "c",
                "inputs": {"text": "c"},
                "prediction": None,
                "prediction_agent": None,
                "annotation": "pos",
                "annotation_agent": "ann",
                "multi_label": False,
                "status": "Discarded",
                "id": "3",
                "metadata": {},
            },
        ]
    )
    assert pairs(rows, reading) == [("a", "pos"), ("b", ""), ("c", "")]
    assert rows[0]["lang"] == "en"


@pytest.mark.parametrize(
    "responses",
    [
        {
            "label": [{"user_id": "u", "value": "pos", "status": "submitted"}],
            "label-suggestion": "neg",
            "text": "a",
        },
        {
            "fields": {"text": "a"},
            "responses": [
                {"user_id": "u", "status": "submitted", "values": {"label": {"value": "pos"}}}
            ],
            "suggestions": [{"question_name": "label", "value": "neg"}],
        },
    ],
)
def test_feedback_records_of_argilla(read_export, responses):
    rows, reading = read_export([responses])
    assert pairs(rows, reading) == [("a", "pos")]
    assert not reading.doubts
