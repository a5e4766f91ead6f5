"""Backbones in order, and in words what the best of them is worth and costs."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tl_core.evaluate.compare import compare
from tl_core.evaluate.measures import (
    BackbonePair,
    BackboneRanking,
    JudgedBackbone,
    Range,
    RankedBackbone,
)

_WORTH = 1.25  # times as fast, before a backbone is preferred to the best one
_NOTHING = 5e-4  # a lead that would be shown as 0.0 points
_Other = Literal["logme", "h_score", "knn", "leep", "nce"]
_SCORES: tuple[_Other, ...] = ("logme", "h_score", "knn", "leep", "nce")


def arrange(
    judged: list[JudgedBackbone], right: list[NDArray[np.bool_]], noun: str
) -> BackboneRanking:
    """The ranking, how far the other scores agree with it, and the sentence that recommends.

    Args:
        judged: the backbones in any order.
        right: whether the probe of each has each row right, all on the same rows.
        noun: what the rows are called, in the plural.

    Returns:
        `ranking` with names (best by its probe first; among equals the faster), `agreement` of each
        score with the probe's order (Kendall's tau), `pairs`: the best against each other one,
        `recommended` and `recommended_depth`: the best, or the fastest of those that are not
        significantly worse if it is clearly faster; and `sentence`.
    """
    order = sorted(
        range(len(judged)),
        key=lambda i: (-judged[i]["probe"]["value"], -judged[i]["items_per_second"]),
    )
    ranking: list[RankedBackbone] = [{**judged[i], "name": called(judged[i])} for i in order]
    correct = [right[i] for i in order]
    pairs: list[BackbonePair] = [
        {"backbone": other["name"], **compare(correct[0], theirs, noun, ("", ""))}
        for other, theirs in zip(ranking[1:], correct[1:], strict=True)
    ]
    equal = [ranking[0]] + [
        one for one, pair in zip(ranking[1:], pairs, strict=True) if pair["p_value"] >= 0.05
    ]
    fastest = max(equal, key=lambda one: one["items_per_second"])
    chosen = (
        fastest
        if fastest["items_per_second"] > _WORTH * ranking[0]["items_per_second"]
        else ranking[0]
    )
    return {
        "ranking": ranking,
        "pairs": pairs,
        "recommended": chosen["backbone"],
        "recommended_depth": chosen.get("depth", 0),
        "recommended_name": chosen["name"],
        "agreement": {
            name: _tau([one["probe"]["value"] for one in ranking], values)
            for name, values in _other_scores(ranking).items()
            if len(ranking) > 2
        },
        "sentence": _sentence(ranking, pairs, chosen),
    }


def _other_scores(ranking: list[RankedBackbone]) -> dict[str, list[float]]:
    """By name, those scores that every backbone has, in the order of the ranking."""
    values = {name: [one[name] for one in ranking] for name in _SCORES}
    known = {name: [one for one in row if one is not None] for name, row in values.items()}
    return {name: row for name, row in known.items() if len(row) == len(ranking)}


def called(one: JudgedBackbone) -> str:
    """A candidate's name, with its depth where depths are compared."""
    depth, blocks = one.get("depth", 0), one.get("blocks", 0)
    if depth < 0:
        return f"{one['backbone']} (all {blocks} blocks)"
    return f"{one['backbone']} (after block {depth} of {blocks})" if depth else str(one["backbone"])


def _tau(first: list[float], second: list[float]) -> float:
    """Kendall's tau-b: 1 is the same order, -1 the opposite, 0 none or all values alike."""
    from scipy.stats import kendalltau

    tau = float(kendalltau(first, second).statistic)
    return 0.0 if np.isnan(tau) else tau


def _sentence(
    ranking: list[RankedBackbone], pairs: list[BackbonePair], chosen: RankedBackbone
) -> str:
    best = ranking[0]
    if not pairs:
        return f"{best['name']}: right {100 * best['probe']['value']:.0f} times in 100 as a probe."
    if chosen is not best:
        pair = next(pair for pair in pairs if pair["backbone"] == chosen["name"])
        gap = pair["difference"]
        return (
            f"Take {chosen['name']}: {_times(chosen, best)} as fast as {best['name']}, whose lead"
            f" of {100 * gap['value']:.1f} points can be chance ({_span(gap)} is plausible)."
        )
    rival, gap = pairs[0]["backbone"], pairs[0]["difference"]
    price = _price(best, ranking[1])
    if gap["value"] < _NOTHING:
        return f"Take {best['name']}: as good as {rival}, and {price}."
    return (
        f"Take {best['name']}: {100 * gap['value']:.1f} points better than {rival}, plausibly"
        f" {_span(gap)}, and {price}."
    )


def _times(fast: RankedBackbone, slow: RankedBackbone) -> str:
    return f"{fast['items_per_second'] / slow['items_per_second']:.2g} times"


def _price(one: RankedBackbone, other: RankedBackbone) -> str:
    ratio = other["items_per_second"] / one["items_per_second"]
    if 0.8 < ratio < 1.25:
        return "about as fast"
    return f"{ratio:.2g} times slower" if ratio > 1 else f"{1 / ratio:.2g} times faster"


def _span(gap: Range) -> str:
    return f"{100 * gap['low']:.0f} to {100 * gap['high']:.0f}"
