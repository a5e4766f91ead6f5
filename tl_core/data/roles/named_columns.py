"""Columns that a person has named in the options of an import."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tl_core.data.dataset_version import ImportOptions
from tl_core.data.roles.split_columns import NONE
from tl_core.errors import DataError, nearest

if TYPE_CHECKING:
    import pandas as pd


def check_named(head: pd.DataFrame, options: ImportOptions) -> list[str]:
    """The names of all columns.

    Raises:
        DataError: when a column that `options` names is not among them.
    """
    names = [str(name) for name in head.columns]
    together = several(options.label_column, names)
    none = options.split_column == NONE and NONE not in names
    for wanted in (
        options.text_column,
        "" if together else options.label_column,
        options.group_column,
        "" if none else options.split_column,
        options.title_column,
        options.image_column,
        options.audio_column,
        options.date_column,
    ):
        if wanted and wanted not in names:
            raise DataError(
                f"There is no column {wanted!r}.",
                f"The table has: {', '.join(names[:12])}.",
                nearest(wanted, names),
            )
    return names


def several(named: str, names: list[str]) -> tuple[str, ...]:
    """The columns of a list of names: "ham, spam"; none where a column is called so itself or one
    is not there.
    """
    parts = tuple(part.strip() for part in named.split(","))
    return parts if named not in names and len(parts) > 1 and {*parts} <= {*names} else ()
