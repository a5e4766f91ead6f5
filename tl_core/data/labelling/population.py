"""The rows that a labelling is about: all that had no class when it began."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tl_core.data.labelling.rounds import History
from tl_core.data.versions.store import DatasetVersion


def population_of(version: DatasetVersion, past: History) -> NDArray[np.int64]:
    """Rows (population,) in order that wait, or have got their class since in an earlier version,
    whatever split they are in by now; those that were left out are not among them.
    """
    known = version.rows_of("train", "validation", "test")
    since = [row for row in np.intersect1d(past.labelled, known) if version.labels[row] >= 0]
    return np.union1d(version.rows_of("unlabelled"), np.array(since, dtype=np.int64))
