"""Which words of a text speak for an answer: integrated gradients, and leaving one word out, which
needs nothing but answers.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tl_core.backbones.classifier import Classifier
from tl_core.predict.explanations.integrated_gradients import integrated_gradients
from tl_core.predict.explanations.relevance import Floats, Maps, log_odds, randomised


def word_maps(classifier: Classifier, text: str, place: int) -> Maps:
    """Maps (words,) of a text for class number `place`."""
    values, gap = integrated_gradients(classifier.model, classifier, text, place)
    noise, _ = integrated_gradients(randomised(classifier.model), classifier, text, place)
    return [
        ("leave one word out", leave_one_out(classifier, text, place), None),
        ("integrated gradients", values, gap),
    ], noise


def leave_one_out(classifier: Classifier, text: str, place: int) -> Floats:
    """How much the log odds fall without each word (words,)."""
    words = text.split()
    if len(words) == 1:
        return np.ones(1)
    without = [" ".join(words[:i] + words[i + 1 :]) for i in range(len(words))]
    return log_odds(classifier, [text], place) - log_odds(classifier, without, place)


def without_words(text: str, parts: NDArray[np.int64]) -> str:
    """A text without some of its words."""
    gone = set(parts.tolist())
    return " ".join(word for place, word in enumerate(text.split()) if place not in gone) or "."
