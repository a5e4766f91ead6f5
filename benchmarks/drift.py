"""How often the drift watch raises an alarm without drift, and how often with a known one:
`python benchmarks/drift.py DATA`.

DATA holds `trec` (train.csv) and `review_domains` (products.csv, films.csv, restaurants.csv). A
probe on the starter's features learns questions, or reviews of products. Items that it has not
learnt from are the population, drawn from with replacement: so a reference and a window are two
samples of one population, which is what a false alarm is about. A known shift mixes another
population into the windows. Everything is the code that serves: the reference of a bundle, the
tally of a server, the three comparisons at a third of the level each.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypedDict

import numpy as np
from common import machine, write_result
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from tl_core.backbones.load import load_backbone
from tl_core.evaluate.scores.intervals import proportion
from tl_core.settings import read_settings
from tl_core.watch import mean_map, stability
from tl_core.watch.tally import Tally
from tl_core.watch.training_sums import Reference
from tl_core.watch.verdict import CLASSES, CONFIDENCE, FEATURES

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEVELS = (0.01, 0.05)
SIZES = ((200, 200), (1000, 1000))  # rows of the reference, items of a window
REFERENCES, WINDOWS = 60, 20
POWER_REFERENCES, POWER_WINDOWS = 12, 8
SHARES = (0.1, 0.25, 0.5, 1.0)  # of a window that comes from elsewhere
MEASURES = (CLASSES, CONFIDENCE, FEATURES)
BACKBONE = "starter:text"


class Population(NamedTuple):
    """Items as the model sees them: likeliest class, confidence, features."""

    likeliest: Ints
    sure: Floats
    features: Floats

    def drawn(self, count: int, random: np.random.Generator) -> Population:
        """A sample with replacement."""
        rows = random.integers(0, len(self.sure), count)
        return Population(self.likeliest[rows], self.sure[rows], self.features[rows])


class Rates(TypedDict):
    """Alarms of windows: by any measure with its interval, by each, and how far references differ:
    the share of alarms with the reference that raises more than nine in ten others do.
    """

    windows: int
    any: float
    low: float
    high: float
    by_measure: dict[str, float]
    worst_tenth_of_references: float


def read(path: Path) -> tuple[list[str], list[str]]:
    """Texts and labels of a table."""
    with path.open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    return [row["text"] for row in rows], [row["label"] for row in rows]


def thresholds(reference: Reference, items: int, level: float) -> dict[str, float]:
    """What chance stays below, for the three measures; they depend on the reference alone."""
    each = level / 3
    return {
        CLASSES: stability.by_chance(reference.classes, items, each),
        CONFIDENCE: stability.by_chance(reference.confidence, items, each),
        FEATURES: mean_map.by_chance(reference.covariance, reference.rows, items, each),
    }


def values(reference: Reference, window: Population) -> dict[str, float]:
    """The three measures of a window."""
    seen = Tally.of(reference, *window, 0.0)
    return {
        CLASSES: stability.stability_index(reference.classes, seen.classes),
        CONFIDENCE: stability.stability_index(reference.confidence, seen.confidence),
        FEATURES: mean_map.discrepancy(reference.mean, seen.mapped / seen.items),
    }


def rates(
    population: Population,
    names: list[str],
    sizes: tuple[int, int],
    levels: tuple[float, ...],
    draw: Callable[[int, np.random.Generator], Population],
    counts: tuple[int, int],
) -> dict[str, Rates]:
    """Alarms by level, over `counts` references and windows of each."""
    rows, items = sizes
    random = np.random.default_rng(rows + items)
    alarms = np.zeros((len(levels), *counts, len(MEASURES)), dtype=bool)
    for number in range(counts[0]):
        reference = Reference.made(names, "held-out", *population.drawn(rows, random))
        limits = [thresholds(reference, items, level) for level in levels]
        for window in range(counts[1]):
            found = values(reference, draw(items, random))
            for place, limit in enumerate(limits):
                alarms[place, number, window] = [found[one] > limit[one] for one in MEASURES]
    return {f"{level:g}": summed(alarms[place]) for place, level in enumerate(levels)}


def summed(alarms: NDArray[np.bool_]) -> Rates:
    """Alarms (references, windows, measures) as rates."""
    either = alarms.any(axis=2)
    score = proportion(int(either.sum()), either.size)
    return {
        "windows": either.size,
        "any": round(score["value"], 4),
        "low": round(score["low"], 4),
        "high": round(score["high"], 4),
        "by_measure": {
            name: round(float(alarms[..., place].mean()), 4) for place, name in enumerate(MEASURES)
        },
        "worst_tenth_of_references": round(float(np.quantile(either.mean(axis=1), 0.9)), 4),
    }


def mixed(
    one: Population, other: Population, share: float
) -> Callable[[int, np.random.Generator], Population]:
    """Windows of which a share comes from another population."""

    def draw(count: int, random: np.random.Generator) -> Population:
        foreign = int(random.binomial(count, share))
        parts = (one.drawn(count - foreign, random), other.drawn(foreign, random))
        return Population(*(np.concatenate(pair) for pair in zip(*parts, strict=True)))

    return draw


class Model:
    """A probe on the starter's features that has learnt the texts of one table."""

    def __init__(self, texts: list[str], labels: list[str], learnt: int) -> None:
        self.names = sorted({*labels})
        self._backbone = load_backbone(BACKBONE, self.names, read_settings())
        order = np.random.default_rng(0).permutation(len(texts))
        features = self.features([texts[place] for place in order])
        truth = np.array([self.names.index(labels[place]) for place in order])
        self._probe = LogisticRegression(C=1.0, max_iter=500)
        self._probe.fit(features[:learnt], truth[:learnt])
        self.held_out, self.truth = self.seen(features[learnt:]), truth[learnt:]
        self.accuracy = float((self.held_out.likeliest == self.truth).mean())

    def features(self, texts: list[str]) -> Floats:
        """What the probe reads (items, width)."""
        found = np.zeros((len(texts), self._backbone.port.width))
        with self._backbone.extracting() as extract:
            for places in self._backbone.batches(texts, 64):
                found[places] = extract(self._backbone.encode([texts[one] for one in places]))
        return found

    def seen(self, features: Floats) -> Population:
        """Items as the model sees them."""
        scores = self._probe.predict_proba(features)
        return Population(scores.argmax(axis=1), scores.max(axis=1), features)


