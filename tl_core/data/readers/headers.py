"""Whether the first line of a table names its columns or is data already."""

from __future__ import annotations

import re
from functools import cache

from tl_core.data.roles.column_names import (
    IMAGE_NAMES,
    LABEL_NAMES,
    SPLIT_COLUMNS,
    TEXT_NAMES,
    joined,
)

_MORE_NAMES = (
    "id",
    "index",
    "date",
    "time",
    "timestamp",
    "name",
    "rating",
    "score",
    "stars",
    "user",
    "username",
    "url",
    "lang",
    "language",
    "unnamed: 0",
    "sentiment",
    "document",
    "tweet",
    "answer",
    "email",
    "mail",
)
_NUMBER = re.compile(r"[-+]?(\d[\d.,]*|\.\d+)(e[-+]?\d+)?\s?%?", re.IGNORECASE)
_MISSING = {
    "-",
    "?",
    "na",
    "n/a",
    "nan",
    "null",
    "none",
    "nil",
    "\\n",
    "#n/a",
    "missing",
    "unknown",
}
_KINDS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        (  # dates
            r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ,].*)?|(mon|tue|wed|thu|fri|sat|sun)[a-z]*,?"
            r" .*\d{4}.*"
        ),
        r"(https?://|www\.)\S+",
        # files
        r"\S.*\.(jpe?g|jfif|png|gif|bmp|tiff?|webp|avif|p[bgnp]m|dcm|txt|pdf|html?|xml|json|csv|wav|mp3|mp4)",
        r"\S+@\S+\.\w+",
    )
)
_WORDS = re.compile(r"[_\-. ]+|(?<=[a-z])(?=[A-Z])")


@cache
def _names() -> tuple[frozenset[str], frozenset[str]]:
    """All usual names of columns, and those that longer names are made of (review_text,
    class-name).
    """
    parts = frozenset({*TEXT_NAMES, *LABEL_NAMES})
    return parts | {*IMAGE_NAMES, *SPLIT_COLUMNS, *_MORE_NAMES}, parts


def is_known(name: str) -> bool:
    """Whether people call a column like that: text, Message, review_text, Labels."""
    every, parts = _names()
    name = name.strip().strip('"').strip()
    plain = joined(name)
    if not {name.lower(), plain, plain.removesuffix("s")}.isdisjoint(every):
        return True
    words = [word for word in _WORDS.split(name) if word]
    whole = " " not in name and all(word.isalpha() for word in words)
    return (
        whole
        and 1 < len(words) <= 3
        and not parts.isdisjoint(
            form for word in words for form in (word.lower(), word.lower().removesuffix("s"))
        )
    )


def is_sentence(cell: str) -> bool:
    """Whether a cell is running text, also in a script without blanks between words."""
    return len(cell) > 60 or cell.count(" ") >= 4 or sum(sign > "\u0dff" for sign in cell) >= 10


def has_header(rows: list[list[str]], answer: str = "") -> tuple[bool, bool]:
    """Whether the first of `rows` holds names, and whether that is sure; `answer` is yes, no or
    nothing.
    """
    if answer or not rows:
        return answer != "no", True
    first, rest = (
        rows[0],
        [row for row in rows[1:] if row != rows[0]],
    )  # names come again where files were joined
    if len(first) == 1:
        return is_known(first[0]), True
    if len(rows) > 1 and not rest:
        return any(map(is_known, first)), True
    columns = [
        [row[place] for row in rest if place < len(row) and row[place].strip()]
        for place in range(len(first))
    ]
    if any(
        is_known(name) and not _comes_again(name, cells)
        for name, cells in zip(first, columns, strict=True)
    ):
        return True, True
    votes = [_vote(name.strip(), cells) for name, cells in zip(first, columns, strict=True)]
    names, data = votes.count("names"), votes.count("data")
    if names and names >= data or _is_numbering(first):
        return True, True
    if data:
        return False, True
    if "likely data" in votes:
        return "likely names" in votes, "likely names" not in votes
    return True, "likely names" in votes


def _vote(name: str, cells: list[str]) -> str:
    """What one column says about the first line: names or data, likely the one or the other, or
    nothing.
    """
    if not cells:
        return ""
    if _share(_NUMBER, cells) >= 0.9:
        if not name:
            return "names" if _is_index(cells) else ""
        return "data" if _NUMBER.fullmatch(name) else "" if name.lower() in _MISSING else "names"
    for kind in _KINDS:
        if kind.fullmatch(name):
            return "data" if _share(kind, cells) >= 0.5 else ""
        if _share(kind, cells) >= 0.9 and name:
            return "names"
    if _comes_again(name, cells) or _is_like(name, cells):
        return "data"
    sentences = sum(map(is_sentence, cells)) / len(cells)
    if is_sentence(name):
        return "likely data" if sentences >= 0.5 else ""
    few = len(cells) >= 6 and 4 * len(set(cells)) <= len(cells)
    return (
        "likely names"
        if few or (sentences >= 0.8 and name.count(" ") <= 1 and len(name) <= 40)
        else ""
    )


def _is_index(cells: list[str]) -> bool:
    """Whether the cells count the rows, as pandas puts it under an empty name."""
    return cells[:3] in (["0", "1", "2"][: len(cells)], ["1", "2", "3"][: len(cells)])


def _share(kind: re.Pattern[str], cells: list[str]) -> float:
    return sum(kind.fullmatch(cell.strip()) is not None for cell in cells) / len(cells)


def _comes_again(name: str, cells: list[str]) -> bool:
    """Whether a short first cell is one of the values below it."""
    again = cells.count(name) if 0 < len(name) < 40 else 0
    return again >= 2 or (again == 1 and len(set(cells)) <= max(2, len(cells) // 3))


def _is_like(name: str, cells: list[str]) -> bool:
    """Whether the first cell is built like those below it, sign for sign: train_0001 over
    train_0002.
    """
    if not any(map(str.isdigit, name)) or len(name) > 60:
        return False
    return sum(
        _shape(cell) == _shape(name) for cell in cells if len(cell) == len(name)
    ) >= 0.5 * len(cells)


def _shape(cell: str) -> str:
    return "".join("0" if sign.isdigit() else "a" if sign.isalpha() else sign for sign in cell)


def _is_numbering(first: list[str]) -> bool:
    """Whether the columns are counted: 0, 1, 2, or years in a row beside a name."""
    numbers = [int(cell) for cell in first if cell.strip().isascii() and cell.strip().isdigit()]
    steps = all(after == before + 1 for before, after in zip(numbers, numbers[1:], strict=False))
    return steps and (
        len(numbers) >= 3 or (len(numbers) == len(first) and numbers[:1] in ([0], [1]))
    )
