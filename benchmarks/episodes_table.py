"""The part of docs/RESULTS.md about fast adaptation over episodes."""

from __future__ import annotations

import json
from typing import Any

from common import RESULTS

_BANKS = {
    "texts": "TREC's classes and single emotions of comments",
    "photos": "PACS, each class in each of four domains",
    "digits": "spoken digits, each digit of each of five speakers",
}


def episodes() -> list[str]:
    """Every bank that was measured: methods with the gap to a probe on the same episodes."""
    path = RESULTS / "episodes.json"
    if not path.exists():
        return []
    figures = json.loads(path.read_text())
    missing = f" Not measured: {', '.join(figures['missing'])}." if figures["missing"] else ""
    lines = [
        "## Fast adaptation: episodes of held-out classes",
        "",
        (
            f"{figures['ways']} classes with {figures['shots']} labels each, {figures['episodes']}"
            " episodes a seed over classes that nothing was learnt from (where a dataset has fewer"
            " held-out classes, an episode has all of them). Every seed draws other classes to"
            " learn from, to choose by and to judge by; intervals are over seeds (Student's t)."
            " A class that is held out is so in all domains, a digit for all speakers. Class means"
            " are prototypes before any learning. The probe's penalty is chosen on the episodes by"
            " which the others are chosen." + missing
        ),
        "",
    ]
    for name, bank in figures["banks"].items():
        learn, choose, judge = bank["classes"]
        lines += [
            (
                f"**{_BANKS.get(name, name)}** (`{bank['starter']}`; {learn} classes to learn from,"
                f" {choose} to choose by, {judge} to judge by; {bank['ways']:.3g} classes an"
                f" episode, {bank['seeds']} seeds):"
            ),
            "",
            "| method | right in 100 | 95 % interval | less the probe, in points | seconds |",
            "|---|---|---|---|---|",
            *(_line(method, one) for method, one in bank["methods"].items()),
            "",
        ]
    return lines


def _line(method: str, one: dict[str, Any]) -> str:
    score, gap = one["accuracy"], one["against_probe"]
    against = (
        ""
        if method == "probe"
        else f"{100 * gap['value']:+.1f} ({100 * gap['low']:+.1f} to {100 * gap['high']:+.1f})"
    )
    return (
        f"| {method} | {100 * score['value']:.1f} | {100 * score['low']:.1f} to"
        f" {100 * score['high']:.1f} | {against} | {one['seconds']:.0f} |"
    )
