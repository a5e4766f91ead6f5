"""Learning curves: of a probe, and on request of a whole training, with where their trend leads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from pages.sections.train import backbones
from pages.shell import problems, rights, run_panel, services
from pages.shell.words import plain
from pages.widgets import charts
from pages.widgets.glossary import help_of
from tl_core.config import STRATEGIES, RunConfig
from tl_core.evaluate.measures import ClassGain, CurvePoint
from tl_core.registry.datasets import DatasetRecord
from tl_core.registry.run import Run
from tl_core.results import LEARNING_CURVE, LearningCurve


def curve(result: LearningCurve, key: str, note: str) -> None:
    """Accuracy by training items with its band, and the trend with its uncertainty."""
    charts.draw(_figure(result["points"], result["ahead"]), key, 340)
    st.caption(
        f"{note}; the dotted line extrapolates the trend (a power law). The test items are not"
        " used."
    )
    with st.expander("Class by class: what the last step added"):
        _classes(result["classes"])


def _figure(points: Sequence[CurvePoint], ahead: Sequence[CurvePoint]) -> go.Figure:
    sizes = [point["rows"] for point in points]
    figure = go.Figure()
    figure.add_scatter(
        x=[*sizes, *sizes[::-1]],
        y=[100 * point["high"] for point in points]
        + [100 * point["low"] for point in points[::-1]],
        fill="toself",
        mode="none",
        fillcolor="rgba(0, 158, 115, 0.18)",
        hoverinfo="skip",
    )
    figure.add_scatter(
        x=sizes,
        y=[100 * point["value"] for point in points],
        mode="lines+markers",
        line={"color": charts.ACCENT},
        hovertemplate="%{x:,.0f} items: accuracy %{y:.1f} %<extra></extra>",
    )
    figure.add_scatter(
        x=[sizes[-1], *(point["rows"] for point in ahead)],
        y=[100 * points[-1]["value"], *(100 * point["value"] for point in ahead)],
        mode="lines+markers",
        line={"color": charts.SLATE, "dash": "dot"},
        hovertemplate="with %{x:,.0f}: about %{y:.1f} %<extra></extra>",
        error_y={
            "type": "data",
            "symmetric": False,
            "color": charts.SLATE,
            "array": [0, *(100 * (point["high"] - point["value"]) for point in ahead)],
            "arrayminus": [0, *(100 * (point["value"] - point["low"]) for point in ahead)],
        },
    )
    figure.update_xaxes(type="log", title="training items", dtick=1)
    figure.update_yaxes(title="accuracy on held-out items (%)")
    return figure


def _classes(classes: list[ClassGain]) -> None:
    """Recall of each class, and what the last step of the curve added to it."""
    st.dataframe(
        pd.DataFrame(
            [
                {
                    "class": part["label"],
                    "recall": 100 * part["recall"],
                    "gain of the last step": 100 * part["gain"],
                }
                for part in classes
            ]
        ),
        hide_index=True,
        column_config={
            "recall": st.column_config.NumberColumn(format="%.0f %%", help=help_of("recall")),
            "gain of the last step": st.column_config.NumberColumn(
                format="%+.0f", help="In points of recall."
            ),
        },
    )


def of_training(record: DatasetRecord) -> None:
    """The same for a fine-tuning: the last one on this version with its settings, else the default
    one.
    """
    st.subheader("And with fine-tuning?", help=help_of("fine-tuning"))
    run_panel.show(
        run_panel.of_dataset(record.reference, "curve"),
        "Training on more and more items…",
        _show_tried,
        lambda: _offer(record),
    )


def _show_tried(tried: Run) -> None:
    config = RunConfig.read(tried.folder)
    with problems.caught():
        result = LEARNING_CURVE.load(tried.folder)
    strategy = STRATEGIES[config.options.get("strategy", "lpft")]
    st.caption(plain(f"{strategy.title} on {config.backbone}"))
    st.markdown(f"**{plain(result['advice'])}**")
    curve(
        result,
        "tuned_growth",
        f"One training each, evaluated on the same {result['validation_rows']:,} validation"
        " items; the band is the 95 % interval",
    )


def _offer(record: DatasetRecord) -> None:
    """The button, and with which settings."""
    with problems.caught():
        earlier = next(
            (
                run
                for run in services.runs().of_dataset(record.reference)
                if run.kind == "train" and run.status == "done" and run.recipe == "finetune"
            ),
            None,
        )
        if earlier:
            config = replace(rights.anew(earlier), kind="curve", sealed=False)
        else:
            config = RunConfig(
                "curve",
                services.user(),
                record.reference,
                str(record.folder),
                backbones.for_dataset(record),
                "finetune",
                {"strategy": "lpft"},
            )
    st.caption(
        "Repeats the training on an eighth, a quarter, half and all of the training items, "
        + (
            f"with the settings of run {earlier.id}. It takes about twice as long as that run."
            if earlier
            else f"as a probe that is then fine-tuned, on {plain(config.backbone)}."
        )
    )
    why = rights.against(rights.WORK, record)
    if st.button(
        "Learning curve of a fine-tuning",
        icon=":material/stacked_line_chart:",
        disabled=bool(why),
        help=why or None,
    ):
        run_panel.start(config, "curve")
        st.rerun()
