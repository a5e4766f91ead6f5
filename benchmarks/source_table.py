"""The part of docs/RESULTS.md about ways to keep what a pretrained network knows."""

from __future__ import annotations

import json
from typing import Any

from common import RESULTS
from domains_table import shown_points, shown_share

_FOLLOWING = "following"  # plain fine-tuning under the statistics that StochNorm needs


def towards_source() -> list[str]:
    """Every way beside plain fine-tuning and a probe, and what was not measured."""
    path = RESULTS / "towards_source.json"
    if not path.exists():
        return []
    figures = json.loads(path.read_text())
    rows = {name: row for name, row in figures["rows"].items() if row}
    ways = [way for row in rows.values() for way in row if way != _FOLLOWING]
    ways = list(dict.fromkeys(ways))
    seeds = sorted({len(one["seeds"]) for row in rows.values() for one in row.values()})
    lines = [
        "## Towards the pretrained network and its classes",
        "",
        (
            "`starter:image` at 128 pixels, fine-tuned from a probe (LP-FT), with what each paper"
            " adds to the loss at the paper's strength (DELTA at 1, relative to the size of the"
            " maps; L2-SP beside AdamW's weight decay); right in 100 test items, and in brackets"
            " the points over plain fine-tuning with their 95 % interval (paired over items,"
            f" {' to '.join(map(str, dict.fromkeys((seeds[0], seeds[-1]))))} seeds). A probe on"
            " the same rows beside them. An interval that holds 0 says that the gain may be"
            " chance."
        ),
        "",
        "| data | " + " | ".join(ways) + " |",
        "|---" * (len(ways) + 1) + "|",
    ]
    for name, row in rows.items():
        lines.append(f"| {name} | " + " | ".join(_shown(row.get(way)) for way in ways) + " |")
    missing = [*figures["missing"], "pacs sketch with all labels"]
    lines += ["", f"Not measured: {', '.join(missing)}."]
    for name, row in rows.items():
        if {_FOLLOWING, "StochNorm"} <= {*row}:
            lines += [
                "",
                f"StochNorm rests on batch statistics that follow the data. On {name} these alone"
                f" come to {_shown(row[_FOLLOWING])}, with it to {_shown(row['StochNorm'])}: what"
                " is lost is lost by them.",
            ]
    return [*lines, "", *_plain_loop()]


def _plain_loop() -> list[str]:
    """The same ways by a loop that knows nothing of the project."""
    path = RESULTS / "plain_keeping.json"
    if not path.exists():
        return []
    figures = json.loads(path.read_text())
    missing = ", ".join(figures["missing"])
    one = json.loads((RESULTS / "towards_source" / "pacs-sketch-20-plain-0.json").read_text())
    tests = len(one["right"])
    lines = [
        (
            "A plain PyTorch loop without this project on the same draws of 20 sketches a class"
            " (random classifier, 20 epochs of one rate, batch statistics as they come, nothing"
            " chosen), mean over the seeds with its 95 % interval of Student's t. There are"
            f" {tests} test sketches: one more that is right is {100 / tests:.1f} points."
            + (f" Not measured: {missing}." if missing else "")
        ),
        "",
        "| plain loop | right | over plain fine-tuning |",
        "|---|---|---|",
    ]
    for way, row in figures["rows"].items():
        gain = shown_points(row["gain"]) if row["gain"] else ""
        lines.append(f"| {way} | {shown_share(row['accuracy'])} | {gain} |")
    return [*lines, ""]


def _shown(one: dict[str, Any] | None) -> str:
    if one is None:
        return ""
    gap = one["over_plain"]
    apart = f" ({gap['points']:+.1f}: {gap['low']:+.1f} to {gap['high']:+.1f})" if gap else ""
    return f"{100 * one['accuracy']:.1f}{apart}"
