"""The power law against SciPy's curve fitting, its lead on planted curves, and the advice."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import curve_fit

from tl_core.evaluate.learning_curve import advice, follow, helps_most, power_law

SIZES = np.array([20.0, 45, 100, 220, 480, 1000])


@pytest.mark.parametrize(("a", "b", "c"), [(0.05, 1.2, 0.5), (0.0, 0.8, 0.3), (0.2, 3.0, 1.0)])
def test_a_planted_law_is_found_again(a, b, c):
    law = power_law(SIZES, a + b * SIZES**-c)
    predicted = law[0] + law[1] * 4000 ** -law[2]
    assert predicted == pytest.approx(a + b * 4000**-c, abs=0.004)


def test_it_fits_noise_as_well_as_scipy_does():
    random = np.random.default_rng(0)
    for _ in range(10):
        errors = 0.1 + 0.9 * SIZES**-0.4 + random.normal(scale=0.01, size=6)
        best, _ = curve_fit(
            lambda n, a, b, c: a + b * n**-c,
            SIZES,
            errors,
            p0=(0.1, 1, 0.5),
            maxfev=20_000,
            bounds=((0, 0, 0.05), (1, 100, 1.5)),
        )
        theirs = ((best[0] + best[1] * SIZES ** -best[2] - errors) ** 2).sum()
        a, b, c = power_law(SIZES, errors)
        assert ((a + b * SIZES**-c - errors) ** 2).sum() <= 1.02 * theirs + 1e-9


def curves(seed, repeats=5):
    random = np.random.default_rng(seed)
    truth = 1 - (0.08 + 1.1 * SIZES**-0.45)
    return truth + random.normal(scale=0.012, size=(repeats, 6))


def test_the_lead_is_near_the_truth_and_its_range_holds_it_mostly():
    held, off = [], []
    for seed in range(60):
        twice = follow(SIZES, curves(seed))[0]
        truth = 1 - (0.08 + 1.1 * 2000**-0.45)
        off.append(abs(twice["value"] - truth))
        held.append(twice["low"] <= truth <= twice["high"])
    assert np.mean(off) < 0.012
    assert (
        np.mean(held) > 0.6
    )  # five repetitions are few; the range is said to be a plausible one, no guarantee


def test_advice_tells_flat_from_rising():
    flat = [{"rows": n, "value": 0.9, "low": 0.88, "high": 0.92} for n in SIZES]
    scores = np.full((5, 6), 0.9) + np.random.default_rng(0).normal(scale=0.002, size=(5, 6))
    assert "bring little" in advice(flat, follow(SIZES, scores), [], "photos", None)
    rising = curves(1)
    points = [
        {"rows": n, "value": v, "low": v, "high": v}
        for n, v in zip(SIZES, rising.mean(axis=0), strict=True)
    ]
    classes = [
        {"label": "ants", "recall": 0.7, "gain": 0.1},
        {"label": "bees", "recall": 0.9, "gain": -0.1},
    ]
    said = advice(points, follow(SIZES, rising), classes, "photos", None)
    assert "twice as many photos" in said
    assert "most in ants." in said
    most = {"label": "bees", "more": 40, "gain": 0.05}
    assert "About 40 more of bees would help most: 5 more in 100" in advice(
        points, follow(SIZES, rising), classes, "photos", most
    )


def test_the_class_that_gains_most_for_each_label_is_named_with_their_number():
    random, shares = np.random.default_rng(0), np.array([0.5, 0.3, 0.2])
    laws = ((0.02, 0.1, 0.5), (0.05, 6.0, 0.6), (0.1, 1.0, 0.1))  # nearly learnt, steep, slow
    truth = np.stack(
        [1 - (a + b * (SIZES * part) ** -c) for (a, b, c), part in zip(laws, shares, strict=True)],
        1,
    )
    recalls = truth + random.normal(scale=0.004, size=(5, 6, 3))
    wish = helps_most(SIZES, recalls, shares, ["easy", "steep", "slow"])
    assert wish["label"] == "steep"
    a, b, c = laws[1]
    own = SIZES[-1] * shares[1]
    now, then = a + b * own**-c, a + b * (own + wish["more"]) ** -c
    assert now - then == pytest.approx(0.05, abs=0.015)


def test_no_class_is_named_where_nothing_grows():
    flat = 0.8 + np.random.default_rng(1).normal(scale=0.02, size=(5, 6, 2))
    flat[:, -1] = flat[:, -2]
    assert helps_most(SIZES, flat, np.array([0.5, 0.5]), ["a", "b"]) is None
