"""When should a person decide? A threshold of confidence, by eye or by what mistakes cost, kept
with the model.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from pages.sections.evaluate import test_score
from pages.shell import problems, rights
from pages.widgets import charts
from pages.widgets.axes import score_range
from pages.widgets.glossary import help_of
from tl_core.evaluate.measures import CoveragePoint
from tl_core.evaluate.report import Report
from tl_core.evaluate.scores.intervals import wilson
from tl_core.evaluate.scores.thresholds import cheapest_threshold
from tl_core.predict.threshold import read_threshold, save_threshold
from tl_core.registry.run import Run

_PERSON = 0.2  # of a mistake: what a look by a person costs until somebody says otherwise


def show(report: Report, run: Run) -> None:
    """A threshold chosen on held-out rows, what it does on the test items, and a button that keeps
    it.
    """
    curve = (report.get("validation") or {}).get("coverage")
    model = run.folder / "model"
    st.subheader("Confidence threshold", help=help_of("threshold"))
    st.caption("When should a person decide?")
    if not curve or not model.is_dir():
        st.caption("This run has no validation items, or no model, to choose a threshold for.")
        return
    kept = read_threshold(model)
    st.session_state.setdefault(f"least_sure {run.id}", round(100 * kept))
    least = st.slider(
        "Answer only when it is at least this sure (%)",
        0,
        99,
        key=f"least_sure {run.id}",
        help="Chosen on the validation items; the test items below only check it.",
    )
    _tiles(report, curve, least)
    _coverage(curve)
    why = rights.against(rights.WORK, run)
    if round(100 * kept) != least and st.button(
        "Keep this threshold with the model",
        icon=":material/save:",
        disabled=bool(why),
        help=why or None,
    ):
        with problems.caught():
            rights.require(rights.WORK, run)
            save_threshold(model, least / 100)
        st.rerun()
    if (run.folder / "validation.csv").is_file():
        costs(report, run)
    if kept:
        st.caption(
            f"Saved: predictions that are less than {kept:.0%} sure are marked for review"
            " by a person."
        )


def _tiles(report: Report, curve: list[CoveragePoint], least: int) -> None:
    """How often it is right above the threshold, on validation and test items."""
    parts = [("validation", curve)] + (
        [("test", report["test"]["coverage"])] if report["test"] else []
    )
    text = help_of("accuracy", "Here of the items that it answers; their share is the coverage.")
    for column, (name, points) in zip(st.columns(2), parts, strict=False):
        title = f"Accuracy when it answers ({name})"
        answered = [point for point in points if 100 * point["threshold"] >= least]
        if not answered:
            column.metric(title, "none answered", border=True, help=text)
            continue
        point = answered[-1]
        low, high = wilson(point["right"], point["answered"])
        column.metric(
            title,
            f"{100 * point['accuracy']:.0f} %",
            border=True,
            help=text,
            delta=f"{100 * low:.0f} to {100 * high:.0f}; answers {point['coverage']:.0%}",
            delta_arrow="off",
            delta_color="off",
        )


def _coverage(curve: list[CoveragePoint]) -> None:
    """Accuracy against the share of items that it answers, over all thresholds."""
    figure = go.Figure(
        go.Scatter(
            x=[100 * point["coverage"] for point in curve],
            y=[100 * point["accuracy"] for point in curve],
            mode="lines",
            line={"color": charts.ACCENT},
            customdata=[100 * point["threshold"] for point in curve],
            hovertemplate=(
                "coverage %{x:.0f} %, accuracy %{y:.0f} % (threshold %{customdata:.0f}"
                " %)<extra></extra>"
            ),
        )
    )
    figure.update_xaxes(title="coverage: share of items it answers (%)", range=[0, 101])
    values = [100 * point["accuracy"] for point in curve]
    figure.update_yaxes(title="accuracy (%)", range=score_range(values))
    charts.draw(figure, "coverage", 240)


def costs(report: Report, run: Run) -> None:
    """What mistakes on each class and a person's look cost, and the threshold that is cheapest by
    these prices.
    """
    box = st.expander("What do mistakes cost?", key=f"costs_open {run.id}", on_change="rerun")
    if not box.open:
        return
    with box:
        st.caption("In any unit, such as money or minutes. Only the ratios matter.")
        left, right = st.columns([2, 3])
        person = left.number_input(
            "Cost of a review by a person", 0.0, 1e6, _PERSON, step=0.1, key="person_cost"
        )
        table = right.data_editor(
            pd.DataFrame({"class": report["labels"], "costs": 1.0}),
            hide_index=True,
            key="costs",
            disabled=["class"],
            column_config={
                "costs": st.column_config.NumberColumn(
                    "cost of a wrong answer on this class",
                    min_value=0.0,
                    max_value=1e6,
                    required=True,
                )
            },
        )
        price = dict(zip(table["class"], table["costs"], strict=True))
        with problems.caught():
            cheapest = cheapest_threshold(
                *_prices(test_score.answers_of(run, "validation.csv"), price), person
            )
        left.metric(
            "Cheapest threshold",
            f"{100 * cheapest.threshold:.0f} %",
            border=True,
            delta_arrow="off",
            delta_color="off",
            delta=f"costs {100 * cheapest.cost:.3g} for 100",
            help=help_of("threshold"),
        )
        left.caption(f"If it always answers: {100 * cheapest.always:.3g} for 100.")
        if report["test"] is not None:
            cost, confidence = _prices(test_score.answers_of(run, "predictions.csv"), price)
            paid = np.where(confidence >= cheapest.threshold, cost, person).mean()
            left.caption(
                f"Checked on the test items: {100 * paid:.3g} for 100, {100 * cost.mean():.3g} if"
                " it always answers."
            )
        left.button(
            "Take it",
            icon=":material/check:",
            on_click=_take,
            args=(run.id, cheapest.threshold),
            help="Sets the slider to this threshold; nothing is saved yet.",
        )


def _prices(answers: pd.DataFrame, price: dict[str, float]) -> tuple[np.ndarray, np.ndarray]:
    """What each answer would cost, 0 where it is right, and how sure it is."""
    wrong = (answers["true"] != answers["label"]).to_numpy()
    return wrong * answers["true"].map(price).to_numpy(dtype=float), answers["confidence"].to_numpy(
        dtype=float
    )


def _take(run_id: str, threshold: float) -> None:
    st.session_state[f"least_sure {run_id}"] = min(99, int(np.ceil(100 * threshold)))
