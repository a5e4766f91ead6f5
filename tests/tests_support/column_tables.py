"""Tables given column by column, each as a function of the row, and the roles that are guessed."""

from __future__ import annotations

import pandas as pd
import pytest

from tests_support.everyday import sentence
from tl_core.data.dataset_version import ImportOptions
from tl_core.data.roles.columns import guess_columns
from tl_core.errors import AmbiguousError


def each(*values):
    """A cell for each row, the values by turns."""
    return lambda row: values[row % len(values)]


def other(*values, every=2):
    """The same in blocks, so that rows are sorted differently from `each`."""
    return lambda row: values[row // every % len(values)]


def text(row):
    return sentence(row)


def longer(times, start=300):
    return lambda row: " ".join(sentence(start + row * 10 + part) for part in range(times))


def frame(columns, rows=48):
    return pd.DataFrame(
        {name: [str(cell(row)) for row in range(rows)] for name, cell in columns.items()}, dtype=str
    )


def guess(columns, rows=48, **options):
    return guess_columns(frame(columns, rows), ImportOptions(**options))


def sure(found):
    return all(one.certain for one in found.taken) and not found.doubts


def asked(columns, rows=48, **options):
    with pytest.raises(AmbiguousError) as caught:
        guess(columns, rows, **options)
    return caught.value.option, list(caught.value.choices)
