"""Which runs are the same but for their seed, and their spread against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from tl_core.config import RunConfig
from tl_core.evaluate.seed_spread import siblings, spread


def config(seed=0, dataset="d@1", backbone="starter:text", **options):
    return RunConfig("train", "local", dataset, "", backbone, "probe", {"seed": seed, **options})


def test_only_the_seed_may_differ():
    runs = {
        "a": config(0),
        "b": config(1),
        "c": config(2, folds=5),
        "d": config(1, dataset="d@2"),
        "e": config(0, folds=4),
        "f": config(1),
        "g": config(3, backbone="starter:image-small"),
    }
    assert siblings(runs) == [["a", "b", "c"]]  # folds=5 is the default; f repeats b


def test_the_spread_is_that_of_numpy():
    values = [0.91, 0.88, 0.93, 0.9]
    luck = spread(values)
    assert (luck.mean, luck.deviation) == (
        pytest.approx(np.mean(values)),
        pytest.approx(np.std(values, ddof=1)),
    )
    assert (
        luck.sentence()
        == "4 seeds: right 90.5 times in 100 on average, 88.0 to 93.0 (standard deviation 2.1)."
    )
