"""What a run said of items that may have several labels, read again from its list of answers."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tl_core.errors import StateError
from tl_core.evaluate.scores.metrics import Floats, Ints

_SIGN = "p:"


@dataclass(frozen=True)
class Answered:
    """Classes, and of each item which it has (items, classes) and how likely each was said to be
    (items, classes).
    """

    classes: list[str]
    truth: Ints
    said: Floats


def answered(path: Path) -> Answered:
    """The answers in `predictions.csv` or `validation.csv` of a run.

    Raises:
        StateError: for a run whose items have one class each.
    """
    with path.open(newline="", encoding="utf-8") as handle:
        reader = csv.reader(handle)
        head = next(reader)
        if "labels" not in head:
            raise StateError(
                "Thresholds of labels are for items that may have several.",
                "The items of this run have one class each.",
                "Choose a threshold of confidence instead.",
            )
        columns = [place for place, name in enumerate(head) if name.startswith(_SIGN)]
        classes = [head[place].removeprefix(_SIGN) for place in columns]
        true, places = head.index("true"), {name: place for place, name in enumerate(classes)}
        said, truth = [], []
        for line in reader:
            said.append([float(line[place]) for place in columns])
            row = np.zeros(len(classes), dtype=np.int64)
            row[[places[name] for name in json.loads(line[true])]] = 1
            truth.append(row)
    return Answered(
        classes,
        np.array(truth, dtype=np.int64).reshape(-1, len(classes)),
        np.array(said).reshape(-1, len(classes)),
    )
