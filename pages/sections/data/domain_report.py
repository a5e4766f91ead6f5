"""The domains of a dataset: how far they are apart, and each held out in turn."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from pages.shell.words import interval, plain
from pages.widgets import charts
from pages.widgets.glossary import help_of
from pages.widgets.halves import halves
from tl_core.evaluate.measures import Score
from tl_core.results import (
    DomainComparison,
    DomainPair,
    HeldOutByNetworks,
    HeldOutDomain,
    OverDomains,
    UnseenDomains,
)

METHODS = {"erm": "Ordinary probe (ERM)", "coral": "Training domains aligned (CORAL)"}
NETWORKS = {
    "probe": "Probe (network as it is)",
    "erm": "Ordinary fine-tuning (ERM)",
    "coral": "Domains aligned (CORAL)",
    "mixstyle": "Styles mixed (MixStyle)",
    "groupdro": "Worst domain counts more (GroupDRO)",
    "swad": "Weights averaged (SWAD)",
}


def show(found: DomainComparison) -> None:
    """Distances on the left, domains held out on the right."""
    st.markdown(f"**{plain(found['sentence'])}**")
    st.caption(
        f"By {plain(found['column'])}, read with {plain(found['backbone'])}: "
        + ", ".join(
            f"{plain(one['name'])} {one['rows']:,} items"
            + ("" if one["labelled"] == one["rows"] else f", {one['labelled']:,} with a class")
            for one in found["domains"]
        )
        + ". The test items are not used."
    )
    left, right = halves()
    with left:
        _distances(found["pairs"])
    with right:
        st.subheader("A domain never seen", help=help_of("domain generalisation"))
        if found["unseen"]:
            _unseen(found["unseen"])
        else:
            st.info(found["missing"], icon=":material/info:")


def _distances(pairs: list[DomainPair]) -> None:
    """A line for each pair, then each class of the pair that is looked at."""
    st.subheader("How far they are apart", help=help_of("proxy A-distance"))
    measured = [(pair, pair["gap"]) for pair in pairs if pair["gap"]]
    measured.sort(key=lambda one: -one[1]["distance"]["value"])
    if not measured:
        st.caption("There are too few items to tell the domains apart.")
        return
    for _, gap in measured:
        st.markdown(f"- {plain(gap['sentence'])}")
    rows = [
        {
            "domains": f"{pair['one']} / {pair['other']}",
            "class": part["label"],
            "told apart": 100 * part["gap"]["told_apart"]["value"],
            "95 % interval": interval(part["gap"]["told_apart"]),
            "distance": part["gap"]["distance"]["value"],
        }
        for pair, _ in measured
        for part in pair["classes"]
    ]
    if rows:
        with st.expander("Class by class"):
            st.dataframe(
                pd.DataFrame(rows),
                hide_index=True,
                alt="How far the domains are apart within each class",
                column_config={
                    "told apart": st.column_config.NumberColumn(
                        format="%.0f %%", help="Chance is 50 %."
                    ),
                    "distance": st.column_config.NumberColumn(
                        format="%.2f", help=help_of("proxy A-distance")
                    ),
                },
            )


def _unseen(unseen: UnseenDomains) -> None:
    """What probes do."""
    _held_out(unseen["held_out"], unseen["methods"], METHODS, "unseen")
    if unseen["gain"]:
        st.markdown(plain(unseen["gain"]["sentence"]))
    st.caption(f"Choice: {unseen['rule']}. Nothing of a held-out domain was read before.")


def show_networks(found: HeldOutByNetworks) -> None:
    """What fine-tuned networks do, the probe beside them."""
    st.markdown(f"**{plain(found['sentence'])}**")
    _held_out(found["held_out"], found["methods"], NETWORKS, "held_out_networks")
    for gain in found["gains"]:
        st.markdown(f"- {plain(gain['sentence'])}")
    st.caption(
        f"By {plain(found['column'])}, from {plain(found['backbone'])}. Choice: {found['rule']}."
        " Nothing of a held-out domain was read before; the test items are not used. Which method"
        " is best here is known only afterwards: whoever takes it for that promises too much."
    )


def _held_out(
    held_out: list[HeldOutDomain], methods: list[OverDomains], titles: dict[str, str], key: str
) -> None:
    """Bars of each domain, then mean and worst of each method."""
    shown = {one["method"]: titles[one["method"]] for one in methods}
    copies = {one["domain"]: one.get("left_out", 0) for one in held_out}
    if left_out := [f"{count:,} for {name}" for name, count in copies.items() if count]:
        st.caption(
            "Items that are copies of what was asked, or of a group with it, were not learnt from: "
            + plain(", ".join(left_out))
            + "."
        )
    height = 90 + (30 + 20 * len(shown)) * len(held_out)
    charts.draw(_bars(held_out, shown), key, height, legend=True)
    st.dataframe(
        pd.DataFrame(
            [
                {
                    "method": titles[one["method"]],
                    "mean": 100 * one["mean"]["value"],
                    "mean, 95 %": interval(one["mean"]),
                    "worst": 100 * one["worst"]["value"],
                    "worst, 95 %": interval(one["worst"]),
                    "worst domain": one["worst_domain"],
                }
                for one in methods
            ]
        ),
        hide_index=True,
        alt="Mean and worst accuracy over the domains held out",
        column_config={
            name: st.column_config.NumberColumn(format="%.0f %%") for name in ("mean", "worst")
        },
    )


def _bars(held_out: list[HeldOutDomain], shown: dict[str, str]) -> go.Figure:
    """Accuracy by held-out domain and method, with a probe of that domain's own as a mark."""
    figure = go.Figure()
    domains = [one["domain"] for one in held_out]
    colours = (charts.ACCENT, charts.SLATE, *charts.COLOURS[2:-1])
    for (method, title), colour in zip(shown.items(), colours, strict=False):
        scores = [one["scores"][method] for one in held_out]
        figure.add_bar(
            y=domains,
            x=[100 * score["value"] for score in scores],
            orientation="h",
            name=title,
            marker_color=colour,
            error_x=_whiskers(scores),
            hovertemplate="%{y}: %{x:.0f} %<extra></extra>",
        )
    own = [(one["domain"], one["inside"]) for one in held_out]
    known = [(name, score) for name, score in own if score]
    figure.add_scatter(
        y=[name for name, _ in known],
        x=[100 * score["value"] for _, score in known],
        mode="markers",
        name="a probe of its own",
        marker={"symbol": "line-ns-open", "size": 16, "color": charts.BLUE},
        hovertemplate="%{y}: %{x:.0f} % with labels of its own<extra></extra>",
    )
    figure.update_xaxes(title="accuracy (%)", range=[0, 100])
    figure.update_layout(barmode="group")
    return figure


def _whiskers(scores: list[Score]) -> dict[str, object]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [100 * (score["high"] - score["value"]) for score in scores],
        "arrayminus": [100 * (score["value"] - score["low"]) for score in scores],
    }
