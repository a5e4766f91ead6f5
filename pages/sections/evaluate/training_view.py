"""What the report tells of a training: how it went, what was done to the backbone, which strategy
to take.
"""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pages.shell.words import duration, interval, plain
from pages.widgets import charts, curves, layers
from pages.widgets.glossary import help_of
from pages.widgets.halves import halves
from tl_core.evaluate.report import Report
from tl_core.evaluate.report.schema import LadderSection
from tl_core.jobs.events import RunView


def ladder(section: LadderSection) -> None:
    """Score against cost of every strategy, and the paired tests behind the recommendation."""
    st.subheader("Which strategy?")
    charts.cost_and_score(section["rows"], section["recommended"], "ladder")
    st.dataframe(
        pd.DataFrame(
            [
                {
                    "strategy": (
                        row["title"] + (" ✓" if row["name"] == section["recommended"] else "")
                    ),
                    "accuracy": 100 * row["accuracy"]["value"],
                    "95 % interval": interval(row["accuracy"]),
                    "over seeds": (
                        f"{100 * row['lowest_seed']:.1f} to {100 * row['highest_seed']:.1f}"
                    ),
                    "time": duration(60 * row["minutes"]).removeprefix("about "),
                    "trainable weights": row["trainable_parameters"],
                    "against the best": (
                        "the best"
                        if row["name"] == section["best"]
                        else (
                            f"{'worse' if row['worse_than_best'] else 'not clearly worse'}, p ="
                            f" {row['p_against_best']:.3f}"
                        )
                    ),
                }
                for row in section["rows"]
            ]
        ),
        hide_index=True,
        column_config={
            "accuracy": st.column_config.NumberColumn(
                format="%.1f %%", help=help_of("accuracy", "Of the validation items.")
            ),
            "trainable weights": st.column_config.NumberColumn(format="localized"),
            "over seeds": st.column_config.TextColumn(
                help="Lowest and highest accuracy of the repetitions with other seeds."
            ),
            "against the best": st.column_config.TextColumn(
                help=help_of("paired test", "Here on the validation items.")
            ),
        },
    )
    for name, error in section["failed"].items():
        what, advice = str(error["what"]), str(error["try_this"])
        st.warning(f"Left out: {plain(name)}. {plain(what)} {plain(advice)}")
    st.caption(
        "Compared on the validation items. The rest of this report is about the recommended one."
    )


def training(report: Report, view: RunView) -> None:
    """How a fine-tuning went, and what was frozen, moved and replaced."""
    facts, settings = report["training"], report["settings"]
    rate = float(str(settings["learning_rate"]))
    st.subheader("How it was trained")
    st.markdown(
        f"{plain(facts['reason'])} {facts['steps']:,} of {facts['planned_steps']:,} steps; the"
        f" best state was that after step {facts['best_step']:,}. Learning rate"
        f" {rate:g}; {plain(str(settings['precision']))}."
    )
    if report.get("mixture"):
        st.markdown(
            "The saved weights are an average (WiSE-FT):"
            f" {report['mixture']['share']:.0%} fine-tuned, the rest as before the training."
        )
    if view.has_curves:
        curves.show(view, {})
    weights = report.get("class_weights", {})
    if len(set(weights.values())) > 1:
        st.caption(
            "Class weights in the loss: "
            + ", ".join(f"{plain(name)} {value:.2g}×" for name, value in weights.items())
        )


def parts(report: Report) -> None:
    """What was chosen on the way: layers, learning rate, penalty; beside it settings and
    environment.
    """
    left, right = halves()
    with left:
        if report.get("surgery"):
            st.markdown("**Which layers learnt**")
            layers.draw(report["surgery"], "report_layers")
        if report.get("lr_curve"):
            st.markdown("**The search for a learning rate**")
            rate = float(str(report["settings"]["learning_rate"]))
            charts.lr_curve(report["lr_curve"], rate, "report_lr")
        if report.get("sweep"):
            st.markdown("**How the penalty was chosen**")
            st.caption(
                "How many held-out items are right, with all of their labels, at each strength of"
                " the weight penalty. The log loss chooses."
            )
            curves.penalty(report["sweep"], "report_sweep", 240)
    with right:
        st.subheader("Settings, timing and environment")
        st.json(
            {
                "settings": report["settings"],
                "timing in seconds": report["timing"],
                "model": report.get("model"),
                "checked after saving": report.get("parity"),
                "environment": report["environment"],
            },
            expanded=1,
        )
