"""Writes docs/RESULTS.md from ladder reports: `python benchmarks/results_table.py NAME=REPORT.json ...`.

Each report is what `python -m tl_core report RUN --json` prints for a run of the recipe `ladder`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from common import RESULTS, machine

TARGET = Path(__file__).parents[1] / "docs" / "RESULTS.md"


def table(name: str, report: dict[str, Any]) -> list[str]:
    """One ladder as a Markdown table."""
    found = report["ladder"]
    lines = [f"## {name}", "", f"Backbone `{report['backbone'].rsplit('/', 1)[-1]}`, {report['test']['n']} test items, "
             f"{found['rows'][0]['seeds']} seeds, {found['settings']['epochs']:g} epochs of fine-tuning. "
             f"{report['headline']}", "",
             "| strategy | right in 100 | 95 % interval | seeds | minutes | weights that learn | p against the best |",
             "|---|---|---|---|---|---|---|"]
    for row in found["rows"]:
        score = row["accuracy"]
        mark = " **(recommended)**" if row["name"] == found["recommended"] else ""
        against = "the best" if row["name"] == found["best"] else f"{row['p_against_best']:.4f}"
        lines.append(f"| {row['title']}{mark} | {100 * score['value']:.1f} | {100 * score['low']:.1f} to "
                     f"{100 * score['high']:.1f} | {100 * row['lowest_seed']:.1f} to {100 * row['highest_seed']:.1f} | "
                     f"{row['minutes']:.1f} | {row['trainable_parameters']:,} | {against} |")
    return [*lines, ""]


def digits() -> list[str]:
    """The curve of transfer against scratch, if it was measured."""
    path = RESULTS / "transfer_curve.json"
    if not path.exists():
        return []
    found = json.loads(path.read_text())["accuracy"]
    sizes = list(next(iter(found.values())))
    lines = ["## Handwritten digits: transfer against scratch", "",
             "`starter:image`, mean of three seeds on the same 500 unseen digits, by labels for each class. The probe "
             "is fitted on the training and the 10 validation rows of each class together, the others on the training "
             "rows; so with 5 labels it has seen three times as many. On digits transfer from photos buys nothing once "
             "there are 20 labels for each class.", "",
             "![Right in 100 by labels for each class](screenshots/transfer.png)", "",
             f"| strategy | {' | '.join(sizes)} |", "|---" * (len(sizes) + 1) + "|"]
    titles = {"probe": "Probe", "lpft": "Probe, then fine-tune", "scratch": "From scratch"}
    for name, by_size in found.items():
        lines.append(f"| {titles[name]} | "
                     + " | ".join(f"{100 * sum(values) / len(values):.1f}" for values in by_size.values()) + " |")
    return [*lines, ""]


if __name__ == "__main__":
    out = ["# Results", "", "Made by `python -m tl_core train --recipe ladder` and written by "
           "`benchmarks/results_table.py`; nothing here is typed by hand.", "",
           f"Machine: {machine()}. Minutes are those of the median seed. Intervals are Wilson's for the mean over "
           "seeds; p-values come from paired tests on the same test items.", ""]
    for argument in sys.argv[1:]:
        title, _, place = argument.partition("=")
        out += table(title, json.loads(Path(place).read_text()))
    TARGET.write_text("\n".join([*out, *digits()]).rstrip() + "\n")
    sys.stdout.write(f"{TARGET}\n")
