"""Which of several strategies to take: scores over seeds, paired tests, and the cheapest that is
good enough.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tl_core.evaluate.compare import exact_mcnemar
from tl_core.evaluate.measures import Recommendation, Rung, RungScores
from tl_core.evaluate.scores import intervals

_DRAWS = 20_000
_CELLS = 4_000_000
SIGNIFICANT = 0.05
Floats = NDArray[np.float64]


def paired_p(first: Floats, second: Floats, seed: int = 0) -> float:
    """Two-sided p-value that two strategies are equally often right on these items.

    Args:
        first: share of its seeds that have each item right (items,).
        second: the other one's.
        seed: of the random signs.

    With one seed each this is the exact McNemar test; with several, a permutation test that flips
    the sign of each item's difference (Fisher's randomisation test), the items being what the
    result must carry over to.
    """
    if set(np.unique(np.concatenate([first, second]))) <= {0.0, 1.0}:
        return exact_mcnemar(first > 0.5, second > 0.5)[2]
    gaps = (first - second)[first != second]
    if len(gaps) < 2:  # of one item either sign is as likely
        return 1.0
    from scipy.stats import permutation_test

    test = permutation_test(
        (gaps,),
        _rounded_sum,
        permutation_type="samples",
        n_resamples=_DRAWS,
        batch=max(1, min(_DRAWS, _CELLS // len(gaps))),
        rng=np.random.default_rng(seed),
    )
    return float(test.pvalue)


def _rounded_sum(gaps: Floats, axis: int) -> Floats:
    """Sums that are equal up to the order of their terms count as equal."""
    sums: Floats = gaps.sum(axis=axis).round(9)
    return sums


def weigh(rungs: list[Rung], correct: dict[str, NDArray[np.bool_]]) -> Recommendation:
    """Rows of the comparison, and the recommendation.

    Args:
        rungs: name, title, minutes (of a typical seed) and trainable_parameters of each strategy.
        correct: by name, whether each seed has each validation item right (seeds,
            items). Without items nothing is worse than another, and the cheapest is taken.

    Returns:
        `rows` in the order given, each with its mean accuracy (Wilson's interval for that share of
        the items, which leaves the luck of the seeds aside; their lowest and highest stand beside
        it), the paired p-value against the best, and whether it is significantly worse; `best` and
        `recommended` (fewest minutes among those that are not).
    """
    shares = {name: right.mean(axis=0) for name, right in correct.items()}
    count = len(next(iter(shares.values())))
    best = max(
        rungs, key=lambda rung: (shares[rung["name"]].mean() if count else 0.0, -rung["minutes"])
    )["name"]
    rows: list[RungScores] = []
    for rung in rungs:
        right = correct[rung["name"]]
        seeds = right.mean(axis=1) if count else np.zeros(len(right))
        p_value = (
            1.0
            if rung["name"] == best or not count
            else paired_p(shares[rung["name"]], shares[best])
        )
        rows.append(
            {
                **rung,
                "seeds": len(right),
                "accuracy": intervals.proportion(seeds.mean() * count, count),
                "lowest_seed": float(seeds.min()),
                "highest_seed": float(seeds.max()),
                "p_against_best": p_value,
                "worse_than_best": p_value < SIGNIFICANT,
            }
        )
    fit = [row for row in rows if not row["worse_than_best"]]
    return {
        "rows": rows,
        "best": best,
        "recommended": min(fit, key=lambda row: row["minutes"])["name"],
    }


def advice(comparison: Recommendation, items: int, noun: str) -> str:
    """The recommendation in a sentence; its scores are those on `items` validation items, called
    `noun`.
    """
    if not items:
        return f"There are no {noun} to choose by, so the cheapest strategy was kept."
    rows = {row["name"]: row for row in comparison["rows"]}
    best, taken = rows[comparison["best"]], rows[comparison["recommended"]]
    if best is taken:
        return (
            f"{best['title']} is the best, and nothing cheaper comes close: right {_in_100(best)}"
            f" times in 100 on validation {noun}, {_minutes(best)} of training."
        )
    return (
        f"Take {taken['title']}: right {_in_100(taken)} times in 100 on validation {noun},"
        f" after {_minutes(taken)}. {best['title']} has {_in_100(best)}, but that can easily be"
        f" chance (p = {taken['p_against_best']:.2f}), and it takes {_minutes(best)}."
    )


def _in_100(row: RungScores) -> str:
    return f"{100 * row['accuracy']['value']:.0f}"


def _minutes(row: RungScores) -> str:
    seconds = 60 * row["minutes"]
    if seconds < 1.5:
        return "a second"
    return f"{seconds:.0f} seconds" if seconds < 90 else f"{row['minutes']:.0f} minutes"
