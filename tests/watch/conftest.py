"""Made populations: what a model said of held-out rows, and of served ones."""

from __future__ import annotations

import numpy as np
import pytest

from tl_core.watch.tally import Tally
from tl_core.watch.training_sums import Reference

LABELS = ["a", "b", "c"]


class World:
    """Items of three classes in five dimensions; `shift` moves all of them."""

    def __init__(self, seed=0):
        self.random = np.random.default_rng(seed)

    def items(self, count, shares=(0.5, 0.3, 0.2), shift=0.0, sure=(8, 2)):
        said = self.random.choice(3, count, p=shares)
        features = self.random.normal(size=(count, 5)) + shift
        return said, self.random.beta(*sure, count), features

    def reference(self, count=600):
        return Reference.made(LABELS, "validation and test", *self.items(count))


@pytest.fixture
def world():
    return World()


@pytest.fixture
def tally():
    def made(reference, items, least=0.5):
        return Tally.of(reference, *items, least)

    return made
