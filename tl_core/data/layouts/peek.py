"""The first rows of a table, read once to see what it is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tl_core.data.dataset_version import ImportOptions
from tl_core.data.limits import Limits
from tl_core.data.tables.reading import Reading
from tl_core.data.tables.table import read_table
from tl_core.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

HEAD = 5_000
_WIDE = 20_000  # columns; tables of pixels are wider than others may be


@dataclass(frozen=True)
class Head:
    """The first rows of a table as strings, and the roles that its format gives to columns."""

    frame: pd.DataFrame
    roles: dict[str, str] = field(default_factory=dict)
    format: str = ""


def reading_of(options: ImportOptions, limits: Limits, sheet: str = "") -> Reading:
    """How the tables of an import are read."""
    return Reading(
        options.encoding,
        sheet or options.sheet,
        limits,
        options.header,
        label_column=options.label_column,
    )


def peek(path: Path, options: ImportOptions, limits: Limits, sheet: str = "") -> Head | None:
    """The head of a table of whatever width; None where it cannot be read, which its reader will
    explain.
    """
    reading = reading_of(options, replace(limits, columns=_WIDE), sheet)
    try:
        rows = next(read_table(path, reading, HEAD), None)
    except DataError:
        return None
    return (
        None
        if rows is None
        else Head(rows.cells.slice(0, HEAD).to_pandas(), dict(reading.roles), reading.format)
    )
