"""Typed expectations: what holds, what fails, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from tl_core.errors import ConfigError
from tl_core.evaluate.expectations import SAME, Expectation, choices, examine

LABELS = ["bad", "good", "less sure of good"]  # a class may be called anything


def look(expected, before, after):
    return examine(
        [Expectation("a", "b", expected)], LABELS, np.array([before]), np.array([after])
    )["rows"][0]


@pytest.mark.parametrize(
    ("expected", "before", "after", "held"),
    [
        (SAME, (0.6, 0.3, 0.1), (0.5, 0.4, 0.1), True),
        (SAME, (0.6, 0.3, 0.1), (0.4, 0.5, 0.1), False),
        ("surer of good", (0.6, 0.3, 0.1), (0.5, 0.4, 0.1), True),
        ("surer of good", (0.6, 0.3, 0.1), (0.7, 0.2, 0.1), False),
        ("surer of good", (0.0, 0.995, 0.005), (0.0, 0.99, 0.01), True),
        ("less sure of good", (0.6, 0.3, 0.1), (0.7, 0.2, 0.1), True),
        ("less sure of good", (0.6, 0.3, 0.1), (0.5, 0.4, 0.1), False),
        ("surer of less sure of good", (0.6, 0.3, 0.1), (0.5, 0.3, 0.2), True),
        ("less sure of less sure of good", (0.6, 0.3, 0.1), (0.5, 0.3, 0.2), False),
    ],
)
def test_what_is_expected_holds_or_does_not(expected, before, after, held):
    assert look(expected, before, after)["held"] is held


def test_how_far_it_moved_is_told_of_the_class_asked_about():
    row = look("less sure of good", (0.6, 0.3, 0.1), (0.7, 0.2, 0.1))
    assert row == {"held": True, "before": "bad", "after": "bad", "moved": pytest.approx(-0.1)}
    assert look(SAME, (0.6, 0.3, 0.1), (0.4, 0.5, 0.1))["moved"] == pytest.approx(-0.2)


def test_the_share_has_an_interval_and_every_choice_is_legal():
    pairs = [Expectation("a", "b", choice) for choice in choices(LABELS)]
    same = np.tile([0.6, 0.3, 0.1], (len(pairs), 1))
    held = examine(pairs, LABELS, same, same)["held"]
    assert held["value"] == 1.0 and held["low"] < 0.8


@pytest.mark.parametrize(
    "pair",
    [
        Expectation("", "b", SAME),
        Expectation("a", " ", SAME),
        Expectation("a", "b", "x"),
        Expectation("a", "b", "surer of ugly"),
    ],
)
def test_half_a_pair_and_unknown_wishes_are_refused(pair):
    with pytest.raises(ConfigError):
        pair.check(LABELS)
