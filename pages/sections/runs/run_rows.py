"""What stands in a line of the list of runs: score, gain, a small curve, state, and words of one's
own.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TypedDict

import pandas as pd
import streamlit as st

from pages.shell import others
from pages.shell.frame import STATES, state_word
from pages.shell.words import interval
from pages.widgets import trained
from pages.widgets.glossary import help_of
from tl_core.config import RUN_KINDS
from tl_core.errors import UserError
from tl_core.evaluate.measures import Range
from tl_core.evaluate.report import FILE, load_report
from tl_core.registry.run import ACTIVE, Run

_LARGEST = 500_000  # bytes of a report that a list of runs still reads
_COURSE = 12  # points of a small curve


class Facts(TypedDict):
    """What a report adds to the row of its run: the gain from transfer, the accuracy by epoch."""

    gain: Range | None
    course: list[float]


def title(run: Run) -> str:
    """What a run is called: by data, way and id, so that no two look the same."""
    if run.kind == "train":
        return trained.full_name(run) if run.dataset else f"{trained.way(run)} · {run.id}"
    what = RUN_KINDS[run.kind].title
    return " · ".join(filter(None, (run.dataset, what, run.id)))


def rows(runs: list[Run], course: dict[str, list[float]]) -> pd.DataFrame:
    """A line for each run; `course` is the small curve of those that have none of their own."""
    who = others.starters(runs)
    return pd.DataFrame([_row(run, course.get(run.id, []), who.get(run.id, "")) for run in runs])


def _row(run: Run, course: list[float], who: str) -> dict[str, object]:
    facts = _facts_of(run)
    score = trained.score(run)
    gain = facts["gain"]
    trains = run.kind == "train"
    place = f", place {run.place}" if run.place else ""
    state = state_word(run)
    return {
        "run": run.id,
        "who": who,
        "state": [f"{state} {run.progress:.0%}" if run.status == "running" else state + place],
        "score (%)": 100 * score["value"] if score else None,
        "95 % interval": interval(score) if score else "",
        "gain (points)": 100 * gain["value"] if gain else None,
        "gain, 95 % interval": (
            f"{100 * gain['low']:+.0f} to {100 * gain['high']:+.0f}" if gain else ""
        ),
        "course": [100 * one for one in facts["course"]] or course,
        "backbone": run.backbone or ("none" if trains else ""),
        "strategy": trained.name(run) if trains else RUN_KINDS[run.kind].title,
        "minutes": minutes_of(run),
        "when": datetime.fromtimestamp(run.created, UTC),
        "tags": [*run.tags, *(["archived"] if run.archived else [])],
        "note": run.note,
        "scored on": (
            ""
            if not score or not run.summary
            else "validation"
            if run.summary.get("sealed")
            else "test"
        ),
        "data": run.dataset,
        "kind": RUN_KINDS[run.kind].title,
        "what it says": run.headline or (run.reason or {}).get("what", ""),
    }


def column_config(table: pd.DataFrame) -> dict[str, object]:
    """How the columns are drawn."""
    state_words = sorted({word for words in table["state"] for word in words})
    columns = st.column_config
    lowest = min((point for course in table["course"] for point in course), default=0.0)
    return {
        "run": columns.TextColumn(pinned=True, help="The id, as it stands in addresses."),
        "who": columns.TextColumn(help="Who started it."),
        "state": columns.MultiselectColumn(
            options=state_words,
            color=[_colour(word) for word in state_words],
            help="How it stands.",
        ),
        "score (%)": columns.ProgressColumn(
            format="%.1f",
            min_value=0,
            max_value=100,
            help=help_of("accuracy"),
        ),
        "gain (points)": columns.NumberColumn(
            format="%+.0f",
            help="Accuracy less that of the same items without transfer, in points of per cent.",
        ),
        "course": columns.LineChartColumn(
            y_min=max(0.0, lowest - 10),
            y_max=100,
            help="A fine-tuning: its accuracy after each epoch. Others: the scores on these data up"
            " to this run.",
        ),
        "minutes": columns.NumberColumn(format="%.1f", help="From start to end."),
        "when": columns.DatetimeColumn(format="distance", help="When it was asked for."),
        "tags": columns.MultiselectColumn(
            options=sorted({tag for tags in table["tags"] for tag in tags}), color="auto"
        ),
    }


def _colour(word: str) -> str:
    return next((colour for colour, name in STATES.values() if word.startswith(name)), "gray")


def score_of(run: Run) -> float:
    score = trained.score(run)
    return score["value"] if score else -1.0


def minutes_of(run: Run) -> float | None:
    if run.started is None or run.finished is None or run.status in ACTIVE:
        return None
    return (run.finished - run.started) / 60


def courses(runs: list[Run]) -> dict[str, list[float]]:
    """For each run with a score those on the same data, of the same kind, up to it."""
    before: dict[tuple[str, bool], list[float]] = {}
    found_courses = {}
    for run in sorted((run for run in runs if trained.score(run)), key=lambda run: run.created):
        closed = bool((run.summary or {}).get("sealed"))
        scores = before.setdefault((run.dataset, closed), [])
        scores.append(100 * score_of(run))
        found_courses[run.id] = scores[-_COURSE:]
    return found_courses


def _facts_of(run: Run) -> Facts:
    """What the report adds; nothing without one, or where it is too large to be read here."""
    path = run.folder / FILE
    try:
        known = path.stat() if trained.score(run) else None
    except OSError:
        known = None
    if known is None or known.st_size > _LARGEST:
        return {"gain": None, "course": []}
    return _facts(str(path), known.st_mtime)


@st.cache_data(max_entries=5000, ttl=3600, show_spinner=False)
def _facts(path: str, written: float) -> Facts:
    del written
    try:
        report = load_report(Path(path).parent)
    except UserError:
        return {"gain": None, "course": []}
    against = report.get("against_baseline")
    history = report["training"]["history"] if report.get("training") else []
    parts = against.get("item_f1", against) if against else None  # several labels: F1 of an item
    return {
        "gain": parts["difference"] if parts else None,
        "course": [point["accuracy"] for point in history if "accuracy" in point],
    }
