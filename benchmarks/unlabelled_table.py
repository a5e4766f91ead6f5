"""The part of docs/RESULTS.md about learning from rows without a class."""

from __future__ import annotations

import json
from collections.abc import Mapping

from common import RESULTS

_SIZES = {"all": "all labels"}
Row = Mapping[str, float]


def without_labels() -> list[str]:
    """Self-training, continued pretraining and distillation, as far as they were measured."""
    path = RESULTS / "without_labels.json"
    if not path.exists():
        return []
    figures = json.loads(path.read_text())
    rows: dict[str, Row] = figures["rows"]
    lines = [
        "## Rows without a class",
        "",
        (
            "Right in 100 test items, means over draws of the labelled rows (or seeds), and the"
            " difference in points to the plain way with the 95 % interval of Student's t over the"
            " draws. The other training rows have no class, test rows are never read. TREC"
            " (`starter:text`), ants and bees (`starter:image`). Distillation: from these to"
            " `static:starter:text` and `starter:image-small`. Networks of photos read 128 pixels;"
            " one continued pretraining serves both numbers of labels."
        ),
        "",
        *_gains(rows, "self-training", "the plain probe", "self-trained"),
        *_gains(rows, "pretraining", "the probe before", "after pretraining"),
        *_gains(
            rows, "pretraining slowly", "the probe before", "after pretraining at 0.00003, a tenth"
        ),
        *_distilled(rows),
    ]
    if figures["missing"]:
        lines += [f"- Missing: {', '.join(figures['missing'])}", ""]
    return lines


def _gains(rows: Mapping[str, Row], kind: str, plain: str, taught: str) -> list[str]:
    found = {name: row for name, row in rows.items() if name.startswith(f"{kind}|")}
    if not found:
        return []
    lines = [f"| data | {plain} | {taught} | difference | draws |", "|---|---|---|---|---|"]
    lines += [
        f"| {_called(name)} | {100 * row['plain']:.1f} | {100 * row['taught']:.1f} |"
        f" {_difference(row)} | {row['draws']} |"
        for name, row in found.items()
    ]
    return [*lines, ""]


def _distilled(rows: Mapping[str, Row]) -> list[str]:
    found = {name: row for name, row in rows.items() if name.startswith("distillation|")}
    if not found:
        return []
    head = "| data | teacher | student | student alone | gained by the teacher | faster | smaller |"
    lines = [head, "|---" * 7 + "|"]
    lines += [
        f"| {_called(name)} | {100 * row['teacher']:.1f} | {100 * row['taught']:.1f} |"
        f" {100 * row['plain']:.1f} | {_difference(row)} | {row['times_faster']:.1f} times |"
        f" {row['times_smaller']:.1f} times |"
        for name, row in found.items()
    ]
    return [*lines, ""]


def _called(name: str) -> str:
    _, task, size = name.split("|")
    return f"{task}, {_SIZES.get(size, f'{size} labels a class')}"


def _difference(row: Row) -> str:
    if "low" not in row:
        return f"{row['gain']:+.1f}"
    return f"{row['gain']:+.1f} ({row['low']:+.1f} to {row['high']:+.1f})"
