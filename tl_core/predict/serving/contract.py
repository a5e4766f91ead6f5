"""What a server's clients send: how it is described in the OpenAPI document, and made into what the
model reads.
"""

from __future__ import annotations

import base64
import binascii
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import (
    BaseModel,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from tl_core.data.preparation import Preparation
from tl_core.data.sounds.decoding import Sound, decoded
from tl_core.data.tables.reading import cell
from tl_core.errors import DataError
from tl_core.predict.picture_files import count_pages, open_page
from tl_core.predict.table_rows import read_pixels
from tl_core.tasks import Decision

ITEMS, CHARS = 256, 100_000
_LISTED = 16  # columns that the document describes one by one

Row = dict[str, object]
"""A row of a table as JSON: cells by the names of their columns."""


class Asked(BaseModel):
    """Texts, rows or sounds to be classified, one of the three; sounds are files in base64."""

    texts: list[Annotated[str, Field(min_length=1, max_length=CHARS)]] = Field(
        [], min_length=1, max_length=ITEMS
    )
    rows: list[Row] = Field([], min_length=1, max_length=ITEMS)
    sounds: list[Annotated[str, Field(min_length=1)]] = Field([], min_length=1, max_length=ITEMS)

    @model_validator(mode="after")
    def one_of_them(self) -> Asked:
        """Refuse a body with none or several."""
        if [bool(self.texts), bool(self.rows), bool(self.sounds)].count(True) != 1:
            raise ValueError("give either texts or rows, or sounds for a model that hears")
        return self


class Answer(BaseModel):
    """The answer about one item; `abstain` says that a person should decide. A model of several
    labels an item answers with `labels`, which may be empty, any other one with `label`.
    """

    label: str | None = None
    labels: list[str] | None = None
    confidence: float
    abstain: bool
    probabilities: dict[str, float]

    @model_serializer(mode="wrap")
    def _without_the_other(self, whole: SerializerFunctionWrapHandler) -> dict[str, object]:
        """The one of the two that is there."""
        return {
            name: value
            for name, value in whole(self).items()
            if value is not None or name not in ("label", "labels")
        }


def answers_from(
    scores: NDArray[np.float64], classes: list[str], decision: Decision, threshold: float
) -> list[Answer]:
    """The answers in probabilities (items, classes); less sure than `threshold` is marked."""
    said, sure = decision.labels(scores), decision.confidence(scores)
    several = said.ndim == 2
    return [
        Answer(
            label=None if several else classes[int(one)],
            labels=[classes[place] for place in np.flatnonzero(one)] if several else None,
            confidence=float(confidence),
            abstain=bool(confidence < threshold),
            probabilities=dict(zip(classes, row.tolist(), strict=True)),
        )
        for one, confidence, row in zip(said, sure, scores, strict=True)
    ]


class Answers(BaseModel):
    """One answer for each item, in order."""

    answers: list[Answer]


class Refusal(BaseModel):
    """Why there is no answer, in words."""

    detail: str


class Ready(BaseModel):
    """Which classes the model knows, and what a row must have: its columns, and the size of
    pictures in pixels.
    """

    status: str
    labels: list[str]
    columns: list[str]
    pixels: list[int]


def needs(preparation: Preparation) -> str:
    """What the model reads, in words."""
    if not preparation.columns:
        return "one text for each item"
    shown = (
        f"{preparation.columns[0]!r} to {preparation.columns[-1]!r}"
        if len(preparation.columns) > 8
        else " and ".join(map(repr, preparation.columns))
    )
    if preparation.pixels:
        width, height, channels = preparation.pixels
        return f"rows of the {width * height * channels} pixels in {shown}"
    return (
        f"rows with the columns {shown}"
        if preparation.joined
        else f"texts, or rows with the column {shown}"
    )


def described(preparation: Preparation) -> dict[str, object]:
    """The schema of what POST /predict takes, for a model that was trained so."""
    value = {"type": ["string", "number", "null"]}
    row: dict[str, object] = {"type": "object", "description": needs(preparation)}
    if 0 < len(preparation.columns) <= _LISTED:
        row |= {
            "properties": dict.fromkeys(preparation.columns, value),
            "required": list(preparation.columns),
        }
    rows = {"type": "array", "minItems": 1, "maxItems": ITEMS, "items": row}
    if preparation.joined or preparation.pixels:
        return {
            "type": "object",
            "title": "Asked",
            "required": ["rows"],
            "properties": {"rows": rows},
            "description": f"The model reads {needs(preparation)}.",
        }
    texts = {
        "type": "array",
        "minItems": 1,
        "maxItems": ITEMS,
        "items": {"type": "string", "minLength": 1, "maxLength": CHARS},
    }
    sounds = {
        "type": "array",
        "minItems": 1,
        "maxItems": ITEMS,
        "items": {"type": "string", "minLength": 1, "contentEncoding": "base64"},
        "description": "Sound files (WAV, FLAC, OGG, MP3), for models that hear.",
    }
    return {
        "type": "object",
        "title": "Asked",
        "properties": {"texts": texts, "rows": rows, "sounds": sounds},
        "oneOf": [{"required": ["texts"]}, {"required": ["rows"]}, {"required": ["sounds"]}],
        "description": "Texts, rows or sounds, one of the three.",
    }


def texts_of(body: Asked, preparation: Preparation) -> list[str]:
    """The texts that the model reads.

    Raises:
        DataError: for texts where it reads several columns, and for rows that lack one or are
        empty.
    """
    if body.sounds:
        raise DataError(f"This model reads {needs(preparation)}, no sounds.")
    if body.texts and preparation.joined:
        raise DataError(
            f"This model reads {needs(preparation)}, joined as in training; a text alone is not"
            " enough."
        )
    if body.texts:
        return [preparation.one_text(text) for text in body.texts]
    return [_text_of(row, number, preparation) for number, row in enumerate(body.rows, 1)]


def _text_of(row: Row, number: int, preparation: Preparation) -> str:
    if preparation.columns:
        text = preparation.text(_cells(row, number, preparation.columns))
    elif len(row) == 1:
        text = preparation.one_text(_cells(row, number, tuple(row))[next(iter(row))])
    else:
        text = preparation.one_text(_cells(row, number, ("text",))["text"])
    if not text or len(text) > CHARS:
        raise DataError(
            f"Row {number} has no text."
            if not text
            else f"Row {number} has over {CHARS:,} characters."
        )
    return text


def pictures_of(body: Asked, preparation: Preparation) -> list[Image.Image]:
    """The pictures in rows of pixels.

    Raises:
        DataError: for texts, and for rows that hold no such pictures.
    """
    if body.texts or body.sounds:
        raise DataError(f"This model reads {needs(preparation)}, nothing else.")
    pictures = []
    for number, row in enumerate(body.rows, 1):
        try:
            pictures.append(read_pixels(_cells(row, number, preparation.columns), preparation))
        except DataError as error:
            raise DataError(f"Row {number}: {error.what}") from error
    return pictures


def sounds_of(body: Asked) -> list[Sound]:
    """The sounds in files that are written in base64.

    Raises:
        DataError: for texts and rows, and for files that cannot be read.
    """
    if not body.sounds:
        raise DataError(
            "This model reads recordings: POST /predict/files, or give sounds in base64."
        )
    sounds = []
    for number, written in enumerate(body.sounds, 1):
        try:
            data = base64.b64decode(written, validate=True)
        except (binascii.Error, ValueError) as error:
            raise DataError(f"Sound {number} is not written in base64.") from error
        sounds.append(decoded(data, str(number)))
    return sounds


def _cells(row: Row, number: int, columns: tuple[str, ...]) -> dict[str, str]:
    """The cells that are needed, as a table would hold them."""
    for name in columns:
        if name not in row:
            raise DataError(
                f"Row {number} has no column {name!r}.",
                "The model was trained on"
                f" {', '.join(columns[:8])}{' …' if len(columns) > 8 else ''}.",
            )
        if isinstance(row[name], bool | list | dict):
            raise DataError(f"Row {number}: {name!r} is neither a text nor a number.")
    return {name: cell(row[name]) for name in columns}


def files_of(files: list[tuple[bytes, str]], preparation: Preparation) -> list[Image.Image]:
    """The pictures in encoded files (content and suffix), pages one by one where training took them
    so.

    Raises:
        DataError: when one cannot be read, or they have too many pages.
    """
    pages = [
        (data, suffix, page)
        for data, suffix in files
        for page in range(count_pages(data) if preparation.page == "all" else 1)
    ]
    if len(pages) > ITEMS:
        raise DataError(f"The files have {len(pages)} pages.", f"At most {ITEMS} at once.")
    return [open_page(data, page, preparation, suffix) for data, suffix, page in pages]
