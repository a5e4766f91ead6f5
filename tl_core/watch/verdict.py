"""Whether served items are like those of the training: three comparisons, each with what chance
alone would show.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

from tl_core.watch import mean_map, stability
from tl_core.watch.tally import Tally
from tl_core.watch.training_sums import Reference

LEVEL = 0.01
"""How often a window of items like those of the training raises an alarm."""
FEWEST = 50
"""Items below which nothing is said."""
CLASSES, CONFIDENCE, FEATURES = "predicted classes", "confidence", "features"


class ComparisonFacts(TypedDict):
    """A comparison as JSON."""

    what: str
    measure: str
    value: float
    threshold: float
    beyond: bool


class WindowFacts(TypedDict):
    """A verdict as JSON."""

    items: int
    unsure: int
    drifted: bool
    comparisons: list[ComparisonFacts]
    sentence: str


class PastWindow(WindowFacts):
    """The verdict of a window that is full: when it was (seconds of the epoch), and how often each
    class was the likeliest.
    """

    ended: float
    classes: list[int]


@dataclass(frozen=True)
class Comparison:
    """One of the three: what it compares, its value, and the value that chance exceeds rarely."""

    what: str
    measure: str
    value: float
    threshold: float

    @property
    def beyond(self) -> bool:
        """Whether it is more than chance."""
        return self.value > self.threshold


@dataclass(frozen=True)
class Verdict:
    """What the comparisons of one window say.

    Args:
        items: of the window.
        unsure: how many of them the model left to a person.
        comparisons: the three; none where there are too few items.
    """

    items: int
    unsure: int
    comparisons: tuple[Comparison, ...]

    @property
    def drifted(self) -> bool:
        """Whether any of the comparisons is more than chance."""
        return any(one.beyond for one in self.comparisons)

    @property
    def sentence(self) -> str:
        """The plain reading."""
        if not self.comparisons:
            return (
                f"{self.items:,} items are too few to say anything; {FEWEST} are the least that"
                " are compared."
            )
        beyond = [one for one in self.comparisons if one.beyond]
        if not beyond:
            return (
                f"The {self.items:,} items look like those of the training: nothing differs by"
                " more than chance."
            )
        named = " and ".join(
            f"{one.what} ({one.measure} {one.value:.3g}, chance stays below {one.threshold:.3g})"
            for one in beyond
        )
        return (
            f"The {self.items:,} items differ from those of the training by more than chance:"
            f" {named}."
        )

    def as_dict(self) -> WindowFacts:
        """As JSON, with the reading."""
        return {
            "items": self.items,
            "unsure": self.unsure,
            "drifted": self.drifted,
            "comparisons": [
                {
                    "what": one.what,
                    "measure": one.measure,
                    "value": one.value,
                    "threshold": one.threshold,
                    "beyond": one.beyond,
                }
                for one in self.comparisons
            ],
            "sentence": self.sentence,
        }


def verdict(reference: Reference, seen: Tally, level: float = LEVEL) -> Verdict:
    """What was seen, compared with the reference.

    Args:
        reference: what the bundle says of its training data.
        seen: the window.
        level: how often a window without any drift raises an alarm; each of the three comparisons
            gets a third of it.
    """
    if seen.items < FEWEST:
        return Verdict(seen.items, seen.unsure, ())
    each = level / 3
    return Verdict(
        seen.items,
        seen.unsure,
        (
            Comparison(
                CLASSES,
                "PSI",
                stability.stability_index(reference.classes, seen.classes),
                stability.by_chance(reference.classes, seen.items, each),
            ),
            Comparison(
                CONFIDENCE,
                "PSI",
                stability.stability_index(reference.confidence, seen.confidence),
                stability.by_chance(reference.confidence, seen.items, each),
            ),
            Comparison(
                FEATURES,
                "MMD²",
                mean_map.discrepancy(reference.mean, seen.mapped / seen.items),
                mean_map.by_chance(reference.covariance, reference.rows, seen.items, each),
            ),
        ),
    )
