"""What a server's clients send: how it is described in the OpenAPI document, and made into what the
model reads.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field, model_validator

from tl_core.data.preparation import Preparation
from tl_core.data.reading import cell
from tl_core.errors import DataError
from tl_core.predict.picture_files import count_pages, open_page
from tl_core.predict.table_rows import read_pixels

ITEMS, CHARS = 256, 100_000
_LISTED = 16  # columns that the document describes one by one


class Asked(BaseModel):
    """Texts or rows to be classified, one of the two."""

    texts: list[Annotated[str, Field(min_length=1, max_length=CHARS)]] = Field(
        [], min_length=1, max_length=ITEMS
    )
    rows: list[dict[str, Any]] = Field([], min_length=1, max_length=ITEMS)

    @model_validator(mode="after")
    def one_of_them(self) -> Asked:
        """Refuse a body with neither or both."""
        if bool(self.texts) == bool(self.rows):
            raise ValueError("give either texts or rows")
        return self


class Answer(BaseModel):
    """The answer about one item; `abstain` says that a person should decide."""

    label: str
    confidence: float
    abstain: bool
    probabilities: dict[str, float]


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


def needs(kept: Preparation) -> str:
    """What the model reads, in words."""
    if not kept.columns:
        return "one text for each item"
    shown = (
        f"{kept.columns[0]!r} to {kept.columns[-1]!r}"
        if len(kept.columns) > 8
        else " and ".join(map(repr, kept.columns))
    )
    if kept.pixels:
        width, height, channels = kept.pixels
        return f"rows of the {width * height * channels} pixels in {shown}"
    return (
        f"rows with the columns {shown}"
        if kept.joined
        else f"texts, or rows with the column {shown}"
    )


def described(kept: Preparation) -> dict[str, Any]:
    """The schema of what POST /predict takes, for a model that was trained so."""
    value = {"type": ["string", "number", "null"]}
    row: dict[str, Any] = {"type": "object", "description": needs(kept)}
    if 0 < len(kept.columns) <= _LISTED:
        row |= {"properties": dict.fromkeys(kept.columns, value), "required": list(kept.columns)}
    rows = {"type": "array", "minItems": 1, "maxItems": ITEMS, "items": row}
    if kept.joined or kept.pixels:
        return {
            "type": "object",
            "title": "Asked",
            "required": ["rows"],
            "properties": {"rows": rows},
            "description": f"The model reads {needs(kept)}.",
        }
    texts = {
        "type": "array",
        "minItems": 1,
        "maxItems": ITEMS,
        "items": {"type": "string", "minLength": 1, "maxLength": CHARS},
    }
    return {
        "type": "object",
        "title": "Asked",
        "properties": {"texts": texts, "rows": rows},
        "oneOf": [{"required": ["texts"]}, {"required": ["rows"]}],
        "description": "Texts or rows, one of the two.",
    }


def texts_of(asked: Asked, kept: Preparation) -> list[str]:
    """The texts that the model reads.

    Raises:
        DataError: for texts where it reads several columns, and for rows that lack one or are
        empty.
    """
    if asked.texts and kept.joined:
        raise DataError(
            f"This model reads {needs(kept)}, joined as in training; a text alone is not enough."
        )
    if asked.texts:
        return [kept.one_text(text) for text in asked.texts]
    return [_text_of(row, number, kept) for number, row in enumerate(asked.rows, 1)]


def _text_of(row: dict[str, Any], number: int, kept: Preparation) -> str:
    if kept.columns:
        text = kept.text(_cells(row, number, kept.columns))
    elif len(row) == 1:
        text = kept.one_text(_cells(row, number, tuple(row))[next(iter(row))])
    else:
        text = kept.one_text(_cells(row, number, ("text",))["text"])
    if not text or len(text) > CHARS:
        raise DataError(
            f"Row {number} has no text."
            if not text
            else f"Row {number} has over {CHARS:,} characters."
        )
    return text


def pictures_of(asked: Asked, kept: Preparation) -> list[Any]:
    """The pictures in rows of pixels.

    Raises:
        DataError: for texts, and for rows that hold no such pictures.
    """
    if asked.texts:
        raise DataError(f"This model reads {needs(kept)}, no texts.")
    found = []
    for number, row in enumerate(asked.rows, 1):
        try:
            found.append(read_pixels(_cells(row, number, kept.columns), kept))
        except DataError as error:
            raise DataError(f"Row {number}: {error.what}") from error
    return found


def _cells(row: dict[str, Any], number: int, columns: tuple[str, ...]) -> dict[str, str]:
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


def files_of(files: list[tuple[bytes, str]], kept: Preparation) -> list[Any]:
    """The pictures in encoded files (content and suffix), pages one by one where training took them
    so.

    Raises:
        DataError: when one cannot be read, or they have too many pages.
    """
    pages = [
        (data, suffix, page)
        for data, suffix in files
        for page in range(count_pages(data) if kept.page == "all" else 1)
    ]
    if len(pages) > ITEMS:
        raise DataError(f"The files have {len(pages)} pages.", f"At most {ITEMS} at once.")
    return [open_page(data, page, kept, suffix) for data, suffix, page in pages]
