"""What the cells of a column are like: how many differ, how long they are, how they sort the
rows.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from tl_core.data.roles.column_names import is_confidence, parts

if TYPE_CHECKING:
    import pandas as pd

SHORT = 60  # signs on average; longer cells are texts
_FEW = 40
_UNIQUE = 0.8  # different values a row; beyond it a column is an id or a text
MANY = 10
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")
_MEASURE = re.compile(r"[+-]?\d*[.,]\d*[1-9]\d*|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}.*|https?:\S+")
_FRACTION = re.compile(r"[+-]?\d*[.,]\d*[1-9]\d*")
_SCORES = frozenset(("score", "scores", "similarity", "weight"))


@dataclass(frozen=True)
class Cells:
    """Facts about one column of a table's head; blanks around cells do not count."""

    name: str
    rows: int
    filled: int
    values: tuple[
        str, ...
    ]  # the different cells that hold anything, in the order of their first rows
    length: float  # of the filled cells on average
    order: bytes  # equal where two columns sort the rows alike

    @property
    def has_blanks(self) -> bool:
        return self.filled < self.rows

    @cached_property
    def is_number(self) -> bool:
        return all(_NUMBER.fullmatch(value) for value in self.values)

    @cached_property
    def is_fraction(self) -> bool:
        """Whether it measures something or says how sure somebody was, in numbers: no classes."""
        if not self.values or not self.is_number:
            return False
        words = parts(self.name)
        is_score = len(words) > 1 and words[-1] in _SCORES or len(self.values) > MANY
        return is_confidence(self.name) or is_score and any(map(_FRACTION.fullmatch, self.values))

    @property
    def is_class(self) -> bool:
        """Whether values are short and come again, as classes do."""
        if not self.filled or self.length >= SHORT or self.is_fraction:
            return False
        return self.filled < MANY or len(self.values) <= _UNIQUE * self.filled

    @property
    def repeats(self) -> bool:
        """Whether a few short values come again and again; the stricter test, for columns of any
        name.
        """
        count = len(self.values)
        return (
            2 <= count <= max(2, self.filled // 3)
            and self.length * self.filled < _FEW * self.rows
            and (self.rows < MANY or self.filled >= 2 * count)
            and not self.is_fraction
            and not all(map(_MEASURE.fullmatch, self.values))
        )


def cells_of(head: pd.DataFrame, name: str) -> Cells:
    """The facts about one column."""
    import pandas as pd

    cells = head[name].str.strip()
    codes, values = pd.factorize(cells)
    filled = cells[cells != ""]
    return Cells(
        name,
        len(cells),
        len(filled),
        tuple(str(value) for value in values if value != ""),
        float(filled.str.len().mean()) if len(filled) else 0.0,
        codes.astype("int32").tobytes(),
    )


def sort_alike(one: Cells, other: Cells) -> bool:
    """Whether two columns sort the rows alike, whatever they call the classes."""
    return one.order == other.order
