"""How healthy a version is, from 0 to 100, and what each of its findings takes off.

A finding may cost at most what `PRICES` says, all of it from a share on that stands beside it, less
in proportion below. What describes data without being a fault costs nothing, so a perfect set has
100.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from tl_core.data.dataset_version import FindingFacts
from tl_core.data.versions.store import VersionInfo


@dataclass(frozen=True)
class Price:
    """What a finding may cost.

    Args:
        most: points that it takes off at most.
        per: what its share is of: rows, classes, ratio (of the commonest to the rarest class), or
            nothing where it costs all or nothing.
        full: the share from which on all of it is taken off, or the ratio.
        why: what it spoils, in a sentence.
    """

    most: float
    per: str
    full: float
    why: str


_SCORE = "The score would be too high."
_LITTLE = "There is little or nothing in such items to learn from."
_READS = "Backbones read such signs as something else than was meant."
_LOST = "They are missing from what is learnt."
_TWICE = "Copies count twice without adding information."

PRICES = {
    "too_small": Price(60, "", 0, "Nothing can be trained or judged on it."),
    "leak": Price(30, "rows", 0.05, _SCORE),
    "unseen_classes": Price(25, "classes", 0.2, "A model can never predict them."),
    "conflicting_labels": Price(20, "rows", 0.1, "No model can learn both classes."),
    "one_class_test": Price(20, "", 0, "The score says little."),
    "near_leak": Price(15, "rows", 0.05, _SCORE),
    "small_classes": Price(15, "classes", 0.5, "Their scores are guesses."),
    "similar_names": Price(12, "classes", 0.1, "One class is learnt as if it were two."),
    "mojibake": Price(12, "rows", 0.1, _READS),
    "replacement": Price(12, "rows", 0.1, "Characters are lost for good."),
    "few_test": Price(10, "", 0, "The score is very uncertain."),
    "one_group": Price(10, "", 0, "Settings cannot be compared."),
    "one_class_validation": Price(10, "", 0, "Settings are chosen by one class alone."),
    "imbalance": Price(10, "ratio", 20, "Rare classes are overlooked."),
    "blank": Price(10, "rows", 0.05, _LITTLE),
    "disagreement": Price(8, "rows", 0.2, "People themselves are not sure of the classes."),
    "tiny": Price(6, "rows", 0.3, "Backbones look at about 224 pixels."),
    "mixed_scripts": Price(6, "rows", 0.2, "A backbone may not read them."),
    "damaged": Price(6, "rows", 0.1, _LOST),
    "duplicates": Price(5, "rows", 0.2, _TWICE),
    "short_texts": Price(5, "rows", 0.1, _LITTLE),
    "private": Price(5, "rows", 0.1, "Personal data may be seen by whoever looks at the items."),
    "near_duplicates": Price(4, "rows", 0.2, _TWICE),
    "dark": Price(4, "rows", 0.1, _LITTLE),
    "glaring": Price(4, "rows", 0.1, _LITTLE),
    "blurred": Price(4, "rows", 0.1, _LITTLE),
    "entities": Price(4, "rows", 0.2, _READS),
    "placeholder_classes": Price(4, "classes", 0.5, "They may stand for rows without a class."),
    "undated": Price(4, "rows", 0.2, "They cannot be put before or after the others."),
    "hidden_signs": Price(3, "rows", 0.2, _READS),
    "long_texts": Price(3, "rows", 0.3, "What stands at their end may not be read."),
    "truncation": Price(3, "rows", 0.5, "What stands at their end is not read by default."),
    "skipped": Price(3, "rows", 0.2, _LOST),
    "odd_ratio": Price(2, "rows", 0.2, "Backbones look at a square of them."),
    "odd_size": Price(2, "rows", 0.1, "Size alone may give the class away."),
    "empty_texts": Price(2, "rows", 0.2, _LOST),
    "unlabelled": Price(2, "rows", 0.5, _LOST),
    "silent": Price(10, "rows", 0.05, _LITTLE),
    "telling_rate": Price(8, "rows", 0.3, "A model may learn the device instead of the sound."),
    "too_short": Price(5, "rows", 0.1, _LITTLE),
    "clipped": Price(4, "rows", 0.2, "What was louder than the microphone takes is lost."),
    "faint": Price(3, "rows", 0.1, _LITTLE),
    "mostly_silent": Price(3, "rows", 0.2, "A model may hear only the silence of them."),
    "odd_length": Price(2, "rows", 0.1, "Length alone may give the class away."),
    "narrow": Price(2, "rows", 0.5, "They lack tones that the others have."),
    # what is said, and is no fault
    "script": Price(0, "", 0, "It decides which backbones can read the texts."),
    "label_everywhere": Price(5, "classes", 0.2, "Nothing can be learnt about such a label."),
    "labels_together": Price(0, "", 0, "It says which labels imply others."),
    "no_labels": Price(0, "", 0, "Such items show what each class is not."),
    "numeric_labels": Price(0, "", 0, "It says how the classes were understood."),
    "validation_as_test": Price(0, "", 0, "It says how the splits were understood."),
    "blank_splits": Price(0, "", 0, "It says how the splits were understood."),
}
_UNKNOWN = {
    "problem": Price(20, "", 0, "It stands in the way of a good model."),
    "warning": Price(5, "", 0, "It can spoil a model or its score."),
    "info": Price(0, "", 0, "It is good to know."),
}
_EVEN = 2.0  # times as many examples that are harmless
_GRADES = (
    (90, "In good order."),
    (75, "Fit to train; a few things are worth mending."),
    (50, "It can be trained on, but what was found will show in the model or its score."),
    (0, "Mend what was found before you train."),
)


@dataclass(frozen=True)
class Costed:
    """A finding with the points that it takes off, and what it spoils."""

    finding: FindingFacts
    cost: float
    why: str


@dataclass(frozen=True)
class Health:
    """The score of a version, what it means, and its findings, the dearest first."""

    score: int
    sentence: str
    findings: list[Costed]


def health_of(info: VersionInfo) -> Health:
    """The health of a version: 100 less what its findings cost, at least 0.

    A hundred is given where nothing costs anything, and never by rounding.
    """
    costed = [
        Costed(finding, _cost(finding, price_of(finding), info), price_of(finding).why)
        for finding in info.findings
    ]
    order = ("problem", "warning", "info")
    costed.sort(key=lambda one: (-one.cost, order.index(one.finding["severity"])))
    total = sum(one.cost for one in costed)
    score = max(0, min(round(100 - total), 99 if total else 100))
    untrainable = any(one.finding["id"] == "too_small" for one in costed)
    grade = next(words for least, words in _GRADES if score >= least)
    return Health(score, "Too few rows to train on." if untrainable else grade, costed)


def price_of(finding: FindingFacts) -> Price:
    """What a finding may cost; one without an entry by how serious it is."""
    return PRICES.get(finding["id"], _UNKNOWN[finding["severity"]])


def _cost(finding: FindingFacts, price: Price, info: VersionInfo) -> float:
    """What a finding takes off, in proportion to what it is about."""
    if not price.per:
        return price.most
    if price.per == "ratio":
        counts = [count for count in info.classes.values() if count]
        ratio = max(counts) / min(counts) if counts else 1.0
        share = math.log(ratio / _EVEN) / math.log(price.full / _EVEN) if ratio > _EVEN else 0.0
        return price.most * min(1.0, share)
    whole = len(info.classes) if price.per == "classes" else info.rows
    return price.most * min(1.0, finding["count"] / max(whole, 1) / price.full)
