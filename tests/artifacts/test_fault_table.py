"""The table of faults in the guide is what was measured, and nothing was lost in it."""

from __future__ import annotations

import json

from tests_support.buckets import FAULTS
from tests_support.studio import ROOT

RESULT = ROOT / "benchmarks/results/store_faults.json"
COLUMNS = ("fault", "way", "trials", "whole", "refused", "wrong", "lost", "faults", "retried")


def test_the_guide_shows_what_was_measured():
    rows = json.loads(RESULT.read_text())["rows"]
    page = (ROOT / "docs/guide/storage.md").read_text()
    for row in rows:
        cells = [*(str(row[name]) for name in COLUMNS), f"{row['seconds']:g}"]
        assert f"| {' | '.join(cells)} |" in page, row
    assert {(row["fault"], row["way"]) for row in rows} == {
        (fault, way) for fault in ("none", *FAULTS) for way in ("up", "down")
    }


def test_nothing_was_lost_or_silently_wrong():
    for row in json.loads(RESULT.read_text())["rows"]:
        assert row["lost"] == row["wrong"] == row["half"] == 0, row
        assert row["whole"] + row["refused"] == row["trials"]
        assert row["mended"] == row["refused"]
