"""The first tab of a report: further scores, every class, and what the comparisons say."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pages.sections.evaluate import evidence
from pages.sections.evaluate.subject import Subject
from pages.shell.words import class_in_words, interval, plain
from pages.widgets.glossary import help_of
from pages.widgets.halves import halves
from tl_core.evaluate.compare import compare
from tl_core.evaluate.measures import ClassScores, PairedMeans, ScoredRows
from tl_core.evaluate.report import beside, taught_itself

SCORES = {  # what a score is called, and what it is multiplied with
    "weighted_f1": ("Weighted F1", 100),
    "item_f1": ("F1 of an item", 100),
    "map": ("Mean average precision", 100),
    "hamming_loss": ("Hamming loss", 1),
    "balanced_accuracy": ("Balanced accuracy", 100),
    "macro_f1": ("Macro F1", 100),
    "mcc": ("Matthews correlation", 1),
    "log_loss": ("Log loss", 1),
    "ece": ("Calibration error (ECE)", 1),
    "brier": ("Brier score", 1),
}
_LONG = 16  # characters of a class name that a narrow column cuts
_TABLE = 250  # pixels of the table of classes


def show(subject: Subject) -> None:
    """Scores on the left, comparisons and classes on the right."""
    left, right = halves()
    with left:
        _tiles(subject.judged)
    with right:
        _compared(subject)
        _classes(subject)


def _tiles(judged: ScoredRows) -> None:
    """Every further score with its interval."""
    with st.container(border=True), st.grid(3, min_column_width=140):
        for name, (title, scale) in SCORES.items():
            part = judged.get(name)
            if part is None:  # reports of earlier versions have no Brier score
                continue
            if name == "macro_f1" and "micro_f1" in judged:  # the head of the report has it
                continue
            digits = 0 if scale == 100 else 2
            expected = (
                "A perfectly calibrated model of this size would show"
                f" {part['expected_if_calibrated']:.2f}. "
                if name == "ece"
                else ""
            )
            st.metric(
                title,
                f"{scale * part['value']:.{digits}f}" + (" %" if scale == 100 else ""),
                help=help_of(name.replace("_", " "), f"{expected}Interval: {part['method']}."),
                delta_arrow="off",
                delta_color="off",
                delta=f"{scale * part['low']:.{digits}f} to {scale * part['high']:.{digits}f}",
            )


def _compared(subject: Subject) -> None:
    """The paired sentences: against no transfer, and against the best other run."""
    sentences = []
    against = subject.report.get("against_baseline")
    if against:
        sentences.append(against["sentence"])
        if "item_f1" in against:
            sentences.append(_of_means(against["item_f1"]))
    sentences += beside(subject.report) + taught_itself(subject.report)
    best = subject.rival()
    told = bool(against) and best is not None and best.recipe == "baseline"
    theirs = None if told else subject.rivals_answers()
    if theirs is not None:
        own = subject.answers()
        paired = compare(
            (own["true"] == own["label"]).to_numpy(),
            (theirs["true"] == theirs["label"]).to_numpy(),
            subject.kind,
            ("This run", "the best other run"),
        )
        sentences.append(paired["sentence"])
    st.markdown("\n".join(f"- {plain(sentence)}" for sentence in sentences))
    evidence.repeated(subject.report)


def _of_means(gap: PairedMeans) -> str:
    """The gap in the F1 of an item, in a sentence."""
    ends = gap["difference"]
    return (
        f"F1 of an item: {100 * ends['value']:+.1f} points against the run without transfer"
        f" ({100 * ends['low']:+.1f} to {100 * ends['high']:+.1f} is plausible,"
        f" p = {gap['p_value']:.2g})."
    )


def _row(part: ClassScores) -> dict[str, object]:
    """A line about one class."""
    row: dict[str, object] = {
        "class": part["label"],
        "recall": 100 * part["recall"]["value"],
        "95 % interval": interval(part["recall"]),
        "precision": 100 * part["precision"]["value"],
        "F1": 100 * part["f1"]["value"],
        "support": part["support"],
    }
    if "threshold" in part:
        precise = part.get("average_precision")
        row["average precision"] = 100 * precise["value"] if precise else None
        row["threshold"] = 100 * part["threshold"]
    return {**row, "in words": class_in_words(part)}


def _classes(subject: Subject) -> None:
    """A line for each class, as it finds them and as it names them."""
    st.markdown("**Class by class**")
    parts = subject.judged["per_class"]
    st.dataframe(
        pd.DataFrame([_row(part) for part in parts]),
        hide_index=True,
        height="content" if len(parts) < 7 else _TABLE,
        alt="Recall, precision and F1 of every class",
        column_config={
            "class": st.column_config.TextColumn(
                pinned=True,
                width="medium" if any(len(part["label"]) > _LONG for part in parts) else None,
            ),
            "recall": st.column_config.ProgressColumn(
                format="%.0f %%",
                min_value=0,
                max_value=100,
                help=help_of("recall"),
            ),
            "95 % interval": st.column_config.TextColumn(
                help=help_of("confidence interval", "Of the recall.")
            ),
            "precision": st.column_config.NumberColumn(format="%.0f %%", help=help_of("precision")),
            "F1": st.column_config.NumberColumn(format="%.0f %%", help=help_of("F1")),
            "support": st.column_config.NumberColumn(
                help="How many of the evaluated items are of this class."
            ),
            "average precision": st.column_config.NumberColumn(
                format="%.0f %%", help=help_of("average precision")
            ),
            "threshold": st.column_config.NumberColumn(
                format="%.0f %%",
                help=help_of("threshold", "Here from which probability on the label is named."),
            ),
        },
    )
