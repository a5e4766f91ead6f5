"""Rows of a table that are no data: rules below the names, the names once more, those of a file put
behind it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tl_core.data.readers.headers import is_known
from tl_core.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

AGAIN = "repeats the names of the columns"
RULE = "a line of dashes"
TOTAL = "a total below the table"
_RULE = r"[\s|+:=_-]*[-=]{2,}[\s|+:=_-]*"
_TOTALS = frozenset(
    (
        "total",
        "totals",
        "grand total",
        "sum",
        "subtotal",
        "count",
        "average",
        "mean",
        "summe",
        "gesamt",
        "gesamtsumme",
        "gesamtergebnis",
        "anzahl",
        "insgesamt",
        "mittelwert",
        "suma",
        "total general",
        "recuento",
        "promedio",
        "somme",
        "total général",
        "nombre",
        "moyenne",
        "totale",
        "somma",
        "conteggio",
        "totaal",
        "soma",
        "razem",
        "итого",
        "всего",
        "合计",
        "总计",
        "合計",
        "総計",
    )
)


def is_rule(cells: Sequence[str]) -> bool:
    """Whether a row only draws a line, as psql and Markdown put it below the names."""
    filled = [cell for cell in cells if cell.strip()]
    return (
        bool(filled)
        and all(re.fullmatch(_RULE, cell) for cell in filled)
        and (len(filled) > 1 or len(filled[0].strip()) > 2)
    )


def is_total(cells: Sequence[str]) -> bool:
    """Whether a row begins like a sum below a table."""
    first = next((cell for cell in cells if cell.strip()), "")
    return first.strip().rstrip(":").strip().casefold() in _TOTALS


def check_order(cells: Sequence[str], names: Sequence[str], number: int) -> bool:
    """Whether a row says the names of the columns once more.

    Raises:
        DataError: when it says them in another order, so that all rows below it stand in other
        columns.
    """
    row, header = [_plain(cell) for cell in cells[: len(names)]], [_plain(name) for name in names]
    if row == header:
        exact = [cell.removeprefix("\ufeff").strip() for cell in cells[: len(names)]] == list(
            map(str.strip, names)
        )
        return exact or (len(header) > 1 and any(map(is_known, names)))
    if len(header) > 1 and sorted(row) == sorted(header) and len({*header}) > 1 and all(header):
        raise DataError(
            "Two tables with different column orders were appended to one another.",
            f"Row {number:,} names the columns again, as {', '.join(map(repr, cells[:4]))}, where"
            f" the first line has {', '.join(map(repr, names[:4]))}.",
            "Bring the tables as files of their own, or put the columns into one order.",
        )
    return False


def _plain(name: str) -> str:
    return name.removeprefix("\ufeff").strip().casefold()


def no_data(
    table: pa.Table, numbers: NDArray[np.int64], names: list[str]
) -> dict[str, NDArray[np.bool_]]:
    """Reason to the rows of a chunk that are no data, for those reasons that there are.

    Raises:
        DataError: when the names of the columns come again in another order.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    known = {name for name in map(str.strip, names) if name}
    forms = pa.array(
        sorted(
            {
                form
                for name in known
                for form in (name, name.lower(), name.upper(), name.title(), name.capitalize())
            }
        ),
        pa.string(),
    )
    rules = pc.or_(
        pc.equal(table.column(0), ""), pc.match_substring_regex(table.column(0), f"^{_RULE}$")
    )
    again = pc.is_in(table.column(0), forms) if known else pc.equal(table.column(0), "")
    again = pc.or_(again, pc.starts_with(table.column(0), "\ufeff"))
    for place in range(1, table.num_columns):
        column = table.column(place)
        if pc.any(rules).as_py():
            rules = pc.and_(
                rules, pc.or_(pc.equal(column, ""), pc.match_substring_regex(column, f"^{_RULE}$"))
            )
        if pc.any(again).as_py():
            again = pc.and_(again, pc.is_in(pc.utf8_trim_whitespace(column), forms))
    by_reason = {
        RULE: rules.to_numpy(zero_copy_only=False),
        AGAIN: again.to_numpy(zero_copy_only=False),
    }
    for reason, rows in by_reason.items():
        for place in np.flatnonzero(rows).tolist():
            cells = [str(table.column(one)[place]) for one in range(table.num_columns)]
            rows[place] = (
                is_rule(cells) if reason == RULE else check_order(cells, names, int(numbers[place]))
            )
    return {reason: rows for reason, rows in by_reason.items() if rows.any()}


def side_by_side(names: Sequence[str]) -> str:
    """A doubt where the columns of one table stand beside those of another one with the same names;
    else empty.
    """
    plain = [_plain(name) for name in names]
    for gap in (place for place, name in enumerate(plain) if not name and place):
        left, right = [name for name in plain[:gap] if name], [name for name in plain[gap:] if name]
        if len(left) > 1 and left == right[: len(left)]:
            return (
                "Two tables stand side by side, with an empty column between them"
                f" ({', '.join(left[:4])} on both sides). Only the left one is read; put the other"
                " one below it or into a file of its own."
            )
    return ""
