"""Why did it say so? Relevance maps over a picture, relevance of the words of a text, and checks of
their meaning.

Grad-CAM (Selvaraju et al., ICCV 2017), for transformers on the grid of their tokens; occlusion
(Zeiler and Fergus, ECCV 2014) and leave-one-word-out, which need nothing but answers; integrated
gradients (Sundararajan et al., ICML 2017) with their completeness error. Each is checked by
deletion and insertion (Petsiuk et al., BMVC 2018) against a random order.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, TypedDict

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageFilter
from scipy.special import logit
from torch import nn

from tl_core.backbones.classifier import Classifier
from tl_core.predict.explanations.grad_cam import GRID, grad_cam
from tl_core.predict.explanations.integrated_gradients import integrated_gradients
from tl_core.predict.items import ModelInput

_WINDOW = 2  # cells that are covered at once
_STEPS = 10  # of deletion and insertion
Floats = NDArray[np.float64]
Maps = tuple[list[tuple[str, Floats, float | None]], Floats]
"""Maps by the names of their methods, each with its completeness error, and the last method's map
of a network with random weights.
"""


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
    place = classifier.labels.index(label)
    if isinstance(item, str):
        words, (maps, noise) = item.split(), _word_maps(classifier, item, place)
    else:
        words, (maps, noise) = [], _picture_maps(classifier, item, place)
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
    return {"label": label, "words": words, "methods": methods, "sanity": sanity}


def _picture_maps(classifier: Classifier, picture: Image.Image, place: int) -> Maps:
    noise = grad_cam(randomised(classifier.model), classifier, picture, place)
    cam = grad_cam(classifier.model, classifier, picture, place)
    return [
        ("occlusion", occlusion(classifier, picture, place), None),
        ("Grad-CAM", cam, None),
    ], noise


def _word_maps(classifier: Classifier, text: str, place: int) -> Maps:
    values, gap = integrated_gradients(classifier.model, classifier, text, place)
    noise, _ = integrated_gradients(randomised(classifier.model), classifier, text, place)
    return [
        ("leave one word out", leave_one_out(classifier, text, place), None),
        ("integrated gradients", values, gap),
    ], noise


def occlusion(classifier: Classifier, picture: Image.Image, place: int) -> Floats:
    """How much the log odds fall when each part of the picture is covered with its mean colour."""
    values = np.asarray(picture)
    mean, edges = values.mean(axis=(0, 1)).astype(np.uint8), _edges(values.shape)
    corners = [(i, j) for i in range(GRID - _WINDOW + 1) for j in range(GRID - _WINDOW + 1)]
    covered = []
    for i, j in corners:
        changed = values.copy()
        changed[edges[0][i] : edges[0][i + _WINDOW], edges[1][j] : edges[1][j + _WINDOW]] = mean
        covered.append(Image.fromarray(changed))
    drops = _log_odds(classifier, [picture], place) - _log_odds(classifier, covered, place)
    total, count = np.zeros((GRID, GRID)), np.zeros((GRID, GRID))
    for (i, j), drop in zip(corners, drops, strict=True):
        total[i : i + _WINDOW, j : j + _WINDOW] += drop
        count[i : i + _WINDOW, j : j + _WINDOW] += 1
    mean_drop: Floats = total / count
    return mean_drop


def leave_one_out(classifier: Classifier, text: str, place: int) -> Floats:
    """How much the log odds fall without each word (words,)."""
    words = text.split()
    if len(words) == 1:
        return np.ones(1)
    without = [" ".join(words[:i] + words[i + 1 :]) for i in range(len(words))]
    return _log_odds(classifier, [text], place) - _log_odds(classifier, without, place)


def _log_odds(classifier: Classifier, items: Sequence[ModelInput], place: int) -> Floats:
    """ln(p / (1 - p)) of one class (items,): the weight of evidence (Robnik-Sikonja and Kononenko,
    IEEE TKDE 2008), which still moves where a probability near 1 does not.
    """
    odds: Floats = logit(np.clip(classifier.probabilities(list(items))[:, place], 1e-12, 1 - 1e-12))
    return odds


def randomised(model: nn.Module) -> nn.Module:
    """The same network with random weights: its maps show what a method draws by itself (Adebayo,
    NeurIPS 2018).
    """
    other = copy.deepcopy(model)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in other.parameters():
            if parameter.ndim > 1:
                spread = float(parameter.std()) or 0.02
                parameter.copy_(
                    torch.randn(parameter.shape, generator=generator).to(parameter.device) * spread
                )
    return other.eval()


def faithfulness(
    classifier: Classifier,
    item: ModelInput,
    place: int,
    relevance: Floats,
) -> Faithfulness:
    """Mean probability while the most relevant parts are taken away, while they are put in, and for
    a random order.
    """
    order = np.argsort(-relevance.ravel(), kind="stable")
    random = np.random.default_rng(0).permutation(relevance.size)
    counts = np.unique(np.linspace(0, relevance.size, _STEPS + 1).round().astype(int))

    def mean(gone: list[NDArray[np.int64]]) -> float:
        return float(
            classifier.probabilities([_without(item, parts) for parts in gone])[:, place].mean()
        )

    return {
        "deletion": mean([order[:count] for count in counts]),
        "insertion": mean([order[count:] for count in counts]),
        "random_deletion": mean([random[:count] for count in counts]),
    }


def _without(item: ModelInput, parts: NDArray[np.int64]) -> ModelInput:
    """A picture with some cells blurred beyond recognition, or a text without some words."""
    if isinstance(item, str):
        words = item.split()
        gone = set(parts.tolist())
        return " ".join(word for place, word in enumerate(words) if place not in gone) or "."
    blurred = np.asarray(item.filter(ImageFilter.GaussianBlur(max(item.size) / 8)))
    values, edges = np.array(item), _edges(np.asarray(item).shape)
    for part in parts:
        i, j = divmod(int(part), GRID)
        spot = (slice(edges[0][i], edges[0][i + 1]), slice(edges[1][j], edges[1][j + 1]))
        values[spot] = blurred[spot]
    return Image.fromarray(values)


def _edges(shape: tuple[int, ...]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Borders of the cells in pixels, down and across."""
    down, across = (np.linspace(0, side, GRID + 1).round().astype(np.int64) for side in shape[:2])
    return down, across


def _correlation(first: Floats, second: Floats) -> float:
    """Pearson's correlation; 0 where one is constant."""
    if first.std() == 0 or second.std() == 0:
        return 0.0
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])
