"""From which probability on each label is named: for the best F1, for a wanted precision or recall,
or by hand; tried on validation items, checked on test items, kept with the model.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from pages.sections.evaluate import test_score
from pages.sections.evaluate.subject import Subject
from pages.shell import problems, rights
from pages.shell.words import plain
from pages.widgets.glossary import help_of
from tl_core.evaluate.kept_answers import Answered, answered
from tl_core.evaluate.scores.deciding import Wish, choose_thresholds
from tl_core.evaluate.scores.set_scores import Counts
from tl_core.tasks.kept_thresholds import read_thresholds, save_thresholds

_WAYS = {
    "kept": "As kept",
    "f1": "Best F1",
    "precision": "Precision",
    "recall": "Recall",
    "half": "One half",
}
_ALL = "All labels"


def show(subject: Subject) -> None:
    """The choice, what it gives on validation and test items, and the button that keeps it."""
    st.subheader("Thresholds", help=help_of("threshold"))
    st.caption("From which probability on is a label named?")
    run, file = subject.run, subject.run.folder / "validation.csv"
    model = run.folder / "model"
    if not model.is_dir() or not file.is_file():
        st.caption("This run has no validation items, or no model, to choose thresholds for.")
        return
    held = _read(str(file), file.stat().st_mtime)
    classes = held.classes
    kept = read_thresholds(model, classes)
    chosen = _chosen(held, kept, run.id)
    _table(subject, held, chosen)
    why = rights.against(rights.WORK, run)
    if not np.allclose(chosen, kept, atol=0.0005) and st.button(
        "Keep these thresholds with the model",
        icon=":material/save:",
        disabled=bool(why),
        help=why or None,
    ):
        with problems.caught():
            rights.require(rights.WORK, run)
            save_thresholds(model, dict(zip(classes, chosen.tolist(), strict=True)))
        st.rerun()


@st.cache_data(max_entries=20, ttl=3600, show_spinner=False)
def _read(path: str, written: float) -> Answered:
    del written
    return answered(Path(path))


def _chosen(held: Answered, kept: np.ndarray, run_id: str) -> np.ndarray:
    """The thresholds that the controls say."""
    way = st.segmented_control(
        "Choose them for",
        list(_WAYS),
        default="kept",
        required=True,
        format_func=_WAYS.get,
        key=f"threshold_way {run_id}",
        help="Chosen on the validation items. Labels with fewer than five of them get the threshold"
        " that serves all labels together.",
    )
    goal = 0.8
    if way in ("precision", "recall"):
        goal = st.slider(f"At least this {way} (%)", 50, 99, 80, key=f"goal {run_id}") / 100
    base = kept if way == "kept" else choose_thresholds(held.truth, held.said, Wish(str(way), goal))
    which = st.selectbox(
        "Move by hand",
        [_ALL, *held.classes],
        key=f"threshold_of {run_id}",
        help="All labels at once, or one of them.",
    )
    place = None if which == _ALL else held.classes.index(str(which))
    now = float(np.median(base)) if place is None else float(base[place])
    key = f"threshold {run_id} {way} {goal} {which}"
    at = st.slider(f"Named from (%): {plain(str(which))}", 0, 100, round(100 * now), key=key) / 100
    moved = base.copy()
    if round(100 * now) != round(100 * at):
        moved[slice(None) if place is None else place] = at
    return moved


def _table(subject: Subject, held: Answered, chosen: np.ndarray) -> None:
    """Precision, recall and F1 of each label with these thresholds."""
    parts = {"validation": held}
    if not subject.closed:
        file = subject.run.folder / subject.report["predictions"]
        with problems.caught():
            test_score.answers_of(subject.run, subject.report["predictions"])
            parts["test"] = _read(str(file), file.stat().st_mtime)
    rows: dict[str, dict[str, object]] = {
        name: {"label": name, "threshold": 100 * value}
        for name, value in zip(held.classes, chosen.tolist(), strict=True)
    }
    for part, answers in parts.items():
        counts = Counts.of(answers.truth, (answers.said >= chosen).astype(np.int64))
        named, there = counts.hits + counts.false, counts.hits + counts.missed
        for name, hit, of_named, of_there in zip(
            held.classes, counts.hits, named, there, strict=True
        ):
            rows[name][f"precision ({part})"] = 100 * hit / of_named if of_named else None
            rows[name][f"recall ({part})"] = 100 * hit / of_there if of_there else None
        st.markdown(
            f"**{part.capitalize()} items**: micro F1 {100 * float(counts.micro_f1()):.0f} %, macro"
            f" F1 {100 * float(counts.macro_f1()):.0f} %."
        )
    percent = st.column_config.NumberColumn(format="%.0f %%")
    st.dataframe(
        pd.DataFrame(rows.values()),
        hide_index=True,
        height="content" if len(rows) < 10 else 320,
        alt="Precision and recall of every label with these thresholds",
        column_config={name: percent for row in rows.values() for name in row if name != "label"},
    )
    if "test" in parts:
        st.caption(
            "Choose by the validation items; the test items only check it. The scores on top are"
            " those of the thresholds that the training has chosen."
        )
    else:
        st.caption(
            "The thresholds were chosen on these very items, so these figures flatter; the score on"
            " top decides each item by thresholds that the others suggest."
        )
