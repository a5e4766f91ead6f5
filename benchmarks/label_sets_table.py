"""The part of docs/RESULTS.md about items with several labels."""

from __future__ import annotations

import json
from typing import Any

from common import RESULTS

_SCORES = ("macro_f1", "micro_f1", "map", "exact_match")


def label_sets() -> list[str]:
    """Comments with one or more emotions: every way that was measured, the best first."""
    path = RESULTS / "emotions.json"
    if not path.exists():
        return []
    figures = json.loads(path.read_text())
    cells = sorted(figures["cells"], key=lambda cell: -_value(cell["macro_f1"]))
    missing = f" Not measured: {', '.join(figures['missing'])}." if figures["missing"] else ""
    return [
        "## Several labels an item: emotions of comments",
        "",
        (
            "6,000 comments for training and validation and 2,000 for the test, each with one or"
            " more of 28 emotions (GoEmotions, Apache-2.0), read by `starter:text`. Times 100,"
            " with 95 % bootstrap intervals; one seed. Thresholds are chosen for each label on the"
            " validation comments. A probe on the starter's features stays below counts of words,"
            " and scikit-learn on the same features says the same; a probe that is then fine-tuned"
            " passes them. Full fine-tuning from a random head does so with the asymmetric loss,"
            " not with plain cross-entropy, where a bare PyTorch loop comes to the same." + missing
        ),
        "",
        "| way | macro F1 | micro F1 | mean average precision | exact match | seconds |",
        "|---|---|---|---|---|---|",
        *(
            f"| {cell['name']} | "
            + " | ".join(_shown(cell.get(score)) for score in _SCORES)
            + f" | {cell.get('seconds', '')} |"
            for cell in cells
        ),
        "",
    ]


def _value(score: Any) -> float:  # noqa: ANN401
    return float(score["value"] if isinstance(score, dict) else score)


def _shown(score: Any) -> str:  # noqa: ANN401
    if score is None:
        return ""
    if not isinstance(score, dict):
        return f"{100 * score:.1f}"
    low, high = 100 * score["low"], 100 * score["high"]
    return f"{100 * score['value']:.1f} ({low:.1f} to {high:.1f})"
