"""Whether the rows of a finding are most of a class or of a domain: then it tells how these look,
and leaving the rows out would take them away.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tl_core.data.domains import domain_columns, domains_of
from tl_core.data.versions.store import DatasetVersion

_MOST, _FEW = 0.5, 10  # a share of so many rows at least


@dataclass(frozen=True)
class Concentrated:
    """`rows` of the `total` rows of a class (`column` is empty) or of a domain of that column."""

    column: str
    name: str
    rows: int
    total: int


def concentrated(version: DatasetVersion, rows: NDArray[np.int64]) -> list[Concentrated]:
    """Classes and domains of which more than half of the rows are among `rows`; none where no more
    than ten rows are of one.
    """
    alive = version.splits != "removed"
    meant = np.zeros(len(alive), dtype=bool)
    meant[rows] = True
    classes = [
        ("", name, np.isin(version.labels, version.sets.having([name])))
        for name in version.info.labels
    ]
    domains = [
        (column, name, found.numbers == number)
        for column in domain_columns(version)
        for found in [domains_of(version, column)]
        for number, name in enumerate(found.names)
    ]
    out = []
    for column, name, own in [*classes, *domains]:
        total, hit = int((own & alive).sum()), int((own & alive & meant).sum())
        if total > _FEW and hit > _MOST * total:
            out.append(Concentrated(column, name, hit, total))
    return out
