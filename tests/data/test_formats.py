"""Exports of labelling tools: the classes that people gave, and nothing that a model or nobody
did.
"""

from __future__ import annotations

import json

import pandas as pd
import pytest

from tl_core.data.reading import Reading
from tl_core.data.tables import read_table
from tl_core.errors import DataError


@pytest.fixture
def read(tmp_path):
    def reader(content, suffix="json", **options):
        """The rows of a file with this content, and what the reading learnt."""
        path = tmp_path / f"export.{suffix}"
        if isinstance(content, pd.DataFrame):
            if suffix == "parquet":
                content.to_parquet(path)
            else:
                content.to_csv(path, index=False, sep="\t" if suffix == "tsv" else ",")
        elif suffix == "jsonl":
            path.write_text("\n".join(json.dumps(record) for record in content))
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content))
        reading = Reading()
        return [
            row for part in read_table(path, reading, **options) for row in part.cells.to_pylist()
        ], reading

    return reader


def pairs(rows, reading):
    """Input and class of each row, by the roles that the format named."""
    role = "image" if "image" in reading.roles else "text"
    return [(row[reading.roles[role]], row.get(reading.roles.get("label"), "")) for row in rows]


# ---- Prodigy


def line(text, answer="accept", number=0, **extra):
    return {
        "text": text,
        "_input_hash": hash(text) % 10_000,
        "_task_hash": number,
        "answer": answer,
        **extra,
    }


