"""What episodes taught: how each way to learn from few labels did on classes held out."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pages.shell.words import interval, plain
from pages.widgets.glossary import help_of
from tl_core.evaluate.report.schema import EpisodeSection


def show(section: EpisodeSection) -> None:
    """The sentence, and a line for each method with its gap to the probe."""
    st.subheader("Fast adaptation over episodes", help=help_of("episode"))
    st.markdown(f"**{plain(section['sentence'])}**")
    learn, choose, judge = section["classes"]
    st.caption(
        f"{section['ways']:.3g} classes an episode, {section['shots']} labels each; guessing is"
        f" right {100 * section['chance']:.0f} times in 100. Learnt from {learn} classes of"
        f" {plain(', '.join(section['sources']))}; {choose} others chose, {judge} others judge."
        " The intervals are over episodes of these classes; other classes would differ more."
    )
    lines = []
    for one in section["methods"]:
        gap = one["against_probe"]
        ends = gap["difference"] if gap else None
        lines.append(
            {
                "method": one["name"] + (" (taken)" if one["name"] == section["taken"] else ""),
                "accuracy": 100 * one["accuracy"]["value"],
                "95 % interval": interval(one["accuracy"]),
                "against the probe": (
                    f"{100 * ends['value']:+.1f} ({100 * ends['low']:+.1f} to"
                    f" {100 * ends['high']:+.1f})"
                    if ends
                    else ""
                ),
                "p": gap["p_value"] if gap else None,
            }
        )
    st.dataframe(
        pd.DataFrame(lines),
        hide_index=True,
        height="content",
        alt="Accuracy of each method over episodes of held-out classes",
        column_config={
            "accuracy": st.column_config.ProgressColumn(
                format="%.1f %%", min_value=0, max_value=100, help=help_of("accuracy")
            ),
            "against the probe": st.column_config.TextColumn(
                help="In points, over the same episodes, with its interval."
            ),
            "p": st.column_config.NumberColumn(
                format="%.3f", help="Paired randomisation test over the episodes."
            ),
        },
    )
