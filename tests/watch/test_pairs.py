"""Two models on the same items: the rate of disagreement, labels that come back, bounded notes."""

from __future__ import annotations

import pytest
from scipy.stats import binomtest

from tl_core.errors import DataError, NotFoundError
from tl_core.watch import pairs as pairs_module
from tl_core.watch.pairs import Pairs, Rivals, all_pairs, pairs_of

RIVALS = Rivals("mail", "one (aaaa)", "two (bbbb)", 0.2, "r1", "mail@1")


@pytest.fixture
def pairs(tmp_path):
    return Pairs.begun(tmp_path, RIVALS)


def test_the_rate_has_wilson_s_interval(pairs):
    assert "No item" in pairs.report()["sentence"]
    for number in range(40):
        pairs.note(["x", "y"], ["x", "z" if number < 6 else "y"])
    report = pairs.report()
    interval = binomtest(6, 80).proportion_ci(method="wilson")
    assert report["items"] == 80 and report["disagreeing"]["value"] == 6 / 80
    assert report["disagreeing"]["low"] == pytest.approx(interval.low)
    assert report["disagreeing"]["high"] == pytest.approx(interval.high)
    assert report["kinds"] == [{"first": "y", "second": "z", "items": 6}]
    assert report["labelled"] is None and "no label has come back" in report["sentence"]


def test_labels_that_come_back_are_tested_by_mcnemar(pairs):
    """The first alone is right 12 times, the canary alone 3 times: an exact binomial test."""
    truths = [("x", "x", "y")] * 12 + [("x", "y", "x")] * 3 + [("x", "x", "x")] * 30
    for truth, first, second in truths:
        pairs.label(pairs.note([first], [second]), [truth])
    pairs.label(pairs.note(["x", "x"], ["y", "y"]), ["", ""])  # nobody knows
    found = pairs.report()["labelled"]
    assert (found["only_first_right"], found["only_second_right"], found["n"]) == (12, 3, 45)
    assert found["p_value"] == pytest.approx(binomtest(3, 15).pvalue)


def test_labels_of_nothing_are_refused(pairs):
    request = pairs.note(["x", "y"], ["x", "y"])
    with pytest.raises(DataError, match="as many labels"):
        pairs.label(request, ["x"])
    with pytest.raises(DataError, match="no such request"):
        pairs.label("nothing", ["x"])


def test_a_note_that_was_cut_short_takes_no_other_one_along(pairs, tmp_path):
    """A kill, or a full disk."""
    pairs.note(["x"], ["x"])
    with (tmp_path / "canaries/mail/pairs.jsonl").open("ab") as notes:
        notes.write('{"id": "half", "first": ["é'.encode()[:-1])
    assert pairs.report()["items"] == 1
    pairs.label(pairs.note(["x"], ["y"]), ["y"])
    assert pairs.report()["items"] == 2 and pairs.report()["labelled"]["n"] == 1


def test_notes_are_bounded_and_only_about_these_two(pairs, tmp_path, monkeypatch):
    monkeypatch.setattr(pairs_module, "_MOST_BYTES", 2000)
    for _ in range(200):
        pairs.note(["x"], ["y"])
    size = sum(path.stat().st_size for path in (tmp_path / "canaries/mail").glob("*.jsonl"))
    assert size < 5000 and 0 < pairs.report()["items"] < 60
    pairs.note_failure()
    assert pairs.report()["failures"] == 1
    assert Pairs.begun(tmp_path, RIVALS).report()["items"] > 0  # after a restart
    other = Pairs.begun(tmp_path, Rivals("mail", "one (aaaa)", "three (cccc)", 0.2))
    assert other.report()["items"] == 0
    assert [one.rivals.name for one in all_pairs(tmp_path)] == ["mail"]
    with pytest.raises(NotFoundError, match="No two models"):
        pairs_of(tmp_path, "other")
