"""What the report tells of a training: how it went, what was done to the backbone, which strategy
to take.
"""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pages.components import charts, layers
from pages.components.shapes import LadderSection, Report
from pages.components.words import duration, plain


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
                    "right in 100": 100 * row["accuracy"]["value"],
                    "plausible": (
                        f"{100 * row['accuracy']['low']:.0f} to {100 * row['accuracy']['high']:.0f}"
                    ),
                    "over seeds": (
                        f"{100 * row['lowest_seed']:.1f} to {100 * row['highest_seed']:.1f}"
                    ),
                    "time": duration(60 * row["minutes"]).removeprefix("about "),
                    "learns": row["trainable_parameters"],
                    "against the best": (
                        "the best"
                        if row["name"] == section["best"]
                        else (
                            f"{'worse' if row['worse_than_best'] else 'chance?'} p ="
                            f" {row['p_against_best']:.3f}"
                        )
                    ),
                }
                for row in section["rows"]
            ]
        ),
        hide_index=True,
        column_config={
            "right in 100": st.column_config.NumberColumn(format="%.1f"),
            "learns": st.column_config.NumberColumn(format="localized", help="Weights that move."),
            "over seeds": st.column_config.TextColumn(
                help="Lowest and highest of the repetitions."
            ),
            "against the best": st.column_config.TextColumn(
                help="A paired test on the same items kept for choosing."
            ),
        },
    )
    for name, error in section["failed"].items():
        st.warning(f"Left out: {plain(name)}. {plain(error['what'])} {plain(error['try_this'])}")
    st.caption(
        "Compared on the items kept for choosing. The rest of this page is about the recommended"
        " one."
    )


def training(report: Report) -> None:
    """How a fine-tuning went, and what was frozen, moved and replaced."""
    facts, settings = report["training"], report["settings"]
    with st.expander("How it was trained"):
        st.markdown(
            f"{plain(facts['reason'])} {facts['steps']:,} of {facts['planned_steps']:,} steps; the"
            f" best state was that after step {facts['best_step']:,}. Learning rate"
            f" {settings['learning_rate']:g}; {plain(settings['precision'])}."
        )
        if report.get("mixture"):
            st.markdown(
                f"The kept state holds {report['mixture']['share']:.0%} of the fine-tuned weights,"
                " the rest of those before (WiSE-FT)."
            )
        if report.get("lr_curve"):
            charts.lr_curve(report["lr_curve"], settings["learning_rate"], "report_lr")
        if report.get("surgery"):
            layers.draw(report["surgery"], "report_layers")
        weights = report.get("class_weights", {})
        if len(set(weights.values())) > 1:
            st.caption(
                "A mistake counted: "
                + ", ".join(f"{plain(name)} {value:.2g}×" for name, value in weights.items())
            )