def study(model: Model, shifts: dict[str, Population]) -> dict[str, object]:
    """False alarms for all sizes, and power at the first level for a bundle's usual reference."""
    own = model.held_out
    return {
        "held_out_items": len(own.sure),
        "accuracy": round(model.accuracy, 4),
        "false_alarms": {
            f"{rows} and {items}": rates(
                own, model.names, (rows, items), LEVELS, own.drawn, (REFERENCES, WINDOWS)
            )
            for rows, items in SIZES
        },
        "power": {
            name: {
                f"{items}": {
                    f"{share:g}": rates(
                        own,
                        model.names,
                        (SIZES[-1][0], items),
                        LEVELS[:1],
                        mixed(own, other, share),
                        (POWER_REFERENCES, POWER_WINDOWS),
                    )[f"{LEVELS[0]:g}"]
                    for share in SHARES
                }
                for items in (SIZES[0][1], SIZES[-1][1])
            }
            for name, other in shifts.items()
        },
    }


def main(data: Path) -> None:
    """Measure both data sets and keep the figures."""
    questions = Model(*read(data / "trec" / "train.csv"), learnt=1500)
    one_class = questions.truth == int(np.bincount(questions.truth).argmax())
    trec = study(
        questions,
        {
            "only the commonest class": Population(
                *(column[one_class] for column in questions.held_out)
            )
        },
    )
    reviews = Model(*read(data / "review_domains" / "products.csv"), learnt=500)
    others = {
        name: reviews.seen(reviews.features(read(data / "review_domains" / f"{name}.csv")[0]))
        for name in ("films", "restaurants")
    }
    write_result(
        "drift",
        {
            "machine": machine(),
            "levels": list(LEVELS),
            "questions": trec,
            "reviews of products": study(reviews, others),
        },
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
