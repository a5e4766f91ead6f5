"""Where the table of a sheet begins: titles, names of columns, and the further header rows of
survey tools.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tl_core.data.readers.joined_rows import side_by_side
from tl_core.data.roles.column_names import LABEL_NAMES, TEXT_NAMES
from tl_core.data.tables.reading import clean_names

KNOWN = frozenset((*TEXT_NAMES, *LABEL_NAMES))
_TITLES = 10
_SHORT = 40
_NUMBER = re.compile(r"[-+]?\d+(?:[.,]\d+)*(?:[eE][-+]?\d+)?\s?%?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?: \d\d:\d\d.*)?|\d{1,2}[./]\d{1,2}[./]\d{2,4}")
_RESPONSES = frozenset(
    (
        "response",
        "open-ended response",
        "antwort",
        "offene antwort",
        "réponse",
        "réponse ouverte",
        "respuesta",
        "respuesta abierta",
        "resposta",
        "resposta aberta",
        "risposta",
        "risposta aperta",
        "reactie",
        "open reactie",
    )
)


class Line(NamedTuple):
    """A row of a sheet that shows anything, merged cells filled in."""

    number: int  # in the sheet, from 1
    cells: list[str]
    merged: frozenset[int] = (
        frozenset()
    )  # places whose value comes from the top left of a merged region
    across: frozenset[int] = frozenset()  # those of them whose region begins in this row

    def own(self) -> int:
        """How many cells show a value of their own."""
        return sum(bool(text) and place not in self.merged for place, text in enumerate(self.cells))


@dataclass(frozen=True)
class Layout:
    """The columns of a sheet by their place, and where its rows begin."""

    columns: dict[int, str]
    header: list[str]  # the row of names as it stands there; empty without one
    body: int  # place of the first row of data among the lines
    origin: int  # number of the sheet's row above it
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


def layout(lines: Sequence[Line], header: str, most: int) -> Layout:
    """How to read a sheet that begins with `lines`; `header` is yes, no or empty for what they look
    like.

    Raises:
        ValueError: for over `most` columns.
    """
    start = 0 if header == "no" else _first_row(lines)
    named, sure = (header != "no", True) if header else _has_header(lines[start:])
    if (
        start == 1 and not named and not header and lines[1].number == lines[0].number + 1
    ):  # one name, several columns
        start, named, sure = 0, True, False
    notes = _told_titles(lines[:start])
    if not named:
        width = max(_width(line.cells) for line in lines)
        _check_width(width, most)
        said = (
            ()
            if header
            else (
                "The first row is data, not names, so the columns are called column 1, column 2, "
                "and so on." + ("" if sure else " Say --header yes if it names the columns."),
            )
        )
        return Layout(
            dict(enumerate(clean_names([""] * width))),
            [],
            start,
            lines[start].number - 1,
            (*notes, *said) if sure else notes,
            () if sure else said,
        )
    names, body, more = _names(lines, start)
    _check_width(_width(names), most)
    columns, left_out = _columns(lines[start], names, lines[body:])
    _check_width(len(columns), most)
    unsure = (
        ()
        if sure
        else (
            (
                "The first row is taken as the names of the columns, though it may be data. Say "
                "--header no if it is."
            ),
        )
    )
    doubts = (*unsure, *filter(None, [side_by_side(lines[start].cells)]))
    return Layout(
        columns,
        lines[start].cells[: _width(lines[start].cells)],
        body,
        lines[body - 1].number,
        (*notes, *more, *left_out),
        doubts,
    )


def _check_width(width: int, most: int) -> None:
    if width > most:
        raise ValueError(f"it has {width:,} columns, the limit is {most:,}")


def _width(cells: Sequence[str]) -> int:
    return max((place + 1 for place, text in enumerate(cells) if text), default=0)


def _first_row(lines: Sequence[Line]) -> int:
    """The place of the first row that is no title: titles stand alone in their row, or in a block
    of their own.
    """
    owns = [line.own() for line in lines]
    for place in range(1, min(_TITLES, len(lines) - 2)):
        usual = sorted(owns[place:])[(len(owns) - place) // 2]
        gap = lines[place].number - lines[place - 1].number > 1
        if (
            gap
            and max(owns[:place]) < usual <= owns[place]
            and not KNOWN & {text.strip().lower() for text in lines[place - 1].cells}
            and _has_header(lines[place:])[0]
        ):
            return place
    alone = next((place for place, own in enumerate(owns) if own != 1), len(owns))
    wide = sum(own > 1 for own in owns[alone:])
    return alone if alone <= _TITLES and wide * 2 > len(owns) - alone else 0


def _told_titles(lines: Sequence[Line]) -> tuple[str, ...]:
    if not lines:
        return ()
    words = "; ".join(
        " | ".join(
            text for place, text in enumerate(line.cells) if text and place not in line.merged
        )
        for line in lines
    )
    rows = (
        "The row above the header is"
        if len(lines) == 1
        else f"{len(lines)} rows above the header are"
    )
    return (f"{rows} left out: {words[:200]!r}.",)


def _kind(text: str) -> str:
    if _NUMBER.fullmatch(text):
        return "number"
    if _DATE.fullmatch(text):
        return "date"
    return "truth" if text in ("true", "false") else "text"


def _kind_of_data(text: str) -> bool:
    return bool(text) and _kind(text) != "text"


def _has_header(lines: Sequence[Line]) -> tuple[bool, bool]:
    """Whether the first row names the columns, and whether that is sure."""
    first = [text.strip() for text in lines[0].cells]
    body = [line.cells for line in lines[1:] if line.cells[: len(first)] != lines[0].cells]
    if len(body) < 2 or lines[0].across:
        return True, True
    if any(
        _bare(text) in KNOWN
        and all(place >= len(cells) or cells[place].strip() != text for cells in body)
        for place, text in enumerate(first)
    ):
        return True, True
    filled = [text for text in first if text]
    width = max(_width(cells) for cells in body)
    if max(width, len(filled)) == 1:
        return _lone_header(filled[0], [next(filter(None, cells), "") for cells in body])
    if count := _counting(filled):
        return True, count > 5
    typed, repeated, once = False, False, False
    for place, text in enumerate(first):
        column = [cells[place].strip() for cells in body if place < len(cells) and cells[place]]
        if not text or len(column) < 2:
            continue
        kind, often = Counter(map(_kind, column)).most_common(1)[0]
        if kind != "text" and often >= 0.8 * len(column):
            if _kind(text) != kind:
                return True, True
            typed = typed or not (_is_year(text) and not any(map(_is_year, column)))
        elif kind == "text" and _kind(text) != "text":
            return True, True
        elif (
            kind == "text"
            and len(column) >= 4
            and 1 < len(values := Counter(column)) <= max(2, len(column) // 2)
        ):
            if not values[text] and len(text) < _SHORT:
                return True, True
            repeated, once = repeated or values[text] > 1, once or values[text] == 1
    return (False, typed) if typed or repeated else (True, not once)


def _lone_header(first: str, body: list[str]) -> tuple[bool, bool]:
    """A column of texts alone: its first cell is a name when it is much shorter than the rest, or
    asks them.
    """
    usual, words = sorted(map(len, body))[len(body) // 2], len(first.split())
    if len({*body}) * 2 <= len(body) or all(map(_kind_of_data, body)):
        return first not in body and not _kind_of_data(first), True
    short = len(first) <= 30 and words <= 3 and len(first) < usual
    return (
        short or first.endswith(("?", "？", ":")),
        short and words == 1 and len(first) * 3 <= usual,
    )


def _counting(texts: list[str]) -> int:
    """How many names count, as 0, 1, 2 and 2021, 2022, 2023 do, with one step between them; 0 for
    two or fewer.
    """
    numbers = [float(text) for text in texts if re.fullmatch(r"-?\d{1,9}(\.\d{1,9})?", text)]
    steps = {round(after - before, 9) for before, after in zip(numbers, numbers[1:], strict=False)}
    return len(numbers) if len(numbers) > 2 and len(steps) == 1 and steps != {0} else 0


def _is_year(text: str) -> bool:
    return bool(re.fullmatch(r"(19|20)\d\d", text))


def _names(lines: Sequence[Line], start: int) -> tuple[list[str], int, tuple[str, ...]]:
    """The names in the header, the place where data begins, and what is worth telling."""
    top = lines[start]
    names, body = list(top.cells), start + 1
    if body < len(lines) and (below := _second_level(top, lines[body], lines[body + 1 :])):
        twice = Counter(text for text in below if text)
        width = max(len(names), len(below))
        names, below = (
            [*names, *[""] * (width - len(names))],
            [
                *below,
                *[""] * (width - len(below)),
            ],
        )
        names = [
            (
                name or text
                if not top.across
                else f"{name} {text}"
                if name and name != text and twice[text] > 1
                else text or name
            )
            for name, text in zip(names, below, strict=True)
        ]
        return (
            names,
            body + 1,
            ("The header has two rows; its lower one names what stands below a merged cell.",),
        )
    count, said = survey_rows(names, lines[body:])
    if count:
        width = max(len(names), *(len(line.cells) for line in lines[body : body + count]))
        names += [""] * (width - len(names))
        for line in lines[body : body + count]:
            names = [
                name or (line.cells[place] if place < len(line.cells) else "")
                for place, name in enumerate(names)
            ]
    return names, body + count, (said,) if said else ()


def _second_level(top: Line, line: Line, rest: Sequence[Line]) -> list[str]:
    """The names below a banner that is merged across columns; empty when the next row is data."""
    if any(
        place in line.merged and line.cells[place] and line.cells[place] == top.cells[place]
        for place in range(min(len(line.cells), len(top.cells)))
    ):
        return line.cells  # a name is merged down into this row
    under = (
        {*top.across, *(place - 1 for place in top.across)}
        if top.across and not line.across
        else set()
    )
    texts = [line.cells[place] if place < len(line.cells) else "" for place in sorted(under)]
    repeated = any(
        place < len(after.cells) and after.cells[place] == line.cells[place]
        for after in rest
        for place in under
        if place < len(line.cells)
    )
    fits = under and all(text and len(text) < _SHORT and not _kind_of_data(text) for text in texts)
    return line.cells if fits and len({*texts}) > 1 and not repeated else []


def survey_rows(names: list[str], lines: Sequence[Line]) -> tuple[int, str]:
    """How many rows below the names are header rows as well, as survey tools write them, and
    why.
    """
    for place, line in enumerate(lines[:3]):
        filled = [re.sub(r"[\s'\"“”]", "", text) for text in line.cells if text]
        if sum(text.startswith("{ImportId") for text in filled) * 2 > len(filled):
            return place + 1, _told(place + 1, "question texts and identifiers of a survey tool")
    if not lines or len(lines) < 2:
        return 0, ""
    cells = lines[0].cells
    below = {place: text.strip().lower() for place, text in enumerate(cells) if text}
    hits = [place for place, text in below.items() if text in _RESPONSES]
    blank = [
        place
        for place, name in enumerate(names)
        if name and place not in below and _is_filled(place, lines[1:])
    ]
    again = any(
        place < len(line.cells) and line.cells[place] == cells[place]
        for line in lines[1:]
        for place in hits
    )
    if hits and not again and (blank or len(hits) == len(below)):
        return 1, _told(1, "kinds of answers of a survey tool")
    alike = sum(
        place < len(names) and _bare(text) == _bare(names[place]) != "" and not _kind_of_data(text)
        for place, text in below.items()
    )
    if alike >= 2 and alike * 4 >= len(below) and cells[: len(names)] != names:
        return 1, _told(1, "the names in other words")
    return 0, ""


def _told(count: int, what: str) -> str:
    return (
        f"{count} more header row{'s' if count > 1 else ''} with {what}"
        f" {'are' if count > 1 else 'is'} left out."
    )


def _bare(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).lower()


def _is_filled(place: int, lines: Sequence[Line]) -> bool:
    return (
        sum(place < len(line.cells) and bool(line.cells[place]) for line in lines) * 2
        >= len(lines)
        > 0
    )


def _columns(
    top: Line, names: list[str], body: Sequence[Line]
) -> tuple[dict[int, str], tuple[str, ...]]:
    """The columns to read: without what is merely merged into its neighbour, with unnamed ones that
    most rows fill.
    """
    width = _width(names)
    beyond = range(width, max((_width(line.cells) for line in body), default=0))
    filled = [place for place in beyond if _is_filled(place, body)]
    wide = max(filled, default=width - 1) + 1
    cleaned = clean_names([*names[:width], *[""] * (wide - width)])
    spare = {
        place
        for place in top.across
        if all(
            place >= len(line.cells) or not line.cells[place] or place in line.merged
            for line in body
        )
    }
    note = (
        (
            (
                f"Cells to the right of the column {cleaned[-1]!r} have no name above them and are"
                " left out."
            ),
        )
        if any(_width(line.cells) > wide for line in body)
        else ()
    )
    return {place: name for place, name in enumerate(cleaned) if place not in spare}, note
