"""What an analyst expects of a model, typed in: the same answer for a changed text, or more or less
of some class.

The invariance and directional tests of CheckList (Ribeiro et al., ACL 2020).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tl_core.errors import ConfigError
from tl_core.evaluate.measures import CheckedPair, Examination
from tl_core.evaluate.scores.intervals import proportion
from tl_core.evaluate.scores.metrics import Floats

SAME = "the same answer"
MORE, LESS = "surer of ", "less sure of "
_SLACK = 0.01  # of a probability that may move against the direction without failing


@dataclass(frozen=True)
class Expectation:
    """A text, the same text changed, and what the change should do: `SAME`, or `MORE` or `LESS`
    with a class.
    """

    text: str
    changed: str
    expected: str

    def check(self, labels: list[str]) -> None:
        """Raises:
        ConfigError: when one of the texts is missing, or the expectation is none of the known ones.
        """
        if not self.text.strip() or not self.changed.strip():
            raise ConfigError(
                "A pair needs two texts.",
                "One of them is empty.",
                "Fill it in, or remove the line.",
            )
        if self.expected not in choices(labels):
            raise ConfigError(
                f"{self.expected!r} is not a known expectation.",
                "",
                f"Choose {SAME!r}, or a direction for one of the classes.",
            )


def choices(labels: list[str]) -> list[str]:
    """Everything that can be expected of a model with these classes."""
    return [SAME, *(f"{MORE}{label}" for label in labels), *(f"{LESS}{label}" for label in labels)]


def examine(
    pairs: list[Expectation], labels: list[str], before: Floats, after: Floats
) -> Examination:
    """Which expectations hold.

    Args:
        pairs: one or more.
        labels: classes in the order of the probabilities.
        before: probabilities (pairs, classes) of the texts.
        after: the same of the changed texts.

    Returns:
        `held` (share with its interval) and `rows`: `held`, `before` and `after` (answers), and
        `moved`, by how much the class that is asked about, or else the first answer, got likelier.
        A direction holds unless its probability moves the other way by more than 0.01, so what is
        sure already need not get surer.
    """
    rows: list[CheckedPair] = []
    for pair, one, other in zip(pairs, before, after, strict=True):
        pair.check(labels)
        first, second = int(one.argmax()), int(other.argmax())
        if pair.expected == SAME:
            judged, held = first, first == second
        else:
            up = pair.expected.startswith(MORE)
            judged = labels.index(pair.expected.removeprefix(MORE if up else LESS))
            held = (other[judged] - one[judged]) * (1 if up else -1) >= -_SLACK
        rows.append(
            {
                "held": bool(held),
                "before": labels[first],
                "after": labels[second],
                "moved": float(other[judged] - one[judged]),
            }
        )
    return {"held": proportion(int(np.sum([row["held"] for row in rows])), len(rows)), "rows": rows}
