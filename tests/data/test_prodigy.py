"""Prodigy: what people accepted, and nothing that they rejected or left out."""

from __future__ import annotations

import pandas as pd
import pytest
from tests_support.labelling_exports import pairs

from tl_core.errors import DataError


def line(text, answer="accept", number=0, **extra):
    return {
        "text": text,
        "_input_hash": hash(text) % 10_000,
        "_task_hash": number,
        "answer": answer,
        **extra,
    }


@pytest.mark.parametrize("suffix", ["json", "jsonl"])
def test_prodigy_keeps_only_what_was_accepted(read_export, suffix):
    rows, reading = read_export(
        [
            line("a", label="x"),
            line("b", "reject", label="x"),
            line("c", "ignore", label="y"),
            line("d", label="y"),
            line("e", "reject", label="y"),
        ],
        suffix,
    )
    assert reading.format == "Prodigy"
    assert pairs(rows, reading) == [("a", "x"), ("d", "y")]
    assert reading.set_aside == {
        "answered 'reject' in Prodigy": 2,
        "answered 'ignore' in Prodigy": 1,
    }


def test_prodigy_lines_without_hashes_are_known_by_their_answer(read_export):
    rows, reading = read_export(
        [
            {"text": "a", "label": "x", "answer": "accept"},
            {"text": "b", "label": "x", "answer": "reject"},
        ],
        "jsonl",
    )
    assert pairs(rows, reading) == [("a", "x")]


OPTIONS = [{"id": "POS", "text": "Good"}, {"id": "NEG", "text": "Bad"}]


def test_choices_of_prodigy_are_the_accepted_options(read_export):
    rows, reading = read_export(
        [
            line("a", options=OPTIONS, accept=["POS"]),
            line("b", options=OPTIONS, accept=[]),
            line("c", options=OPTIONS, accept=["POS", "NEG"]),
            line("d", options=[{"id": 1, "text": "Good"}], accept=[1]),
            line("e", "ignore", options=OPTIONS, accept=["NEG"]),
        ],
        "jsonl",
    )
    assert pairs(rows, reading) == [("a", "POS"), ("b", ""), ("c", '["NEG", "POS"]'), ("d", "Good")]


def test_annotators_of_prodigy_vote(read_export):
    rows, _ = read_export(
        [
            line("a", number=1, options=OPTIONS, accept=[name], _annotator_id=who)
            for who, name in (("d-ann", "POS"), ("d-bob", "NEG"), ("d-eve", "POS"))
        ],
        "jsonl",
    )
    assert [(row["label"], row["annotators"], row["agreement"]) for row in rows] == [
        ("POS", "3", "0.67")
    ]


def test_two_labels_that_one_person_accepts_are_several(read_export):
    rows, _ = read_export(
        [
            line("a", label="x"),
            line("a", label="y", number=1),
            line("b", "reject", label="x", number=2),
            line("b", label="y", number=3),
        ],
        "jsonl",
    )
    assert [row["label"] for row in rows] == ['["x", "y"]', "y"]


def test_meta_of_prodigy_becomes_columns(read_export):
    rows, _ = read_export([line("a", label="x", meta={"source": "web", "text": "no"})], "jsonl")
    assert (rows[0]["source"], rows[0]["text"]) == ("web", "a")


def test_all_rejected_is_said_so(read_export):
    with pytest.raises(DataError, match="No record of the export was accepted"):
        read_export([line("a", "reject", label="x"), line("b", "ignore", label="x")], "jsonl")


def test_a_column_called_answer_is_no_prodigy(read_export):
    rows, reading = read_export(
        pd.DataFrame({"question": ["q1", "q2"], "answer": ["accept the offer", "no"]}), "csv"
    )
    assert (len(rows), reading.format) == (2, "")
