"""Tables with a column for each class (one-hot) or for each pixel."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tl_core.errors import DataError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

ONE, ZERO = ("1", "1.0", "true", "True", "TRUE"), ("0", "0.0", "false", "False", "FALSE")
LEAST_PIXELS, MOST_PIXELS = 64, 3 * 128 * 128  # 8 x 8 digits; RGB of 128 x 128
_SORTED = 1000  # rows of one class that a sorted table may begin with
_INDEX = re.compile(r"^(unnamed: ?\d+|column \d+|id|index|row|nr|no)$", re.IGNORECASE)


def binary_columns(head: pd.DataFrame, taken: set[str]) -> list[str]:
    """Columns of 0 and 1 (or false and true) that may belong together.

    A column of nothing but 1 is none of them, one of nothing but 0 only in a row of columns that
    vary: it may be a class that comes later. Where none varies in a long table, its rows may be
    sorted, and all of them count.
    """
    zeros, ones = {*ZERO}, {*ONE}
    values = {
        str(name): {""} if name in taken else set(map(str.strip, head[name].unique()))
        for name in head.columns
    }
    flags = [name for name, cells in values.items() if cells <= zeros | ones]
    varied = [name for name in flags if values[name] & zeros and values[name] & ones]
    if len(varied) < 2:
        return varied if varied or len(head) < _SORTED else flags
    blocks: list[list[str]] = [[]]
    for name, cells in values.items():
        if cells <= zeros | ones and cells & zeros:
            blocks[-1].append(name)
        else:
            blocks.append([])
    return [name for block in blocks for name in block if not {*block}.isdisjoint(varied)]


def adds_up(head: pd.DataFrame, columns: list[str]) -> bool:
    """Whether each row has exactly one 1 among `columns`."""
    ones = sum(head[name].str.strip().isin(ONE).to_numpy().astype(int) for name in columns)
    return len(columns) > 1 and bool((np.asarray(ones) == 1).all())


def one_hot_labels(
    cells: pa.Table, columns: tuple[str, ...], numbers: NDArray[np.int64]
) -> pa.Array:
    """The name of the one column that is 1, for each row.

    Raises:
        DataError: for a row with none or several, which no single class describes.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    ones = np.stack(
        [
            pc.is_in(
                pc.utf8_trim_whitespace(cells.column(name)), value_set=pa.array(ONE)
            ).to_numpy()
            for name in columns
        ],
        axis=1,
    )
    counts = ones.sum(axis=1)
    if (counts != 1).any():
        row = int(numbers[int(np.flatnonzero(counts != 1)[0])])
        raise several_labels(list(columns), f"Row {row} has {int(counts[counts != 1][0])} of them.")
    return pa.array(np.array(columns, dtype=object)[ones.argmax(axis=1)].tolist(), pa.string())


def several_labels(columns: list[str], why: str) -> DataError:
    """The refusal of a table whose rows have any number of labels."""
    shown = ", ".join(columns[:8]) + (" …" if len(columns) > 8 else "")
    return DataError(
        f"Rows have several labels, or none: {shown}.",
        f"{why} Several labels for one item are recognised, but not supported yet.",
        "Name one of the columns as the class (--label-column), or "
        "bring a table with one class for each row.",
    )


def pixel_columns(head: pd.DataFrame) -> tuple[tuple[str, ...], tuple[int, int, int]] | None:
    """The columns that hold the pixels of pictures and (width, height, channels); None for other
    tables.

    Either hundreds of columns of numbers from 0 to 255, as many as a square has pixels (times three
    for RGB), or one column of such numbers separated by blanks.
    """
    return _pixel_string(head) or _pixel_numbers(head)


def _square(count: int) -> tuple[int, int, int] | None:
    if not LEAST_PIXELS <= count <= MOST_PIXELS:
        return None
    for channels in (1, 3):
        side = math.isqrt(count // channels)
        if side * side * channels == count:
            return side, side, channels
    return None


def _pixel_string(head: pd.DataFrame) -> tuple[tuple[str, ...], tuple[int, int, int]] | None:
    for name in head.columns:
        first = str(head[name].iloc[0])
        if len(first) < 2 * LEAST_PIXELS or not re.fullmatch(r"[\d\s.,]+", first):
            continue
        counts = {len(cell.split()) for cell in head[name]}
        shape = _square(counts.pop()) if len(counts) == 1 else None
        if shape and all(re.fullmatch(r"[\d\s.]+", cell) for cell in head[name].iloc[:20]):
            return (str(name),), shape
    return None


def _pixel_numbers(head: pd.DataFrame) -> tuple[tuple[str, ...], tuple[int, int, int]] | None:
    if len(head.columns) < LEAST_PIXELS:
        return None
    sample = head.iloc[:50]
    numbers = [str(name) for name in head.columns if _is_pixel(sample[name])]
    named = [
        name
        for name in numbers
        if re.fullmatch(r"(pixel|px|pix|p|x)?[ _-]?\d+([x_-]\d+)?", name, re.IGNORECASE)
    ]
    for columns in (
        named,
        numbers,
        numbers[1:],
        numbers[:-1],
        [n for n in numbers if not _INDEX.match(n)],
    ):
        shape = _square(len(columns))
        if shape and len(head.columns) - len(columns) <= max(8, len(columns) // 8):
            return tuple(columns), shape
    return None


def _is_pixel(cells: pd.Series[str]) -> bool:
    import pandas as pd

    values = pd.to_numeric(cells, errors="coerce")
    return bool(values.notna().all() and values.min() >= 0 and values.max() <= 255)
