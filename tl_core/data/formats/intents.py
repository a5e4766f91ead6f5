"""Files of intents: a class with a list of phrases, as chatbots are taught with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tl_core.data.formats.cells import JsonObject, objects, parsed, records
from tl_core.data.roles import column_names
from tl_core.data.sources.names import split_of
from tl_core.data.tables.reading import Reading, Rows, cell, framed

if TYPE_CHECKING:
    import pyarrow as pa

PHRASES = (
    "patterns",
    "pattern",
    "examples",
    "example",
    "utterances",
    "utterance",
    "texts",
    "phrases",
    "phrase",
    "samples",
    "sample",
    "questions",
    "question",
    "queries",
    "trainingphrases",
    "expressions",
    "usersays",
    "inputs",
    "variants",
    "beispiele",
    "exemples",
    "ejemplos",
)
_DOUBLE = ("text", "sentences", "messages", "input")  # also the words or sentences of one text
_OWN_TEXTS = (
    "text",
    "message",
    "sentence",
    "content",
    "review",
    "comment",
    "body",
    "document",
    "article",
)
_TAGS = ("tag", "intent", "name", "label", "class", "intentname", "category", "topic")
_TEXT, _INTENT = "text", "intent"


def phrases(
    head: pa.Table,
    rows: Iterator[Rows],
    reading: Reading,
    chunk_rows: int,
) -> Iterator[Rows] | None:
    """One row a phrase, where each record has one list of phrases and a class; None when it is
    something else.
    """
    known = {column_names.joined(name): name for name in head.column_names}
    tag = next((known[word] for word in _TAGS if word in known), "")
    if (
        not tag
        or _has_text(head, known)
        or any(parsed(value) for value in head.column(tag).slice(0, 50).to_pylist())
    ):
        return None
    lists = [known[word] for word in PHRASES if word in known and _are_lists(head, known[word])]
    if not lists and _all_different(head.column(tag).to_pylist()):
        lists = [known[word] for word in _DOUBLE if word in known and _are_lists(head, known[word])]
    if len(lists) != 1:
        return None
    phrase = lists[0]
    reading.format = "intents"
    reading.roles |= {"text": "text", "label": "label"}
    reading.note(f"Each entry of {phrase!r} is a row of its own, with {tag!r} as its class.")
    return framed(_phrase_rows(rows, tag, phrase, reading), reading, chunk_rows)


def _phrase_rows(
    rows: Iterator[Rows], tag: str, phrase: str, reading: Reading
) -> Iterator[tuple[int, dict[str, str]]]:
    number = 0
    for _, record in records(rows):
        several = parsed(record.get(phrase, ""))
        spoken = (
            [cell(one) for one in several]
            if isinstance(several, list)
            else [record.get(phrase, "")]
        )
        kept = {
            name: value
            for name, value in record.items()
            if name not in (tag, phrase, "text", "label") and value and parsed(value) is None
        }
        if not any(one.strip() for one in spoken):
            reading.aside(f"intents without {phrase}")
        for text in spoken:
            if text.strip():
                number += 1
                yield number, {"text": text, "label": record.get(tag, ""), **kept}


def _are_lists(head: pa.Table, name: str) -> bool:
    """Whether most cells are lists of strings, as far as they hold anything, and the others single
    strings.
    """
    filled = [value for value in head.column(name).slice(0, 200).to_pylist() if value]
    lists = [value for value in map(parsed, filled) if isinstance(value, list)]
    return (
        any(lists)
        and 2 * len(lists) >= len(filled)
        and all(isinstance(one, str) for value in lists for one in value)
    )


def _has_text(head: pa.Table, known: dict[str, str]) -> bool:
    """Whether each record has a text of its own, of which a list beside it is only a part."""
    columns = [head.column(known[word]).slice(0, 50) for word in _OWN_TEXTS if word in known]
    values = [value for column in columns for value in column.to_pylist()]
    return any(value.strip() and not value.startswith("[") for value in values)


def _all_different(values: list[str]) -> bool:
    return len(values) > 1 and len(set(values)) == len(values)


def nested(content: JsonObject, reading: Reading) -> Iterator[JsonObject] | None:
    """The phrases of an export of Rasa, LUIS, its successor or Snips; None when it is something
    else.
    """
    inner = content.get("rasa_nlu_data") or content.get("assets") or content
    inner = inner if isinstance(inner, dict) else {}
    for key in ("common_examples", "utterances"):
        examples = objects(inner.get(key))
        if examples and all(_TEXT in one and _INTENT in one for one in examples[:50]):
            reading.format = "Rasa NLU" if key == "common_examples" else "LUIS"
            reading.roles |= {"text": _TEXT, "label": _INTENT}
            if any(split_of(cell(one.get("dataset"))) for one in examples[:50]):
                reading.roles["split"] = "dataset"
            return iter(examples)
    intents = content.get("intents")
    spoken = {
        str(name): _spoken(value)
        for name, value in (intents if isinstance(intents, dict) else content).items()
    }
    phrased = {name: texts for name, texts in spoken.items() if texts}
    if not phrased or (intents is None and len(phrased) != len(content)):
        return None
    reading.format = "Snips NLU"
    reading.roles |= {"text": "text", "label": "label"}
    return ({"text": text, "label": name} for name, texts in phrased.items() for text in texts)


def _spoken(value: object) -> list[str]:
    """The utterances of an intent of Snips, whose texts are cut where a slot begins."""
    utterances = objects(value.get("utterances") if isinstance(value, dict) else value)
    if not utterances or not all(objects(one.get("data")) for one in utterances[:50]):
        return []
    return [
        "".join(cell(part.get("text")) for part in objects(one.get("data"))).strip()
        for one in utterances
    ]


def class_lists(content: JsonObject, reading: Reading) -> Iterator[JsonObject] | None:
    """One record a text of an object that holds a list of texts for each class; None when it is
    something else.
    """
    if (
        len(content) < 2
        or not all(
            isinstance(texts, list) and all(isinstance(text, str) for text in texts)
            for texts in content.values()
        )
        or not any(content.values())
    ):
        return None
    keys = list(content)
    if (
        sum(bool(split_of(key, keys)) for key in keys) > 1
    ):  # one alone is a class: trains beside planes
        return None
    reading.format = "lists of texts by class"
    reading.note("Each key of the file is the class of the texts in its list.")
    reading.roles |= {"text": "text", "label": "label"}
    return (
        {"text": text, "label": key}
        for key, texts in content.items()
        if isinstance(texts, list)
        for text in texts
    )