@pytest.mark.parametrize("suffix", ["json", "jsonl"])
def test_prodigy_keeps_only_what_was_accepted(read, suffix):
    rows, reading = read(
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


def test_prodigy_lines_without_hashes_are_known_by_their_answer(read):
    rows, reading = read(
        [
            {"text": "a", "label": "x", "answer": "accept"},
            {"text": "b", "label": "x", "answer": "reject"},
        ],
        "jsonl",
    )
    assert pairs(rows, reading) == [("a", "x")]


OPTIONS = [{"id": "POS", "text": "Good"}, {"id": "NEG", "text": "Bad"}]


def test_choices_of_prodigy_are_the_accepted_options(read):
    rows, reading = read(
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


def test_annotators_of_prodigy_vote(read):
    rows, _ = read(
        [
            line("a", number=1, options=OPTIONS, accept=[name], _annotator_id=who)
            for who, name in (("d-ann", "POS"), ("d-bob", "NEG"), ("d-eve", "POS"))
        ],
        "jsonl",
    )
    assert [(row["label"], row["annotators"], row["agreement"]) for row in rows] == [
        ("POS", "3", "0.67")
    ]


def test_two_labels_that_one_person_accepts_are_several(read):
    rows, _ = read(
        [
            line("a", label="x"),
            line("a", label="y", number=1),
            line("b", "reject", label="x", number=2),
            line("b", label="y", number=3),
        ],
        "jsonl",
    )
    assert [row["label"] for row in rows] == ['["x", "y"]', "y"]


def test_meta_of_prodigy_becomes_columns(read):
    rows, _ = read([line("a", label="x", meta={"source": "web", "text": "no"})], "jsonl")
    assert (rows[0]["source"], rows[0]["text"]) == ("web", "a")


def test_all_rejected_is_said_so(read):
    with pytest.raises(DataError, match="No record of the export was accepted"):
        read([line("a", "reject", label="x"), line("b", "ignore", label="x")], "jsonl")


def test_a_column_called_answer_is_no_prodigy(read):
    rows, reading = read(
        pd.DataFrame({"question": ["q1", "q2"], "answer": ["accept the offer", "no"]}), "csv"
    )
    assert (len(rows), reading.format) == (2, "")


# ---- Argilla


def test_argilla_responses_come_before_suggestions(read):
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

    rows, reading = read(
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
def test_columns_that_argilla_writes_for_the_hub(read, suffix):
    rows, reading = read(
        FLAT_ARGILLA if suffix.startswith("json") else pd.DataFrame(FLAT_ARGILLA), suffix
    )
    assert pairs(rows, reading) == [("one", "pos"), ("two", ""), ("three", "neg")]
    assert reading.doubts


def test_argilla_by_columns(read):
    rows, reading = read(
        {name: [record[name] for record in FLAT_ARGILLA] for name in FLAT_ARGILLA[0]}
    )
    assert pairs(rows, reading) == [("one", "pos"), ("two", ""), ("three", "neg")]


def test_argilla_before_version_2(read):
    rows, reading = read(
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
def test_feedback_records_of_argilla(read, responses):
    rows, reading = read([responses])
    assert pairs(rows, reading) == [("a", "pos")]
    assert not reading.doubts


# ---- doccano and spaCy


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
def test_doccano_lines(read, record, text, label):
    rows, reading = read(
        [record, {**record, "id": 2, label: []}, {**record, "id": 3, label: ["x", "y"]}], "jsonl"
    )
    assert reading.format == "doccano"
    assert reading.roles == {"text": text, "label": label}
    assert pairs(rows, reading) == [("t", "x"), ("t", ""), ("t", '["x", "y"]')]


def test_doccano_csv_parts_several_labels_at_the_hash(read):
    frame = pd.DataFrame(
        {
            "id": range(6),
            "data": [f"t{i}" for i in range(6)],
            "label": ["a", "b", "a#b", "C#", "C#", ""],
        }
    )
    rows, _ = read(frame, "csv")
    assert [row["label"] for row in rows] == ["a", "b", '["a", "b"]', "C#", "C#", ""]


def test_doccano_pictures(read):
    rows, reading = read(
        [
            {"id": 1, "filename": "a.jpg", "label": ["cat"]},
            {"id": 2, "filename": "b.jpg", "label": []},
        ],
        "jsonl",
    )
    assert reading.roles == {"image": "filename", "label": "label"}
    assert pairs(rows, reading) == [("a.jpg", "cat"), ("b.jpg", "")]


def test_doccano_of_the_first_version_counts_its_users(read):
    rows, reading = read(
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


def test_spans_of_doccano_are_not_classes(read):
    rows, reading = read([{"id": 1, "text": "Bob is here", "label": [[0, 3, "PER"]]}], "jsonl")
    assert pairs(rows, reading) == [("Bob is here", "")]
    assert reading.doubts


def test_marks_of_spacy_categories(read):
    rows, reading = read(
        [
            {"text": "a", "cats": {"POS": 1.0, "NEG": 0.0}},
            {"text": "b", "cats": {"POS": 0, "NEG": 1}},
        ]
    )
    assert pairs(rows, reading) == [("a", "POS"), ("b", "NEG")]


# ---- intents

INTENTS = {"greeting": ["Hi there", "Hello"], "bye": ["Bye", "See you"]}
EXPECTED = [("Hi there", "greeting"), ("Hello", "greeting"), ("Bye", "bye"), ("See you", "bye")]


@pytest.mark.parametrize(
    "content",
    [
        {
            "intents": [
                {"tag": tag, "patterns": texts, "responses": ["x", "y"], "context": [""]}
                for tag, texts in INTENTS.items()
            ]
        },
        {
            "intents": [
                {
                    "intent": tag,
                    "text": texts,
                    "responses": ["x"],
                    "extension": {"function": ""},
                    "entities": [],
                }
                for tag, texts in INTENTS.items()
            ]
        },
        [{"intent": tag, "examples": texts} for tag, texts in INTENTS.items()],
        [{"name": tag, "Utterances": texts, "id": 3} for tag, texts in INTENTS.items()],
        [{"class": tag, "training_phrases": texts} for tag, texts in INTENTS.items()],
        INTENTS,
        {tag: {"patterns": texts, "responses": ["x"]} for tag, texts in INTENTS.items()},
        {
            "rasa_nlu_data": {
                "common_examples": [
                    {"text": text, "intent": tag, "entities": []} for text, tag in EXPECTED
                ],
                "regex_features": [],
                "entity_synonyms": [{"value": "x", "synonyms": []}],
            }
        },
        {
            "luis_schema_version": "7",
            "intents": [{"name": tag} for tag in INTENTS],
            "entities": [],
            "utterances": [{"text": text, "intent": tag, "entities": []} for text, tag in EXPECTED],
        },
        {
            "language": "en",
            "entities": {},
            "intents": {
                tag: {
                    "utterances": [
                        {"data": [{"text": text[:2]}, {"text": text[2:], "entity": "e"}]}
                        for text in texts
                    ]
                }
                for tag, texts in INTENTS.items()
            },
        },
        {tag: [{"data": [{"text": text}]} for text in texts] for tag, texts in INTENTS.items()},
    ],
    ids=[
        "patterns",
        "text lists",
        "examples",
        "utterances",
        "phrases",
        "class lists",
        "objects by class",
        "Rasa",
        "LUIS",
        "Snips",
        "old Snips",
    ],
)
def test_each_phrase_of_an_intent_is_a_row(read, content):
    rows, reading = read(content)
    assert pairs(rows, reading) == EXPECTED
    assert reading.format


def test_intents_without_phrases_are_counted(read):
    rows, reading = read(
        {
            "intents": [
                {"tag": "a", "patterns": ["x"]},
                {"tag": "none", "patterns": []},
                {"tag": "b", "patterns": ["y", ""]},
            ]
        }
    )
    assert pairs(rows, reading) == [("x", "a"), ("y", "b")]
    assert sum(reading.set_aside.values()) == 1


@pytest.mark.parametrize(
    "record",
    [
        {"text": "the whole text", "label": "x", "examples": ["a", "b"]},
        {"title": "t", "category": "x", "keywords": ["a", "b"]},
        {"question": "why", "category": "x", "answers": ["a", "b"]},
        {"text": ["I", "like", "it"], "label": "x"},
    ],
)
def test_a_list_beside_a_text_makes_no_rows(read, record):
    rows, reading = read([record, record])
    assert (len(rows), reading.format) == (2, "")


# ---- COCO and fastText


def test_coco_gives_each_picture_its_category(read):
    rows, reading = read(
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
def test_fasttext_lines(read, content, suffix):
    rows, reading = read(content, suffix)
    assert reading.format == "fastText"
    assert pairs(rows, reading) == [
        ("good film", "pos"),
        ("bad film", "neg"),
        ("sad film", '["neg", "old"]'),
    ]


def test_fasttext_lines_in_the_column_of_a_table(read):
    rows, reading = read(
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
def test_ordinary_tables_come_through_untouched(read, frame):
    rows, reading = read(pd.DataFrame(frame), "csv")
    assert rows == pd.DataFrame(frame).to_dict("records")
    assert (reading.format, reading.roles, reading.notes, reading.doubts) == ("", {}, [], [])
