"""The part of docs/RESULTS.md about which rows to label."""

from __future__ import annotations

import json
from typing import Any

from common import RESULTS

_WORDS = {
    "random": "random",
    "typical": "typical (TypiClust)",
    "margin": "margin",
    "entropy": "entropy",
    "diversity": "diversity (BADGE)",
    "auto": "auto: typical, then margin",
}


def labelling() -> list[str]:
    """Each strategy against drawing at random, on the same pools."""
    path = RESULTS / "labelling.json"
    if not path.exists():
        return []
    figures = json.loads(path.read_text())
    if not figures["tasks"]:
        return []
    honest = figures["honest"]
    missing = f" Not measured: {', '.join(figures['missing'])}." if figures["missing"] else ""
    return [
        "## What to label first",
        "",
        (
            "A labelling simulated from nothing with the program's own queue: six batches, each"
            " chosen by a strategy but for 15 % drawn at random, answered by the known classes; a"
            " probe on the starter's features after each. Area: right in 100 test items (emotions,"
            " of which an item may have several: mean average precision), mean over"
            " the curve of score against labels. Five seeds draw five pools (four fifths of the"
            " rows, at most 1,500 of 1,875); differences from random are paired over them, with"
            " 95 % intervals of Student's t; one that holds 0 shows no gain. The score that the"
            " queue tells from its random rows alone (strategies random and margin): "
            f"{honest['held']:.0%} of {honest['intervals']:,} intervals held the accuracy on the"
            " whole pool, each row judged by a probe that had not seen it, and it lay"
            f" {honest['gap']:+.1f} points from that on average." + missing
        ),
        "",
        "| data | strategy | area | area over random | at the end | end over random | labels |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| {name} | {_WORDS[way]} | {one['area']:.1f} | {_gap(way, one['area_over_random'])} |"
            f" {one['end']:.1f} | {_gap(way, one['end_over_random'])} | {one['labels']} |"
            for name, ways in figures["tasks"].items()
            for way, one in ways.items()
        ),
        "",
    ]


def _gap(way: str, gap: dict[str, Any]) -> str:
    if way == "random":
        return ""
    return f"{gap['mean']:+.1f} ({gap['low']:+.1f} to {gap['high']:+.1f})"
