"""Why did it say so? Relevance maps over a picture, relevance of the words of a text, and checks of
their meaning.

Grad-CAM (Selvaraju et al., ICCV 2017), for transformers on the grid of their tokens; occlusion
(Zeiler and Fergus, ECCV 2014) and leave-one-word-out, which need nothing but answers; integrated
gradients (Sundararajan et al., ICML 2017) with their completeness error. Each is checked by
deletion and insertion (Petsiuk et al., BMVC 2018) against a random order.
"""

from __future__ import annotations

from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from tl_core.backbones.classifier import Classifier
from tl_core.predict.explanations.relevance import Floats
from tl_core.predict.one_item import ModelInput
from tl_core.predict.predicted_items import predicted_items_of

_STEPS = 10  # of deletion and insertion


class Faithfulness(TypedDict):
    """Mean probability while the most relevant parts go, while they come, and for a random order;
    low, high and between the two are good.
    """

    deletion: float
    insertion: float
    random_deletion: float


class Method(Faithfulness):
    """One method's `map`: GRID x GRID for pictures, one number for each word of a text, positive
    for what speaks for the label; `completeness` is the part of the answer that integrated
    gradients do not account for.
    """

    name: str
    map: list[Any]  # numbers, nested for pictures
    completeness: float | None


class Explanation(TypedDict):
    """Every method's map for one label; `words` of a text; `sanity`, the correlation of the
    gradient map with that of the same network with random weights, which should be near 0.
    """

    label: str
    words: list[str]
    methods: list[Method]
    sanity: float


def explain(classifier: Classifier, item: ModelInput, label: str) -> Explanation:
    """Every explanation of `label` for one text or RGB picture."""
    place, kind = classifier.labels.index(label), predicted_items_of(classifier.modality)
    maps, noise = kind.relevance(classifier, item, place)
    methods: list[Method] = [
        {
            "name": name,
            "map": values.tolist(),
            "completeness": gap,
            **faithfulness(classifier, item, place, values),
        }
        for name, values, gap in maps
    ]
    sanity = _correlation(maps[-1][1], noise)
    return {"label": label, "words": kind.parts(item), "methods": methods, "sanity": sanity}


def faithfulness(
    classifier: Classifier,
    item: ModelInput,
    place: int,
    relevance: Floats,
) -> Faithfulness:
    """Mean probability while the most relevant parts are taken away, while they are put in, and for
    a random order.
    """
    without = predicted_items_of(classifier.modality).without
    order = np.argsort(-relevance.ravel(), kind="stable")
    random = np.random.default_rng(0).permutation(relevance.size)
    counts = np.unique(np.linspace(0, relevance.size, _STEPS + 1).round().astype(int))

    def mean(gone: list[NDArray[np.int64]]) -> float:
        return float(
            classifier.probabilities([without(item, parts) for parts in gone])[:, place].mean()
        )

    return {
        "deletion": mean([order[:count] for count in counts]),
        "insertion": mean([order[count:] for count in counts]),
        "random_deletion": mean([random[:count] for count in counts]),
    }


def _correlation(first: Floats, second: Floats) -> float:
    """Pearson's correlation; 0 where one is constant."""
    if first.std() == 0 or second.std() == 0:
        return 0.0
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])
