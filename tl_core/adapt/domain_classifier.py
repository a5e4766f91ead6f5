"""A classifier that tells two domains apart: how well it does is their distance, its odds are
weights of the source's rows.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tl_core.adapt.affine import Features, Floats
from tl_core.evaluate.measures import GapFacts, Score
from tl_core.evaluate.scores import intervals

_FOLDS, _C = 5, 0.1
MOST_WEIGHT = 20.0  # of a row, and one over it the least
_SLIGHT, _CLEAR = 0.65, 0.85  # shares told apart below which two domains differ little, clearly
FEWEST = 10  # rows of each domain below which nothing is measured
Ints = NDArray[np.int64]
Groups = tuple[Ints, Ints]
"""Of the rows of one domain and of the other: equal numbers belong together, such as copies."""


@dataclass(frozen=True)
class Gap:
    """How far two domains are apart.

    Args:
        distance: proxy A-distance, 2 (1 - 2 error), from 0 (nobody can tell them apart) to 2.
        told_apart: share of rows that the classifier puts into their domain; chance is 0.5.
        rows: that the classifier was asked about, half of them of each domain.
    """

    distance: Score
    told_apart: Score
    rows: int

    @property
    def shown(self) -> bool:
        """Whether chance alone would hardly give it: one half lies below the interval."""
        return self.told_apart["low"] > 0.5

    def facts(self, names: tuple[str, str], noun: str) -> GapFacts:
        """As a report holds it, with what it means in words.

        Args:
            names: of the two domains.
            noun: what the items are called, in the plural.
        """
        told = self.told_apart
        if not self.shown:
            verdict = "that is what chance gives, so no difference is shown"
        elif told["value"] < _SLIGHT:
            verdict = "they differ a little"
        elif told["value"] < _CLEAR:
            verdict = "they differ clearly"
        else:
            verdict = "they are far apart"
        share, low, high = (round(100 * told[end]) for end in ("value", "low", "high"))
        return {
            "distance": self.distance,
            "told_apart": told,
            "rows": self.rows,
            "sentence": (
                f"A classifier tells {noun} of {names[0]} from those of {names[1]} {share} times in"
                f" 100 (between {low} and {high} is plausible, chance is 50): {verdict}. Proxy"
                f" A-distance {self.distance['value']:.2f} of 2."
            ),
        }


def measure_gap(
    one: Features, other: Features, seed: int = 0, groups: Groups | None = None
) -> Gap | None:
    """Proxy A-distance (Ben-David et al., 2007) of two domains by a logistic regression that learns
    on one half of as many rows of each, and is asked about the other half.

    Answers of a cross-validation hang together, since its models share rows: measured on equal
    domains, Wilson's interval then excluded chance in 3 of 9 cases. Those of one model do not. Rows
    of one group hang together, too, and copies on both sides would be known by heart: one row of
    each group is drawn, and no group stands in both halves.

    Args:
        one: features (rows, width).
        other: features (rows, width).
        seed: of the rows that are drawn from the larger domain, and of the halves.
        groups: of the rows of both, where some belong together.

    Returns:
        The gap with Wilson's interval, None where a domain has fewer than 10 rows or groups.
    """
    parts = (one, other)
    learnt, asked = _halves(parts, groups, np.random.default_rng(seed))
    if not len(learnt[0]):
        return None
    domain = np.repeat([0, 1], len(asked[0]))
    model = _classifier()
    with _quietly():
        model.fit(_taken(parts, learnt), np.repeat([0, 1], len(learnt[0])))
        said = model.predict(_taken(parts, asked))
    told = intervals.proportion(int((said == domain).sum()), len(domain))
    low, value, high = (_distance(told[end]) for end in ("low", "value", "high"))
    return Gap(intervals.score(value, low, high, "Wilson"), told, len(domain))


def _taken(parts: tuple[Features, Features], rows: Groups) -> Features:
    return np.concatenate([part[own] for part, own in zip(parts, rows, strict=True)])


def _halves(
    parts: tuple[Features, Features], groups: Groups | None, random: np.random.Generator
) -> tuple[Groups, Groups]:
    """The rows of both domains that are learnt from, and those that are asked about: as many of
    each domain, one of each group, and no group in both halves; none where a domain has too few.
    """
    if groups is None or _alone(np.concatenate(groups)):
        drawn = [random.permutation(len(part)) for part in parts]
    else:
        drawn = [_one_of_each(own, random) for own in groups]
    half = min(map(len, drawn)) // 2
    first = [np.arange(len(rows)) < half for rows in drawn]
    if groups is not None and len(np.intersect1d(*groups)):  # which go to one half in both
        every = np.unique(np.concatenate(groups))
        place = random.permutation(len(every))
        places = [
            place[np.searchsorted(every, own[rows])]
            for own, rows in zip(groups, drawn, strict=True)
        ]
        middle = np.median(min(places, key=len))
        first = [own < middle for own in places]
    most = len(drawn[0]) if min(map(len, drawn)) >= FEWEST else 0
    learnt = _as_many(drawn, first, most)
    return learnt, _as_many(drawn, [~own for own in first], len(learnt[0]))


def _alone(groups: Ints) -> bool:
    return len(np.unique(groups)) == len(groups)


def _one_of_each(groups: Ints, random: np.random.Generator) -> Ints:
    """A row of each group, in random order."""
    rows = random.permutation(len(groups))
    _, first = np.unique(groups[rows], return_index=True)
    chosen: Ints = rows[random.permutation(first)]
    return chosen


def _as_many(drawn: list[Ints], which: list[NDArray[np.bool_]], most: int) -> Groups:
    """As many rows of one domain as of the other."""
    one, other = (rows[own] for rows, own in zip(drawn, which, strict=True))
    count = min(len(one), len(other), most)
    return one[:count], other[:count]


def _distance(told_apart: float) -> float:
    """2 (1 - 2 error); worse than chance counts as chance."""
    return max(0.0, 2 * (1 - 2 * (1 - told_apart)))


@dataclass(frozen=True)
class DensityRatio:
    """Weights of the source's rows (rows,), with mean 1; how many rows they are worth; and how many
    were cut off at the largest or least weight.
    """

    weights: Floats
    effective: float
    clipped: int


def density_ratio(
    source: Features, target: Features, seed: int = 0, groups: Groups | None = None
) -> DensityRatio:
    """How much likelier each row of the source is in the target: the odds of a domain classifier
    that has not seen the row, nor one of its group, times the ratio of the numbers of rows (Bickel
    et al., 2007).

    Odds are clipped to 1/20 and 20, then scaled to mean 1. The effective number of rows is Kish's,
    (sum w)^2 / sum w^2: weights that lie on a few rows learn from as few.
    """
    features = np.concatenate([source, target])
    domain = np.repeat([0, 1], [len(source), len(target)])
    own = np.concatenate(groups) if groups else np.arange(len(features))
    share = np.clip(_held_out(features, domain, own, seed)[: len(source)], 1e-9, 1 - 1e-9)
    odds = share / (1 - share) * len(source) / len(target)
    cut = np.clip(odds, 1 / MOST_WEIGHT, MOST_WEIGHT)
    weights: Floats = cut / cut.mean()
    effective = float(weights.sum() ** 2 / (weights**2).sum())
    return DensityRatio(weights, effective, int((cut != odds).sum()))


def _held_out(features: Features, domain: Ints, groups: Ints, seed: int) -> Floats:
    """Probability of domain 1 for each row (rows,), by a model that has not seen its group; where a
    domain is a single one, its row.
    """
    from sklearn.model_selection import PredefinedSplit, StratifiedKFold, cross_val_predict

    units = [np.unique(groups[domain == one]) for one in (0, 1)]
    few = min(map(len, units))
    if _alone(groups) or few < 2:
        folds = min(_FOLDS, int(np.bincount(domain).min()))
        cut = StratifiedKFold(folds, shuffle=True, random_state=seed)
    else:  # dealt domain by domain, so that none lacks in what is learnt from
        random, part = np.random.default_rng(seed), dict[int, int]()
        for own in units:
            dealt = np.arange(len(own)) % min(_FOLDS, few)
            part |= dict(zip(random.permutation(own).tolist(), dealt.tolist(), strict=True))
        cut = PredefinedSplit([part[group] for group in groups.tolist()])
    with _quietly():
        said = cross_val_predict(_classifier(), features, domain, cv=cut, method="predict_proba")
    probabilities: Floats = np.asarray(said, dtype=np.float64)[:, 1]
    return probabilities


class _DomainClassifier(Protocol):
    """What is asked of scikit-learn's pipeline."""

    def fit(self, features: Features, domain: Ints) -> object: ...

    def predict(self, features: Features) -> Ints: ...


def _classifier() -> _DomainClassifier:
    """Logistic regression on columns of one spread."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model: _DomainClassifier = make_pipeline(
        StandardScaler(), LogisticRegression(C=_C, max_iter=300)
    )
    return model


@contextmanager
def _quietly() -> Iterator[None]:
    """On one thread; an odd fit is judged by its held-out rows like any other."""
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield
