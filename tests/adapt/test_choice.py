"""Scores without labels: by hand, by plain loops, and where they are known to fail."""

from __future__ import annotations

import numpy as np
import pytest

from tl_core.adapt.choice import prediction_entropy, soft_neighbourhood_density


def by_loops(probabilities):
    """The paper's formula, row by row."""
    rows = probabilities / np.linalg.norm(probabilities, axis=1, keepdims=True)
    entropies = []
    for place in range(len(rows)):
        powers = [
            np.exp(rows[place] @ rows[other] / 0.05) for other in range(len(rows)) if other != place
        ]
        shares = np.array(powers) / sum(powers)
        entropies.append(-(shares * np.log(shares)).sum())
    return float(np.mean(entropies))


def test_density_is_that_of_the_paper():
    probabilities = np.random.default_rng(0).dirichlet(np.ones(4), 30)
    assert soft_neighbourhood_density(probabilities) == pytest.approx(by_loops(probabilities))


def test_tight_clusters_are_denser_than_answers_all_over_the_place():
    tight = np.repeat(np.eye(3) * 0.94 + 0.02, 20, axis=0)
    loose = np.random.default_rng(0).dirichlet(np.ones(3), 60)
    assert soft_neighbourhood_density(tight) > soft_neighbourhood_density(loose)


def test_a_model_that_always_says_the_same_fools_both():
    """Known from the paper: which is why the choice comes with a warning."""
    same = np.tile([[0.98, 0.01, 0.01]], (60, 1))
    honest = np.repeat(np.eye(3) * 0.94 + 0.02, 20, axis=0)
    assert soft_neighbourhood_density(same) > soft_neighbourhood_density(honest)
    assert prediction_entropy(same) < prediction_entropy(honest)


def test_entropy_by_hand():
    probabilities = np.array([[0.5, 0.5], [1.0, 0.0]])
    assert prediction_entropy(probabilities) == pytest.approx(np.log(2) / 2, abs=1e-9)


def test_one_row_has_no_neighbours():
    assert soft_neighbourhood_density(np.array([[1.0, 0.0]])) == 0.0


def test_many_rows_are_sampled():
    probabilities = np.random.default_rng(0).dirichlet(np.ones(3), 2600)
    part = soft_neighbourhood_density(probabilities, 0)
    assert part == soft_neighbourhood_density(probabilities, 0)
    assert part == pytest.approx(by_loops(probabilities[:500]) + np.log(1999 / 499), abs=0.2)
