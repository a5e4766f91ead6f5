"""Which rows are worth a label next.

Features are those of a frozen backbone (rows, width), probabilities those of a probe on the labels
so far (rows, classes), and `decision` what its answers are: one class an item, or any number of
them. Each function gives places among the rows that it was shown, the most wanted first. None of
them is a fair sample: see `draw`.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tl_core.tasks import SINGLE_LABEL, Decision, decision_of

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Features = NDArray[np.float32]
Bools = NDArray[np.bool_]

NEIGHBOURS = 20  # whose mean distance says how typical a row is
_CLUSTERS = 500  # at most
_FEWEST = 5  # rows of a cluster that is worth a label
_EXACT = 2_000_000  # clusters times rows up to which every row has its say in each step
_MEMBERS = 2000  # of a cluster that are compared with each other
ONE = decision_of(SINGLE_LABEL.name)


def margin(probabilities: Floats, count: int, decision: Decision = ONE) -> Ints:
    """Rows whose two likeliest classes are closest (Scheffer et al., 2001; breaking ties); where an
    item may have several, those with the class that is closest to its threshold (Brinker, 2006;
    BinMin).
    """
    return _first(decision.margin(probabilities), count)


def entropy(probabilities: Floats, count: int, decision: Decision = ONE) -> Ints:
    """Rows whose answer is most open, over all classes."""
    return _first(-decision.entropy(probabilities), count)


def wanted(probabilities: Floats, place: int, count: int) -> Ints:
    """Rows that are most probably of one class, to find more of a rare one."""
    return _first(-probabilities[:, place], count)


def diversity(
    features: Features, probabilities: Floats, count: int, seed: int, decision: Decision = ONE
) -> Ints:
    """Rows that would move the classifier much, each in another direction (BADGE, Ash et al., ICLR
    2020): k-means++ on the gradients of the last layer, were its answers right.

    Such a gradient is the outer product of (probabilities - said) and the features, so distances
    come from the products of both and it is never written down.
    """
    slopes, said = probabilities.copy(), decision.labels(probabilities)
    if said.ndim == 1:
        slopes[np.arange(len(slopes)), said] -= 1.0
    else:
        slopes -= said
    lengths = (slopes**2).sum(axis=1) * (features.astype(np.float64) ** 2).sum(axis=1)
    random = np.random.default_rng(seed)
    picked = [int(lengths.argmax())] if len(lengths) and count else []
    nearest = np.full(len(lengths), np.inf)
    while 0 < len(picked) < min(count, len(lengths)):
        last = picked[-1]
        shared = (slopes @ slopes[last]) * (features @ features[last])
        nearest = np.minimum(nearest, np.maximum(lengths + lengths[last] - 2 * shared, 0.0))
        nearest[picked] = 0.0
        total = nearest.sum()
        free = np.setdiff1d(np.arange(len(lengths)), picked)
        picked.append(
            int(random.choice(len(nearest), p=nearest / total)) if total > 0 else int(free[0])
        )
    return np.array(picked, dtype=np.int64)


def typical(features: Features, labelled: Bools, count: int, seed: int) -> Ints:
    """The most typical rows of clusters without a label (TypiClust, Hacohen et al., ICML 2022),
    which needs no classifier: as many clusters as there will be labels; of the one with the fewest
    labels, and among these the largest, the row with the smallest mean distance to its 20 nearest
    neighbours; then the next cluster.

    Args:
        features: of all rows, labelled ones too.
        labelled: which of them have a class and are not given (rows,).
        count: rows that are wanted.
        seed: of the clusters.
    """
    points = unit(features)
    free = np.flatnonzero(~labelled)
    count = min(count, len(free))
    if not count:
        return free[:0]
    amount = min(int(labelled.sum()) + count, _CLUSTERS, len(points))
    numbers, _ = clusters(points, amount, seed)
    sizes = np.bincount(numbers, minlength=amount)
    covered = np.bincount(numbers[labelled], minlength=amount).astype(np.int64)
    random = np.random.default_rng(seed)
    ranked = dict[int, list[int]]()
    picked: list[int] = []
    waiting = np.bincount(numbers[free], minlength=amount)
    while len(picked) < count:
        open_ones = np.flatnonzero(waiting > 0)
        small = sizes[open_ones] < _FEWEST
        # a handful of odd rows is worth a label only when nothing else is left
        number = int(open_ones[np.lexsort((-sizes[open_ones], covered[open_ones], small))[0]])
        if number not in ranked:
            members = np.flatnonzero(numbers == number)
            ranked[number] = _ranked(points, members, labelled, random)
        picked.append(ranked[number].pop(0))
        covered[number] += 1
        waiting[number] -= 1
    return np.array(picked, dtype=np.int64)


def _ranked(
    points: Features, members: Ints, labelled: Bools, random: np.random.Generator
) -> list[int]:
    """The free rows of a cluster, the most typical first; of a large one some are compared and
    the others follow as they come.
    """
    some = members
    if len(members) > _MEMBERS:
        some = np.sort(random.choice(members, _MEMBERS, replace=False))
    order = some[np.argsort(-typicality(points[some]), kind="stable")]
    rest = np.setdiff1d(members, some)
    return [row for row in [*order.tolist(), *rest.tolist()] if not labelled[row]]


def typicality(points: Features) -> Floats:
    """Inverse of the mean distance to the 20 nearest other points, half of them where there are
    few (rows,).
    """
    from sklearn.neighbors import NearestNeighbors

    near = min(NEIGHBOURS, max(1, len(points) // 2))
    if len(points) < 2:
        return np.ones(len(points))
    # the first one found is the point itself
    distances, _ = NearestNeighbors(n_neighbors=near + 1).fit(points).kneighbors(points)
    typical: Floats = 1.0 / (distances[:, 1:].mean(axis=1) + 1e-9)
    return typical


def clusters(points: Features, amount: int, seed: int) -> tuple[Ints, Floats]:
    """The number of each row's cluster by k-means (rows,), and its distance to the centre."""
    from sklearn.cluster import KMeans, MiniBatchKMeans

    small = amount * len(points) <= _EXACT
    kind: Any = KMeans if small else MiniBatchKMeans
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # fewer clusters than asked for, where rows are copies
        model = kind(n_clusters=amount, n_init=1, random_state=seed).fit(points)
    distances = np.linalg.norm(points - model.cluster_centers_[model.labels_], axis=1)
    return model.labels_.astype(np.int64), distances.astype(np.float64)


def unit(features: Features) -> Features:
    """Features around their mean, each row of length 1: what all rows share says nothing of how
    far they are apart.
    """
    centred = features - features.mean(axis=0, dtype=np.float64).astype(np.float32)
    lengths = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.asarray(centred / np.maximum(lengths, 1e-12), np.float32)


def _first(values: Floats, count: int) -> Ints:
    return np.argsort(values, kind="stable")[:count].astype(np.int64)
