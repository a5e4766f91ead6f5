"""An automatic search: what it tries now, the best so far, what was tried and dropped."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from pages.shell import problems
from pages.shell.words import duration, interval, plain
from pages.widgets.glossary import help_of
from tl_core.evaluate.measures import BoardRow
from tl_core.evaluate.report.schema import SearchSection
from tl_core.results import SEARCH

_STATES = {"winner": "best", "tried": "tried", "ranked": "ranked on a sample", "failed": "left out"}


def now(folder: Path) -> None:
    """Of a search that is going on: time left, the candidate in hand, the leaderboard so far."""
    with problems.caught():
        progress = SEARCH.find(folder)
    if progress is None:
        return
    board = progress.get("board", [])
    best = next((row for row in board if row["state"] == "winner"), None)
    st.markdown(
        f":blue-badge[:material/search: training now] {plain(progress.get('trying') or 'nothing')}"
    )
    tiles = st.columns(2)
    tiles[0].metric(
        "Time left",
        duration(max(0.0, progress["budget"] - progress["spent"])).removeprefix("about "),
    )
    tiles[1].metric(
        "Best accuracy so far (%)",
        f"{100 * best['accuracy']['value']:.1f}" if best else "-",
        help=help_of("accuracy", "Of the validation items."),
    )
    table(board)


def table(board: list[BoardRow]) -> None:
    """The leaderboard."""
    if not board:
        return
    st.dataframe(
        pd.DataFrame(
            [
                {
                    "": _STATES[row["state"]],
                    "what": row["title"] + _part(row),
                    "backbone": row["backbone"],
                    "accuracy": 100 * row["accuracy"]["value"] if "accuracy" in row else None,
                    "95 % interval": interval(row["accuracy"]) if "accuracy" in row else "",
                    "log loss": row.get("log_loss"),
                    "time": (
                        duration(60 * row["minutes"]).removeprefix("about ")
                        if "minutes" in row
                        else ""
                    ),
                    "note": row.get("why", ""),
                }
                for row in board
            ]
        ),
        hide_index=True,
        placeholder="-",
        column_config={
            "accuracy": st.column_config.NumberColumn(
                format="%.1f %%",
                help=help_of(
                    "accuracy",
                    "Of the validation items; for a ranking, cross-validated on a sample.",
                ),
            ),
            "log loss": st.column_config.NumberColumn(
                format="%.3f",
                help=help_of(
                    "log loss",
                    "Decides: the candidate with the lowest is kept, if it is right "
                    "at least as often as the first probe and clearly better "
                    "than it (by more than a standard error).",
                ),
            ),
        },
    )


def report(section: SearchSection) -> None:
    """What the report tells of the search behind its run."""
    st.subheader("What was tried?")
    st.markdown(plain(section["sentence"]))
    table(section["board"])
    budget = float(str(section["settings"]["budget_minutes"]))
    st.caption(
        f"Compared on the {section['items']:,} validation items, within"
        f" {section['minutes']:.0f} of {budget:g} minutes."
        " The best of many looks a little better there than it is; the test items were not used"
        " to choose. The rest of this report is about the best one."
    )


def _part(row: BoardRow) -> str:
    return f", {row['part']:.0%} of a training" if 0 < row["part"] < 1 else ""
