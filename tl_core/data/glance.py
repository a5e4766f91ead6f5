"""A dataset version at a glance: a few rows of different classes, and words that are typical of
its classes.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from itertools import zip_longest

import numpy as np

from tl_core.data.versions.store import DatasetVersion

_SAMPLE = 500  # rows that the words are looked for in
_SIGNS = 2000  # of each text: what a text is about stands at its beginning
_LEAST_TEXTS = 2  # a word of one text alone says nothing about its class
_WORD = re.compile(r"[^\W\d_]{3,}|[\u3040-\u30ff\u3400-\u9fff]{2,}")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")


def rows_of_classes(version: DatasetVersion, most: int) -> list[int]:
    """The first training row of each of the largest classes, at most `most` rows; any rows where
    there are fewer classes.
    """
    rows = version.rows_of("train")
    labels = version.labels[rows]
    known, first, counts = np.unique(labels, return_index=True, return_counts=True)
    order = [place for place in np.argsort(-counts, kind="stable") if known[place] >= 0]
    chosen = [int(rows[first[place]]) for place in order[:most]]
    others = (int(row) for row in rows[: 2 * most] if int(row) not in chosen)
    return [*chosen, *(row for row, _ in zip(others, range(most - len(chosen)), strict=False))]


def typical_words(version: DatasetVersion, most: int) -> list[str]:
    """Words that mark one class from the others in a sample of the training texts: the most
    typical of each class in turn.
    """
    rows = version.rows_of("train")
    rows = rows[np.unique(np.linspace(0, len(rows) - 1, min(_SAMPLE, len(rows))).astype(np.int64))]
    texts = [text[:_SIGNS] for text in version.texts(rows)]
    by_class = _ranked(texts, [int(label) for label in version.labels[rows]])
    found = [word for line in zip_longest(*by_class) for word in line if word is not None]
    return found[:most]


def _ranked(texts: Sequence[str], labels: Sequence[int]) -> list[list[str]]:
    """The typical words of each class, the most typical first; classes with the clearest words
    first.
    """
    sizes: Counter[int] = Counter(labels)
    everywhere: Counter[str] = Counter()
    within: Counter[tuple[str, int]] = Counter()
    for text, label in zip(texts, labels, strict=True):
        words = _words(text)
        everywhere.update(words)
        within.update((word, label) for word in words)
    best: dict[str, tuple[float, int]] = {}
    for (word, label), count in within.items():
        if count >= _LEAST_TEXTS:
            elsewhere = everywhere[word] - count
            score = _weight(count, sizes[label], elsewhere, len(texts) - sizes[label])
            if score > best.get(word, (0.0, -1))[0]:
                best[word] = (score, label)
    classes: dict[int, list[str]] = {}
    for word, (_, label) in sorted(best.items(), key=lambda one: (-one[1][0], one[0])):
        classes.setdefault(label, []).append(word)
    return list(classes.values())


def _weight(count: int, size: int, elsewhere: int, others: int) -> float:
    """How much more often a word stands in a class than outside it, weighed by how often it was
    seen.
    """
    inside = (count + 0.5) / (size + 1)
    outside = (elsewhere + 0.5) / (others + 1)
    return math.sqrt(count) * math.log(inside / outside)


def _words(text: str) -> set[str]:
    """The different words of a text in small letters; pairs of signs where a script has no
    spaces.
    """
    found: set[str] = set()
    for word in _WORD.findall(text.lower()):
        if _UNSPACED.match(word):
            found.update(word[place : place + 2] for place in range(len(word) - 1))
        else:
            found.add(word)
    return found
