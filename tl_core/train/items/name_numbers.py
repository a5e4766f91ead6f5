"""What file names could tell of a class, although they should not."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

import numpy as np

from tl_core.data.versions.store import DatasetVersion
from tl_core.train.arrays import Floats, Ints


def name_numbers(version: DatasetVersion, rows: Ints) -> Floats:
    """The last number in each file's name (-1 without one), and how long the name is (rows, 2)."""
    names = [PurePosixPath(name).stem for name in version.names(rows)]
    numbers = [re.search(r"(\d{1,12})\D*$", name) for name in names]
    return np.array(
        [
            [float(hit.group(1)) if hit else -1.0, len(name)]
            for hit, name in zip(numbers, names, strict=True)
        ]
    )
