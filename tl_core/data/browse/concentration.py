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
    alive = np.flatnonzero(version.splits != "removed")
    meant = alive[np.isin(alive, rows)]
    labels, sets = version.labels, version.sets
    known, hit = (some[labels[some] >= 0] for some in (alive, meant))
    found = _most("", version.info.labels, sets.counts(labels[hit]), sets.counts(labels[known]))
    for column in domain_columns(version):
        domains = domains_of(version, column)
        hits, totals = (
            np.bincount(domains.numbers[some] + 1, minlength=len(domains.names) + 1)[1:]
            for some in (meant, alive)
        )
        found += _most(column, domains.names, hits, totals)
    return found


def _most(
    column: str, names: list[str], hits: NDArray[np.int64], totals: NDArray[np.int64]
) -> list[Concentrated]:
    places = np.flatnonzero((totals > _FEW) & (hits > _MOST * totals))
    return [
        Concentrated(column, names[place], int(hits[place]), int(totals[place]))
        for place in places.tolist()
    ]
