"""Intents of chatbots: each phrase under an intent is a row of that class."""

from __future__ import annotations

import pytest
from tests_support.labelling_exports import pairs

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
def test_each_phrase_of_an_intent_is_a_row(read_export, content):
    rows, reading = read_export(content)
    assert pairs(rows, reading) == EXPECTED
    assert reading.format


def test_intents_without_phrases_are_counted(read_export):
    rows, reading = read_export(
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
def test_a_list_beside_a_text_makes_no_rows(read_export, record):
    rows, reading = read_export([record, record])
    assert (len(rows), reading.format) == (2, "")
