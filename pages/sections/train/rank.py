"""Not sure which one? Several backbones on a sample of the user's own data, with what the best is
worth and costs.
"""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from pages.sections.train import backbones
from pages.shell import frame, problems, rights, run_panel, services
from pages.shell.words import interval, label, plain
from pages.widgets import at_once, charts
from pages.widgets.glossary import help_of
from tl_core.config import RunConfig
from tl_core.evaluate.measures import RankedBackbone
from tl_core.registry.datasets import DatasetRecord
from tl_core.registry.run import ACTIVE, Run
from tl_core.results import RANKING

_MOST = 8
_ROWS = (200, 1000, 5000)
_SCORES = {
    "logme": "LogME",
    "h_score": "H-score",
    "knn": "nearest neighbours",
    "leep": "LEEP",
    "nce": "NCE",
}


def show(record: DatasetRecord, at_hand: list[str], others: list[str]) -> str:
    """Choose candidates and rank them; gives the reference whose button was pressed."""
    run = run_panel.of_dataset(record.reference, "rank")
    st.caption(
        "Each reads a sample of your training items once, and a quick classifier is judged on its"
        " features by cross-validation. The test items are not used."
    )
    with problems.caught():
        info = services.version_info(record.folder)
    if frame.lack_labels(record, info, judged=False):
        return ""
    _offer(record, at_hand, others, busy=bool(run and run.status in ACTIVE))
    return run_panel.show(run, "Reading your items with each of them…", _result) or ""


def _offer(record: DatasetRecord, at_hand: list[str], others: list[str], *, busy: bool) -> None:
    """Candidates, the size of the sample, and the button."""
    known = [*at_hand, *others]
    picked = st.multiselect(
        "Candidates",
        known,
        (at_hand if len(at_hand) > 1 else known)[:3],
        max_selections=_MOST,
        accept_new_options=True,
        key="candidates",
        help="Type hub:<owner>/<name> for any other one of the Hub.",
    )
    depths = st.toggle(
        "Also compare their depths",
        key="rank_depths",
        help=(
            "Reads each of them after every one of its blocks, and after all side by side: early"
            " blocks can serve better when your items look unlike those of the pretraining. Takes"
            " several times as long."
        ),
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        rows = st.selectbox(
            "Items in the sample", _ROWS, 1, format_func="{:,}".format, key="rank_rows", width=170
        )
        processes = at_once.chosen("rank_at_once", len(picked), len(picked))
        why = rights.against(rights.WORK, record)
        if not st.button(
            "Rank them on my data",
            icon=":material/leaderboard:",
            disabled=busy or bool(why) or len(picked) < 2 - depths,
            help=why or None,
        ):
            return
    with problems.caught():
        candidates = [backbones.allowed(reference) for reference in picked]
        config = RunConfig(
            "rank",
            services.user(),
            record.reference,
            str(record.folder),
            options={
                "backbones": candidates,
                "rows": rows,
                "depths": depths,
                "processes": processes,
            },
        )
    run_panel.start(config, "rank")
    st.rerun()


def _result(run: Run) -> str:
    with problems.caught():
        result = RANKING.load(run.folder)
    st.markdown(f"#### {plain(result['sentence'])}")
    _chart(result["ranking"])
    _table(result["ranking"])
    if result["agreement"]:
        taus = ", ".join(
            f"{_SCORES[name]} {value:.1f}" for name, value in result["agreement"].items()
        )
        st.caption(
            "Order by each score against the order by accuracy (Kendall's tau; 1 is the same, 0"
            f" none): {taus}. The best of several was picked by these very items, so its lead is"
            " slightly overestimated."
        )
    for one in result["failed"]:
        st.warning(
            f"Left out: {plain(one['backbone'])}. {plain(one['error']['what'])}"
            f" {plain(one['error']['why'])}"
        )
    if st.button(
        f"Use {plain(result['recommended_name'])}",
        type="primary",
        icon=":material/check:",
        key="use_recommended",
    ):
        st.session_state["depth"] = result["recommended_depth"]
        return result["recommended"]
    return ""


def _table(ranking: list[RankedBackbone]) -> None:
    """The score of each, what else speaks for it, and what it costs."""
    st.dataframe(
        pd.DataFrame(
            [
                {
                    "backbone": one["name"],
                    "accuracy": 100 * one["probe"]["value"],
                    "95 % interval": interval(one["probe"]),
                    "k-NN accuracy": 100 * one["knn"],
                    "LogME": one["logme"],
                    "H-score": one["h_score"],
                    "LEEP": one["leep"],
                    "items/s": one["items_per_second"],
                    "weights": one["parameters"] / 1e6,
                }
                for one in ranking
            ]
        ),
        hide_index=True,
        column_config={
            "accuracy": st.column_config.NumberColumn(
                format="%.1f %%",
                help=help_of(
                    "accuracy", "Of a linear classifier on its features (probe), cross-validated."
                ),
            ),
            "k-NN accuracy": st.column_config.NumberColumn(
                format="%.1f %%", help="When the five nearest items vote for the class."
            ),
            "LogME": st.column_config.NumberColumn(
                format="%.3f", help="Log evidence of a linear model; higher is better."
            ),
            "H-score": st.column_config.NumberColumn(
                format="%.2f",
                help="How far apart the classes are, relative to their spread; higher is better.",
            ),
            "LEEP": st.column_config.NumberColumn(
                format="%.2f",
                help="From the classes of its own pretraining, where it still has them; nearer to"
                " 0 is better.",
            ),
            "items/s": st.column_config.NumberColumn(
                format="%.0f", help="Items per second, measured on this machine."
            ),
            "weights": st.column_config.NumberColumn(format="%.1f M"),
        },
    )


def _short(one: RankedBackbone) -> str:
    """A name that fits beside a point: of several depths only the depth."""
    if one.get("depth"):
        return "all blocks" if one["depth"] < 0 else f"block {one['depth']}"
    return one["name"].rpartition("/")[2].removeprefix("local:")


def _chart(ranking: list[RankedBackbone]) -> None:
    """Accuracy with its interval against the time that 1,000 items take here."""
    scores = [one["probe"] for one in ranking]
    colours = [charts.ACCENT, *[charts.SLATE] * (len(ranking) - 1)]
    figure = go.Figure(
        go.Scatter(
            x=[1000 / one["items_per_second"] for one in ranking],
            y=[100 * score["value"] for score in scores],
            mode="markers+text",
            text=[label(_short(one)) for one in ranking],
            textposition=["top center", "bottom center"] * (len(ranking) // 2)
            + ["top center"] * (len(ranking) % 2),
            marker={"size": 11, "color": colours},
            error_y={
                "type": "data",
                "symmetric": False,
                "color": charts.SLATE,
                "array": [100 * (score["high"] - score["value"]) for score in scores],
                "arrayminus": [100 * (score["value"] - score["low"]) for score in scores],
            },
            hovertemplate=(
                "%{text}: accuracy %{y:.1f} %, %{x:.1f} s for 1,000 items<extra></extra>"
            ),
        )
    )
    slowest = max(1000 / one["items_per_second"] for one in ranking)
    figure.update_xaxes(
        title="seconds for 1,000 items on this machine", range=[-0.1 * slowest, 1.4 * slowest]
    )
    figure.update_yaxes(title="probe accuracy (%)")
    charts.draw(figure, "ranked", 320)
