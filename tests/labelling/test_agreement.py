"""Agreement of people: kappas against scikit-learn, a plain loop and the published example."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from tl_core.labelling.agreement import agreements, cohen_kappa, fleiss_kappa

# Fleiss (1971) as it stands in textbooks: 14 people, 10 items, 5 classes, kappa 0.210
FLEISS = """0 0 0 0 14
0 2 6 4 2
0 0 3 5 6
0 3 9 2 0
2 2 8 1 1
7 7 0 0 0
3 2 6 3 0
2 5 3 2 2
6 5 2 1 0
0 2 2 3 7"""


@pytest.mark.parametrize("seed", range(6))
def test_cohens_kappa_is_that_of_scikit_learn(seed):
    random = np.random.default_rng(seed)
    names = np.array(["cat", "dog", "", "eel"])
    first = random.choice(names, 50, p=[0.6, 0.2, 0.1, 0.1])
    second = np.where(random.random(50) < 0.6, first, random.choice(names, 50))
    assert cohen_kappa(first.tolist(), second.tolist()) == pytest.approx(
        cohen_kappa_score(first, second), abs=1e-12
    )


def test_kappa_at_its_ends():
    assert cohen_kappa(["a", "b"], ["a", "b"]) == 1.0
    assert cohen_kappa(["a", "b"], ["b", "a"]) == -1.0
    assert cohen_kappa(["a", "a"], ["a", "b"]) == 0.0
    # undefined: chance explains everything
    assert cohen_kappa(["a", "a"], ["a", "a"]) is None and cohen_kappa([], []) is None


def test_fleiss_kappa_is_that_of_the_paper_and_of_a_plain_loop():
    counts = np.array([[int(cell) for cell in line.split()] for line in FLEISS.splitlines()])
    assert fleiss_kappa(counts) == pytest.approx(0.210, abs=5e-4)
    alike = pairs = 0
    for row in counts:
        people = np.repeat(np.arange(5), row)
        for one in range(14):
            for other in range(14):
                if one != other:
                    pairs += 1
                    alike += people[one] == people[other]
    shares = counts.sum(0) / counts.sum()
    chance = sum(share**2 for share in shares)
    assert fleiss_kappa(counts) == pytest.approx((alike / pairs - chance) / (1 - chance))
    assert fleiss_kappa(np.array([[3, 0], [3, 0]])) is None


def test_people_are_compared_on_the_items_that_they_share():
    answers = {
        "ann": {1: "a", 2: "b", 3: "a", 9: "a"},
        "bob": {1: "a", 2: "b", 3: "b"},
        "eve": {3: "b", 9: "a"},
        "new": {},
    }
    found = agreements(answers)
    assert [(one.first, one.second, one.items, one.agreed) for one in found.pairs] == [
        ("ann", "bob", 3, 2),
        ("ann", "eve", 2, 1),
        ("bob", "eve", 1, 1),
    ]
    first = cohen_kappa_score(["a", "b", "a"], ["a", "b", "b"])
    second = cohen_kappa_score(["a", "a"], ["b", "a"])
    assert found.pairs[2].kappa is None  # one item
    assert found.mean == pytest.approx((3 * first + 2 * second) / 5)
    # three items have two answers, row 3 has three: the kappa is that of the former
    assert found.fleiss == pytest.approx(fleiss_kappa(np.array([[2, 0], [0, 2], [2, 0]])))
    nobody = agreements({"ann": {1: "a"}})
    assert (nobody.pairs, nobody.mean, nobody.fleiss) == ([], None, None)
