"""The cheapest threshold against a loop over all of them."""

from __future__ import annotations

import numpy as np
import pytest

from tl_core.evaluate.scores.thresholds import cheapest_threshold


@pytest.mark.parametrize("seed", range(8))
def test_it_is_the_best_of_all_thresholds(seed):
    random = np.random.default_rng(seed)
    confidence = random.choice(np.linspace(0.3, 1, 15), 200)  # many equal ones
    cost = (random.random(200) > confidence) * random.choice([1.0, 5.0], 200)
    person = float(random.choice([0.05, 0.3, 2.0]))
    best = cheapest_threshold(cost, confidence, person)
    paid = {
        least: float(
            np.mean(
                [
                    price if sure >= least else person
                    for price, sure in zip(cost, confidence, strict=True)
                ]
            )
        )
        for least in [0.0, *confidence]
    }
    assert best.cost == pytest.approx(min(paid.values()))
    assert best.cost == pytest.approx(paid[best.threshold])
    assert best.threshold == min(least for least in paid if paid[least] <= best.cost + 1e-12)
    assert best.always == pytest.approx(cost.mean())


def test_free_mistakes_are_always_answered_and_dear_ones_leave_more_to_a_person():
    confidence = np.linspace(0.5, 1, 100)
    wrong = (np.arange(100) % 4 == 0) * 1.0
    assert cheapest_threshold(0 * wrong, confidence, 1.0).threshold == 0.0
    cheap, dear = (
        cheapest_threshold(price * (1 - confidence), confidence, 0.2).threshold
        for price in (0.3, 2.0)
    )
    assert cheap == 0.0
    assert dear == pytest.approx(0.9, abs=0.01)
