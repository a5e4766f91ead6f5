"""The draw by lot that an honest score rests on: one random order of all rows without a class,
settled before anything is labelled.

The rows that a strategy picks are no fair sample: they are the odd ones. Rows drawn at random in
each round are one of that round's leftovers alone, from which the picked ones are missing. So the
lot is cast once: each row has a number that depends on nothing but itself and the seed, and the
first k rows of that order are, at any time, a simple random sample of all rows that had no class
when the labelling began, whatever was picked meanwhile. A row of the sample that a strategy had
picked before it was drawn counts like any other and costs no further label.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
RESERVED = 0.25  # share of the rows, the first of the order, that is never labelled in bulk
LEAST = 40  # of them, about, where a test is to be made of them in time
FIRST_SHARE = 0.5  # of each batch that is drawn while there is no test yet


def lots(rows: Ints, seed: int) -> NDArray[np.float64]:
    """A number in [0, 1) for each row (rows,), which depends on the row and the seed alone.

    The mixing function of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
    """
    step = np.uint64(0x9E3779B97F4A7C15)
    with np.errstate(over="ignore"):
        mixed = _mixed(rows.astype(np.uint64) * step + _mixed(np.uint64(seed + 1) * step))
    share: NDArray[np.float64] = (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return share


def _mixed(number: NDArray[np.uint64] | np.uint64) -> NDArray[np.uint64]:
    value = np.asarray(number, np.uint64)
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(value ^ (value >> np.uint64(31)), np.uint64)


def random_order(population: Ints, seed: int) -> Ints:
    """All rows of the population in the order in which they are drawn."""
    return population[np.argsort(lots(population, seed), kind="stable")]


def reserved(population: Ints, seed: int, least: int = 0) -> Ints:
    """The rows that may come to be drawn: the first quarter of the order, or about `least`.

    A class that is accepted for a whole cluster is what the model said. Where such rows were drawn,
    the model would be right by definition; so these rows are labelled one by one.
    """
    share = max(RESERVED, least / max(len(population), 1))
    return population[lots(population, seed) < share]


def answered(order: Ints, drawn: int, done: Collection[int]) -> int:
    """How many rows from the front of the order, `drawn` of them at most, have been answered
    without a gap: labelled, or passed over.
    """
    for place, row in enumerate(order[:drawn].tolist()):
        if row not in done:
            return place
    return min(drawn, len(order))


def sample(order: Ints, drawn: int, done: Collection[int], *, left: bool = True) -> Ints:
    """The rows drawn for the score that have been answered, labelled or passed over, without a gap,
    in the order in which they were drawn.

    Args:
        order: of the rows that may come to be drawn.
        drawn: how far it was drawn.
        done: rows that are labelled or passed over.
        left: whether any row waits. Where none does, all rows that may be drawn count as drawn:
            which of them came first plays no part any more.
    """
    return order[: answered(order, drawn if left else len(order), done)]


def fair_order(population: Ints, seed: int, least: int = 0) -> Ints:
    """The rows of `reserved` in the order in which they are drawn."""
    order = random_order(population, seed)
    return order[: len(reserved(population, seed, least))]


def to_draw(
    order: Ints, drawn: int, done: Collection[int], share: float, batch: int
) -> tuple[Ints, int]:
    """The drawn rows that wait for an answer, and how far the order is drawn with them.

    A round draws `share` of its rows, one at least, beyond those that have been answered; what was
    drawn before and waits comes first, though no more of it than that share: whoever asks for a
    few rows after a long list gets rows that the strategy chose, too. Rows that have a class
    already make the batch no longer.

    Args:
        order: of all rows that had no class when the labelling began.
        drawn: how far it was drawn by earlier rounds.
        done: rows that are labelled or passed over.
        share: of the batch that is random, 1 for all of it.
        batch: rows of the batch.
    """
    most = max(1, round(share * batch))
    reach = min(len(order), max(drawn, answered(order, drawn, done) + most))
    waiting = [row for row in order[:reach].tolist() if row not in done]
    return np.array(waiting[:most], dtype=np.int64), reach


def mixed_in(chosen: Ints, drawn: Ints) -> Ints:
    """Places (rows of both,) in `chosen` followed by `drawn`, with the drawn rows spread evenly
    over the batch, the first of them at its front.
    """
    total = len(chosen) + len(drawn)
    places = np.full(total, -1, dtype=np.int64)
    if len(drawn):
        spread = np.arange(len(drawn)) * total // len(drawn)
        places[spread] = len(chosen) + np.arange(len(drawn))
    places[places < 0] = np.arange(len(chosen))
    return places
