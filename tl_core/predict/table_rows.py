"""Rows of tables that are to be predicted: which columns the model reads of them, and what it
gets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tl_core.data.limits import LIMITS
from tl_core.data.preparation import Preparation
from tl_core.data.roles.columns import guess_text_column
from tl_core.data.sources.plan import Plan
from tl_core.data.tables.reading import Reading
from tl_core.data.tables.table import read_table
from tl_core.errors import DataError, nearest
from tl_core.predict.one_item import Item

if TYPE_CHECKING:
    import pandas as pd
    from PIL import Image

TEXT_WINDOW, IMAGE_WINDOW = 2048, 256
_HEAD = 1000


@dataclass(frozen=True)
class ColumnChoice:
    """What a person says about the columns of a table, by name; empty where nothing is said."""

    text_column: str = ""
    title_column: str = ""
    prepared: bool = False  # the rows are those of a dataset version, which has done its part


@dataclass
class Survey:
    """What a table holds, after it was read to its end once."""

    path: Path
    reading: Reading
    names: list[str] = field(default_factory=list)
    head: pd.DataFrame | None = None
    total: int = 0

    def require(self, name: str, why: str = "", more: str = "") -> None:
        """Refuse a table without the column `name`.

        Raises:
            DataError: with the names that there are, the nearest first.
        """
        if name not in self.names:
            has = (
                "The table has:"
                f" {', '.join(self.names[:12])}{' …' if len(self.names) > 12 else ''}."
            )
            raise DataError(
                f"There is no column {name!r}.",
                f"{why} {has}".strip(),
                f"{nearest(name, self.names)} {more}".strip(),
            )


def survey(path: Path) -> Survey:
    """Read the table once: one that breaks off is refused before the work.

    Raises:
        DataError: when it cannot be read to its end.
    """
    table = Survey(path, Reading())
    for rows in read_table(path, table.reading):
        if table.head is None:
            table.head = rows.cells.slice(0, _HEAD).to_pandas()
        table.names += [name for name in rows.cells.column_names if name not in table.names]
    table.total = table.reading.good + len(table.reading.bad)
    return table


def choose_text(
    table: Survey, kept: Preparation | None, choice: ColumnChoice, plan: Plan
) -> Preparation:
    """What is done to the rows of `table`: as in training, from the columns that a person names, or
    else a guess.

    Raises:
        DataError: when a named column, or one of several that training joined, is not in the table.
    """
    kept = kept or Preparation()
    columns = _named(table, kept, choice)
    if len(columns) > 1:
        shown = " and ".join(map(repr, columns))
        for name in columns:
            table.require(
                name,
                f"The model was trained on {shown}, joined by a line break, and reads nothing"
                " less.",
                "Name others with --title-column and --text-column.",
            )
            given = name in (choice.text_column, choice.title_column)
            known = given or name in kept.columns
            plan.take(
                name,
                "text" if name == columns[-1] else "title",
                (
                    "named by you"
                    if given
                    else (
                        "the model was trained on it" if known else "guessed from names and content"
                    )
                ),
                certain=known,
            )
        plan.note(f"{shown} are joined by a line break{', as in training' if kept.joined else ''}.")
    else:
        columns = (_one_column(table, columns, choice, plan),)
    if kept.repair:
        plan.note("Texts are repaired, as in training.")
    return replace(kept, columns=columns)


def _named(table: Survey, kept: Preparation, choice: ColumnChoice) -> tuple[str, ...]:
    """The columns of the training, with those that a person names in their places; () where nobody
    knows any.
    """
    for name in filter(None, (choice.text_column, choice.title_column)):
        table.require(name)
    if choice.title_column and choice.title_column == choice.text_column:
        raise DataError(
            f"The column {choice.text_column!r} is named as title and as text.",
            "",
            "Name two different columns.",
        )
    if choice.title_column and len(kept.columns) == 1:
        raise DataError(
            f"The model was trained on the column {kept.columns[0]!r} alone.",
            "With a title in front it would read something that it has never seen.",
            "Leave --title-column out.",
        )
    if not kept.joined:
        own = (choice.text_column,) if choice.text_column else kept.columns
        if not choice.title_column:
            return own
        return choice.title_column, *(own or (_guess(table, {choice.title_column}),))
    columns = list(kept.columns)
    columns[0], columns[-1] = choice.title_column or columns[0], choice.text_column or columns[-1]
    if len({*columns}) < len(columns):
        raise DataError(
            f"{choice.title_column or choice.text_column!r} would be read twice.",
            f"The model was trained on {' and '.join(map(repr, kept.columns))}.",
            "Name both --title-column and --text-column.",
        )
    return tuple(columns)


def _one_column(table: Survey, wanted: tuple[str, ...], choice: ColumnChoice, plan: Plan) -> str:
    """The one column that is read; a guess is noted as one."""
    if wanted and wanted[0] in table.names:
        reason = "named by you" if choice.text_column else "the model was trained on it"
        plan.take(wanted[0], "text", "the dataset has prepared it" if choice.prepared else reason)
        return wanted[0]
    if len(table.names) == 1:
        plan.take(table.names[0], "text", "it is the only column")
        return table.names[0]
    if (own := table.reading.roles.get("text", "")) in table.names:
        plan.take(own, "text", "the format says so")
        return own
    guess = _guess(table, set())
    plan.take(
        guess,
        "text",
        "guessed from names and content"
        + (
            f", because there is no column {wanted[0]!r}, which the model was trained on"
            if wanted
            else "; --text-column names another one"
        ),
        certain=False,
    )
    return guess


def _guess(table: Survey, taken: set[str]) -> str:
    import pandas as pd

    head = table.head if table.head is not None else pd.DataFrame()
    return guess_text_column(head.drop(columns=[name for name in taken if name in head]))


def choose_pixels(
    table: Survey, kept: Preparation, choice: ColumnChoice, plan: Plan
) -> Preparation:
    """Which columns of `table` hold the pixels: those of the training, or others of the same number
    as a guess.

    Raises:
        DataError: when the table has no such columns.
    """
    width, height, channels = kept.pixels
    shown = f"{width} x {height}{' in colour' if channels == 3 else ''}"
    if choice.text_column or choice.title_column:
        raise DataError(
            "The model reads pictures from a table of pixels, no texts.",
            "",
            "Leave --text-column and --title-column out.",
        )
    columns, certain, reason = kept.columns, True, f"pixels of pictures of {shown}, as in training"
    missing = [name for name in columns if name not in table.names]
    if missing:
        from tl_core.data.roles.wide import pixel_columns

        other = pixel_columns(table.head) if table.head is not None else None
        if other is None or tuple(other[1]) != kept.pixels:
            some = f"{columns[0]!r}" + (f" to {columns[-1]!r}" if len(columns) > 1 else "")
            table.require(
                missing[0], f"The model was trained on the pixels of pictures of {shown} in {some}."
            )
        else:
            columns, certain = tuple(other[0]), False
            reason = (
                f"as many numbers as pictures of {shown} have, but not under the names of the"
                " training"
            )
    plan.take(
        columns[0] + (f" to {columns[-1]}" if len(columns) > 1 else ""),
        "image",
        reason,
        certain=certain,
    )
    return replace(kept, columns=columns)


def text_windows(path: Path, preparation: Preparation) -> Iterator[list[Item]]:
    """Rows in their order; those that the reader had to leave out stand in their place with the
    reason.
    """
    for rows, damaged in _chunks(path, TEXT_WINDOW):
        items = {
            number: Item(number, record, *text_of(record, preparation)) for number, record in rows
        }
        yield _in_order(items | damaged)


def pixel_windows(path: Path, preparation: Preparation) -> Iterator[list[Item]]:
    """The same for pictures in rows; their pixels do not come back beside the answers."""
    wanted = dict.fromkeys(preparation.columns, "")
    for rows, damaged in _chunks(path, IMAGE_WINDOW):
        items = {
            number: Item(
                number,
                {name: cell for name, cell in record.items() if name not in wanted},
                partial(read_pixels, {name: record.get(name, "") for name in wanted}, preparation),
            )
            for number, record in rows
        }
        yield _in_order(items | damaged)


def read_pixels(row: dict[str, str], preparation: Preparation) -> Image.Image:
    """The RGB picture of a row.

    Raises:
        DataError: when its cells are not the pixels of such a picture.
    """
    try:
        picture: Image.Image = preparation.rgb(preparation.picture(row))
    except ValueError as error:
        raise DataError(f"The row is no picture: {str(error)[:200]}.") from error
    return picture


def text_of(record: dict[str, str], preparation: Preparation) -> tuple[str, str]:
    """The text that the model reads of a row, and what is wrong with it."""
    row = {name: record.get(name) or "" for name in preparation.columns}
    if sum(map(len, row.values())) > LIMITS.cell_chars:
        return "", "The text is over a million characters long."
    text = preparation.text(row)
    return (text, "") if text else ("", "The text is empty.")


def _chunks(
    path: Path, size: int
) -> Iterator[tuple[list[tuple[int, dict[str, str]]], dict[int, Item]]]:
    reading, seen = Reading(), 0
    for rows in read_table(path, reading, chunk_rows=size):
        damaged = {
            number: Item(number, {}, "", f"The row is damaged: {reason}.")
            for number, reason in reading.bad[seen:]
        }
        seen = len(reading.bad)
        yield list(zip(rows.numbers.tolist(), rows.cells.to_pylist(), strict=True)), damaged
    if late := reading.bad[seen:]:
        yield (
            [],
            {
                number: Item(number, {}, "", f"The row is damaged: {reason}.")
                for number, reason in late
            },
        )


def _in_order(items: dict[int, Item]) -> list[Item]:
    return [items[number] for number in sorted(items)]
