"""The part of docs/RESULTS.md about ways to keep what a pretrained network knows."""

from __future__ import annotations

import json
from typing import Any

from common import RESULTS


def towards_source() -> list[str]:
    """Every way beside plain fine-tuning and a probe, and what was not measured."""
    path = RESULTS / "towards_source.json"
    if not path.exists():
        return []
    figures = json.loads(path.read_text())
    rows = {name: row for name, row in figures["rows"].items() if row}
    ways = list(dict.fromkeys(way for row in rows.values() for way in row))
    seeds = sorted({len(one["seeds"]) for row in rows.values() for one in row.values()})
    lines = [
        "## Towards the pretrained network and its classes",
        "",
        (
            "`starter:image` at 128 pixels, fine-tuned from a probe (LP-FT), with what each paper"
            " adds to the loss at the paper's strength; right in 100 test items, and in brackets"
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
    missing = figures["missing"]
    if missing:
        lines += ["", f"Not measured: {', '.join(missing)}."]
    return [*lines, ""]


def _shown(one: dict[str, Any] | None) -> str:
    if one is None:
        return ""
    gap = one["over_plain"]
    apart = f" ({gap['points']:+.1f}: {gap['low']:+.1f} to {gap['high']:+.1f})" if gap else ""
    return f"{100 * one['accuracy']:.1f}{apart}"
