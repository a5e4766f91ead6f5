"""Orders of the items to look at, against plain loops."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pages.sections.evaluate.mistakes import ordered

CLASSES = ["a", "b c", "p:x"]


def table(seed):
    random = np.random.default_rng(seed)
    chances = random.dirichlet(np.ones(3), 40)
    best = chances.argmax(axis=1)
    return pd.DataFrame(
        {
            "index": range(40),
            "true": [CLASSES[i] for i in random.integers(0, 3, 40)],
            "label": [CLASSES[i] for i in best],
            "confidence": chances.max(axis=1),
            **{f"p:{name}": chances[:, i] for i, name in enumerate(CLASSES)},
        }
    )


def test_each_order_is_that_of_a_plain_loop():
    one, other = table(0), table(1)
    lines = one.to_dict("records")
    wrong = [line for line in lines if line["true"] != line["label"]]
    assert list(ordered(one, "confident")["index"]) == [
        line["index"] for line in sorted(wrong, key=lambda line: -line["confidence"])
    ]
    assert list(ordered(one, "unsure")["index"]) == [
        line["index"] for line in sorted(lines, key=lambda line: line["confidence"])
    ]
    assert list(ordered(one, "loss")["index"]) == [
        line["index"] for line in sorted(lines, key=lambda line: line[f"p:{line['true']}"])
    ]
    differ = [
        line for line, theirs in zip(lines, other["label"], strict=True) if line["label"] != theirs
    ]
    assert list(ordered(one, "other", other)["index"]) == [
        line["index"] for line in sorted(differ, key=lambda line: -line["confidence"])
    ]
