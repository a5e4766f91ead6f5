"""Pictures whose classes stand in a table: names of files, or a table that holds the pictures or
their pixels.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tl_core.data.checks.text_facts import clean_label
from tl_core.data.dataset_version import ImportOptions
from tl_core.data.layouts.held_files import held_files, holds_files
from tl_core.data.layouts.listed_files import listed_files, with_columns
from tl_core.data.layouts.peek import reading_of
from tl_core.data.preparation import pixels_to_picture
from tl_core.data.roles.columns import Columns, guess_file_columns
from tl_core.data.roles.wide import one_hot_labels, pixel_columns
from tl_core.data.sources.file_kind import PICTURES
from tl_core.data.sources.intake import Intake
from tl_core.data.sources.names import readable
from tl_core.data.sources.types import ItemFile, Source, TableFile
from tl_core.data.tables.reading import Rows
from tl_core.data.tables.table import read_table
from tl_core.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

_PIXEL_ROWS = 500
_WIDE = 20_000


def labelled_files(source: Source, options: ImportOptions, intake: Intake) -> Iterator[ItemFile]:
    """The pictures of `source` with class, split, group and extra columns, wherever these stand."""
    if source.tables:
        for table in source.tables:
            if holds_files(table.path, PICTURES):
                yield from held_files(table, options, intake, PICTURES)
            else:
                yield from _pixel_pictures(source, table, options, intake)
    elif source.listings:
        yield from listed_files(source, options, intake)
    else:
        yield from source.files


def _pixel_pictures(
    source: Source, table: TableFile, options: ImportOptions, intake: Intake
) -> Iterator[ItemFile]:
    """A picture for each row of numbers, as PNG."""
    reading = reading_of(options, replace(source.limits, columns=_WIDE), table.sheet)
    layout: _PixelLayout | None = None
    for rows in read_table(table.path, reading, _PIXEL_ROWS):
        if layout is None:
            layout = _pixel_layout(rows.cells.to_pandas(), table, options)
            intake.note_columns(layout.shown_roles())
            intake.prepare(columns=layout.columns, pixels=layout.shape)
        yield from _drawn(rows, layout, table, intake)
    intake.note_reading(reading, readable(table.path.name))


@dataclass(frozen=True)
class _PixelLayout:
    """Which columns of a table hold pixels, in which shape (width, height, channels), and what the
    others are.
    """

    columns: tuple[str, ...]
    shape: tuple[int, ...]
    roles: Columns

    def shown_roles(self) -> Columns:
        """The roles as the plan tells them: all columns of pixels are one."""
        first, last = self.columns[0], self.columns[-1]
        width, height, channels = self.shape
        name = f"{first} … {last}" if len(self.columns) > 1 else first
        colours = " in RGB" if channels == 3 else ""
        reason = f"numbers from 0 to 255: pictures of {width} x {height} pixels{colours}"
        taken = tuple(
            replace(one, name=name, reason=reason) if one.role == "image" else one
            for one in self.roles.taken
        )
        return replace(self.roles, image=first, taken=taken)

    def values(self, record: dict[str, str]) -> list[str]:
        """The pixels of a row."""
        if len(self.columns) == 1:
            return record[self.columns[0]].split()
        return [record[column] for column in self.columns]


def _pixel_layout(head: pd.DataFrame, table: TableFile, options: ImportOptions) -> _PixelLayout:
    """How the first rows of a table hold pictures.

    Raises:
        DataError: when they hold none.
    """
    pixels = pixel_columns(head)
    if pixels is None:
        raise DataError(
            f"{readable(table.path.name)!r} does not hold pixels like the other tables.",
            "",
            "Give the tables the same columns.",
        )
    columns, shape = pixels
    others = head[[other for other in head.columns if other not in columns]]
    return _PixelLayout(columns, shape, _beside_pixels(others, options))


def _drawn(
    rows: Rows, layout: _PixelLayout, table: TableFile, intake: Intake
) -> Iterator[ItemFile]:
    """The pictures of some rows; those that are none are noted as left out."""
    roles, name = layout.roles, readable(table.path.stem)
    hot = (
        one_hot_labels(rows.cells, roles.one_hot, rows.numbers, several=roles.several).to_pylist()
        if roles.one_hot
        else []
    )
    for place, (number, record) in enumerate(
        zip(rows.numbers.tolist(), rows.cells.to_pylist(), strict=True)
    ):
        item = ItemFile(table.path, f"{name} row {number}", "", "")
        buffer = io.BytesIO()
        try:
            pixels_to_picture(layout.values(record), layout.shape).save(buffer, "PNG")
        except ValueError as error:
            intake.skipped.append({"item": item.name, "reason": str(error)})
            continue
        label = hot[place] if hot else clean_label(record.get(roles.label, ""))
        cells = {key: value for key, value in record.items() if key not in layout.columns}
        yield with_columns(replace(item, data=buffer.getvalue()), cells, roles, label, table.split)


def _beside_pixels(others: pd.DataFrame, options: ImportOptions) -> Columns:
    """The roles of the columns that hold no pixels; the only one is the class."""
    roles = guess_file_columns(others.assign(pixels=""), replace(options, image_column="pixels"))
    if len(others.columns) > 1 or options.label_column:
        return roles
    return replace(
        roles,
        taken=tuple(
            (
                replace(one, reason="it is the only column beside the pixels", certain=True)
                if one.role == "label"
                else one
            )
            for one in roles.taken
        ),
    )
