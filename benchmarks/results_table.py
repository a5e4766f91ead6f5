"""Writes docs/RESULTS.md from what was measured: `python benchmarks/results_table.py
[NAME=REPORT.json ...]`.

Each report is what `python -m tl_core report RUN --json` prints for a run of the recipe `ladder`;
what the table needs of it is kept in `results/ladders.json`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from arena_table import arena, few_labels
from common import RESULTS, machine
from domains_table import domains
from episodes_table import episodes
from label_sets_table import label_sets
from labelling_table import labelling
from sounds_table import recordings
from source_table import towards_source
from unlabelled_table import without_labels

TARGET = Path(__file__).parents[1] / "docs" / "RESULTS.md"


def table(name: str, report: dict[str, Any]) -> list[str]:
    """One ladder as a Markdown table."""
    ladder = report["ladder"]
    lines = [
        f"## {name}",
        "",
        (
            f"Backbone `{report['backbone'].rsplit('/', 1)[-1]}`, {report['test']['n']} test items,"
            f" {ladder['rows'][0]['seeds']} seeds, {ladder['settings']['epochs']:g} epochs of"
            f" fine-tuning. {report['headline']}"
        ),
        "",
        (
            "| strategy | right in 100 | 95 % interval | seeds | minutes | weights that learn | p"
            " against the best |"
        ),
        "|---|---|---|---|---|---|---|",
    ]
    for row in ladder["rows"]:
        score = row["accuracy"]
        mark = " **(recommended)**" if row["name"] == ladder["recommended"] else ""
        against = "the best" if row["name"] == ladder["best"] else f"{row['p_against_best']:.4f}"
        lines.append(
            f"| {row['title']}{mark} | {100 * score['value']:.1f} | {100 * score['low']:.1f} to"
            f" {100 * score['high']:.1f} | {100 * row['lowest_seed']:.1f} to"
            f" {100 * row['highest_seed']:.1f} | {row['minutes']:.1f} |"
            f" {row['trainable_parameters']:,} | {against} |"
        )
    return [*lines, ""]


def kept(report: dict[str, Any]) -> dict[str, Any]:
    """What the table needs of a report."""
    ladder = report["ladder"]
    return {
        "backbone": report["backbone"].rsplit("/", 1)[-1],
        "headline": report["headline"],
        "test": {"n": report["test"]["n"]},
        "ladder": {
            "rows": ladder["rows"],
            "settings": {"epochs": ladder["settings"]["epochs"]},
            "recommended": ladder["recommended"],
            "best": ladder["best"],
        },
    }


def words() -> list[str]:
    """Word vectors beside the transformer that they come from."""
    figures = _read("word_vectors")
    if not figures:
        return []
    lines = [
        "## Word vectors against the transformer they come from (TREC)",
        "",
        (
            "The vectors are the input embeddings of `starter:text`, read by every head of"
            f" `static_embeddings`, frozen and tuned; {figures['test_items']} test items, one seed,"
            " 95 % intervals."
        ),
        "",
        "| way | right in 100 | 95 % interval |",
        "|---|---|---|",
    ]
    for name, one in figures["runs"].items():
        lines.append(
            f"| {name} | {100 * one['accuracy']:.1f} | {100 * one['low']:.1f} to"
            f" {100 * one['high']:.1f} |"
        )
    return [*lines, ""]


def ranking() -> list[str]:
    """Scores of frozen features against accuracy after fine-tuning."""
    figures = _read("ranking_worth")
    if not figures:
        return []
    names = {"probe": "probe", "logme": "LogME", "h_score": "H-score", "knn": "neighbours"}
    lines = [
        "## Is the ranking of backbones worth its name?",
        "",
        (
            "Scores of frozen features on at most 1,000 training rows against the test accuracy"
            " after fine-tuning everything (LP-FT). Besides the starters and MobileNet there are"
            " networks cut after some blocks, with random upper blocks, and wholly random. Weighted"
            " Kendall's tau: 1 is the same order, 0 none; the best ones count most. Candidates that"
            " fine-tune to nearly the same accuracy change places by chance."
        ),
        "",
    ]
    for name, one in figures["tasks"].items():
        taus = ", ".join(f"{names[key]} {value:.2f}" for key, value in one["weighted_tau"].items())
        lines += [
            f"**{name}** ({one['rows']:,} training rows, {one['epochs']:g} epochs): tau {taus}.",
            "",
            f"| backbone | fine-tuned | {' | '.join(names.values())} |",
            "|---" * (len(names) + 2) + "|",
        ]
        for row in sorted(one["candidates"], key=lambda row: -row["fine_tuned"]):
            lines.append(
                f"| {row['backbone']} | {row['fine_tuned']:.3f} | "
                + " | ".join(f"{row[key]:.3f}" for key in names)
                + " |"
            )
        lines.append("")
    return lines


def _read(name: str) -> Any:  # noqa: ANN401
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() else {}


def digits() -> list[str]:
    """The curve of transfer against scratch, if it was measured."""
    accuracy = _read("transfer_curve").get("accuracy")
    if not accuracy:
        return []
    sizes = list(next(iter(accuracy.values())))
    lines = [
        "## Handwritten digits: transfer against scratch",
        "",
        (
            "`starter:image-small`, mean of three seeds on the same 500 unseen digits, by labels"
            " for each class. The probe is fitted on the training and the 10 validation rows of"
            " each class together, the others on the training rows; so with 5 labels it has seen"
            " three times as many. On digits transfer from photos buys nothing once there are 20"
            " labels for each class."
        ),
        "",
        "![Right in 100 by labels for each class](screenshots/transfer.png)",
        "",
        f"| strategy | {' | '.join(sizes)} |",
        "|---" * (len(sizes) + 1) + "|",
    ]
    titles = {"probe": "Probe", "lpft": "Fine-tune from a probe (LP-FT)", "scratch": "From scratch"}
    for name, by_size in accuracy.items():
        lines.append(
            f"| {titles[name]} | "
            + " | ".join(f"{100 * sum(values) / len(values):.1f}" for values in by_size.values())
            + " |"
        )
    return [*lines, ""]


if __name__ == "__main__":
    ladders = _read("ladders")
    for argument in sys.argv[1:]:
        title, _, place = argument.partition("=")
        ladders[title] = kept(json.loads(Path(place).read_text()))
    (RESULTS / "ladders.json").write_text(json.dumps(ladders, indent=1) + "\n")
    out = [
        "# Results",
        "",
        (
            "Made by `python -m tl_core train --recipe ladder` and the scripts in `benchmarks/`, "
            "written by `benchmarks/results_table.py`; nothing here is typed by hand."
        ),
        "",
        (
            f"Machine: {machine()}. Minutes are those of the median seed. Intervals are Wilson's"
            " for the mean over seeds; p-values come from paired tests on the same test items."
        ),
        "",
    ]
    for title, report in ladders.items():
        out += table(title, report)
    out += [
        *arena(),
        *few_labels(),
        *towards_source(),
        *without_labels(),
        *episodes(),
        *recordings(),
        *label_sets(),
        *domains(),
        *labelling(),
        *digits(),
        *words(),
        *ranking(),
    ]
    TARGET.write_text("\n".join(out).rstrip() + "\n")
    sys.stdout.write(f"{TARGET}\n")
