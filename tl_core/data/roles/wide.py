"""Tables with a column for each class (one-hot) or for each pixel."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tl_core.data.label_sets import as_cell
from tl_core.errors import DataError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

ONE, ZERO = ("1", "1.0", "true", "True", "TRUE"), ("0", "0.0", "false", "False", "FALSE")
LEAST_PIXELS, MOST_PIXELS = 64, 3 * 128 * 128  # 8 x 8 digits; RGB of 128 x 128
_YES = 0.5  # of a probability, from which on an item has the class
_ROUNDED = 0.02  # by which rounded probabilities may miss 1
Floats = NDArray[np.float64]
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


def adds_to_one(head: pd.DataFrame, columns: Sequence[str]) -> bool:
    """Whether each row's numbers in `columns` sum to 1: one class, or probabilities of one."""
    shares = shares_of({name: head[name].tolist() for name in columns}, columns)
    known = ~np.isnan(shares).all(axis=1)
    return bool(np.isclose(np.nansum(shares[known], axis=1), 1, atol=_ROUNDED).all())


def shares_of(cells: Mapping[str, Sequence[str]], columns: Sequence[str]) -> Floats:
    """Numbers from 0 to 1 (rows, columns), NaN for a cell that says nothing.

    Raises:
        DataError: for a cell that is no such number.
    """
    parts = []
    for name in columns:
        meaning = {cell: _share(cell, name) for cell in {*cells[name]}}
        parts.append([meaning[cell] for cell in cells[name]])
    return np.array(parts, dtype=np.float64).T.reshape(-1, len(columns))


def _share(cell: str, column: str) -> float:
    bare = cell.strip()
    if not bare or bare in ONE or bare in ZERO:
        return np.nan if not bare else float(bare in ONE)
    try:
        value = float(bare.replace(",", "."))
    except ValueError:
        value = np.nan
    if not 0 <= value <= 1:
        raise DataError(
            f"The column {column!r} holds {bare[:40]!r}, which is neither yes nor no.",
            "Columns that are one class each hold 0 and 1, or probabilities between them.",
            "Name one column that holds the class, or columns of 0 and 1.",
        )
    return value


def one_hot_labels(
    cells: pa.Table, columns: tuple[str, ...], numbers: NDArray[np.int64], *, several: bool = False
) -> pa.Array:
    """What each row is by columns of 0 and 1, or of probabilities, that are one class each.

    Args:
        cells: of the table.
        columns: whose names are the classes.
        numbers: of the rows, for errors.
        several: whether a row may have any number of classes; the answer is then a JSON list of
            those from .5 on, "" where all cells are empty.

    Raises:
        DataError: without `several`, for a row with no class or several of them.
    """
    import pyarrow as pa

    shares = shares_of({name: cells.column(name).to_pylist() for name in columns}, columns)
    return pa.array(row_classes(shares, columns, numbers, several=several), pa.string())


def row_classes(
    shares: Floats, columns: Sequence[str], numbers: NDArray[np.int64], *, several: bool
) -> list[str]:
    """The same from numbers between 0 and 1 (rows, columns)."""
    silent = np.asarray(np.isnan(shares).all(axis=1))
    ones = np.nan_to_num(shares) >= _YES
    names = np.array(columns, dtype=object)
    if several:
        patterns, which = np.unique(ones, axis=0, return_inverse=True)
        told = [as_cell(names[pattern]) for pattern in patterns]
        return [
            "" if nothing else told[n] for n, nothing in zip(which.ravel(), silent, strict=True)
        ]
    sharp = np.isin(shares, (0.0, 1.0)) | np.isnan(shares)
    counts = np.where(sharp.all(axis=1), ones.sum(axis=1), 1)  # probabilities have a largest one
    if (counts != 1).any():
        place = int(np.flatnonzero(counts != 1)[0])
        raise several_labels(list(columns), f"Row {numbers[place]} has {counts[place]} of them.")
    return list(names[np.nan_to_num(shares).argmax(axis=1)])


def several_labels(columns: list[str], why: str) -> DataError:
    """The refusal of a row with several labels, or none, where each has one."""
    shown = ", ".join(columns[:8]) + (" …" if len(columns) > 8 else "")
    return DataError(
        f"A row has several labels, or none: {shown}.",
        f"{why} The first rows have one each.",
        "Set task to multi_label (--task multi_label) if an item may have several labels, or name "
        "one column as the class (--label-column).",
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
