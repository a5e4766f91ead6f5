"""What a report tells of learning from rows without a class: how far the pretraining came, the
rounds of a self-training, what a distillation saves.
"""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from pages.shell.words import plain
from pages.widgets import charts, curves
from pages.widgets.axes import score_range
from tl_core.evaluate.report import Report
from tl_core.evaluate.report.schema import DistillationFacts
from tl_core.jobs.events import Points, RunView
from tl_core.modalities import items_of


def show(report: Report, view: RunView) -> None:
    """Whichever the run has done."""
    if facts := report.get("pretraining"):
        items = items_of(report["modality"])
        st.subheader("What it learnt without labels")
        head = (
            " The head for this had no pretrained weights: it is tied to the backbone's table of"
            " words and learnt alone for the first tenth of the steps."
            if facts["fresh_head"] and report["modality"] == "text"
            else ""
        )
        st.markdown(
            f"{plain(facts['objective']).capitalize()} on {facts['rows']:,} {items},"
            f" {facts['unlabelled']:,} of them without a class: {facts['steps']:,} of"
            f" {facts['planned_steps']:,} steps, loss from {facts['first_loss']:.2f} to"
            f" {facts['loss']:.2f}.{head}"
        )
        _left_out(facts["left_out"], items)
        judged = report["validation"]
        if judged and judged["kind"] == "cv":
            st.caption(
                "The network has read the cross-validated items, too, without their classes, so the"
                " validation score may be a little too high. It has not read the test items."
            )
        if view.has_curves:
            curves.show(view, {})
    if taught := report.get("self_training"):
        items = items_of(report["modality"])
        st.subheader("How it taught itself")
        st.markdown(
            f"{taught['rows']:,} {items} without a class; an answer counts as a label from"
            f" {taught['threshold']:.0%} confidence on. "
            + (
                f"Round {taught['kept_round']} is kept."
                if taught["kept_round"]
                else "No round was better on the held-out items: the plain probe is kept."
            )
        )
        _left_out(taught["left_out"], items)
        rounds(
            [
                {"step": float(one["round"]), "accuracy": one["accuracy"]}
                for one in taught["rounds"]
            ],
            [one["taken"] for one in taught["rounds"]],
        )
        named = [f"{plain(name)} {count:,}" for name, count in taught["pseudo_labels"].items()]
        st.caption("Pseudo-labels of the kept round: " + ", ".join(named))
    if facts := report.get("distillation"):
        _distillation(facts, items_of(report["modality"]))


def _distillation(facts: DistillationFacts, items: str) -> None:
    """What the student costs less than its teacher, and how often they agree."""
    big, small = facts["teacher_cost"], facts["student_cost"]
    faster = small["items_per_second"] / big["items_per_second"]
    st.subheader("What the student learnt, and what it costs less")
    st.markdown(
        f"It learnt from {plain(facts['teacher'])} on {facts['labelled']:,} {items} with a class"
        f" and {facts['unlabelled']:,} without one, at temperature {facts['temperature']:g};"
        f" both say the same of {facts['agreement']:.0%} of the test {items}."
    )
    st.dataframe(
        pd.DataFrame(
            [
                {
                    "": name,
                    "weights": cost["parameters"],
                    "megabytes": cost["bytes"] / 1e6,
                    f"{items} a second": cost["items_per_second"],
                }
                for name, cost in (("teacher", big), ("student", small))
            ]
        ),
        hide_index=True,
        column_config={
            "weights": st.column_config.NumberColumn(format="localized"),
            "megabytes": st.column_config.NumberColumn(format="%.1f"),
            f"{items} a second": st.column_config.NumberColumn(format="%.0f"),
        },
    )
    st.caption(
        f"The student is {faster:.1f} times as fast on this machine and"
        f" {big['bytes'] / max(1, small['bytes']):.1f} times smaller."
    )
    _left_out(facts["left_out"], items)


def _left_out(count: int, items: str) -> None:
    if count:
        st.caption(
            f"{count:,} {items} without a class were left out: they are copies of validation or"
            " test items, or belong to their groups."
        )


def rounds(points: Points, taken: list[int] | None = None) -> None:
    """Accuracy on the held-out items after each round; round 0 is the plain probe."""
    values = [100 * point["accuracy"] for point in points]
    figure = go.Figure(
        go.Scatter(
            x=[point["step"] for point in points],
            y=values,
            mode="lines+markers",
            line={"color": charts.ACCENT},
            customdata=taken or [None] * len(points),
            hovertemplate=(
                "round %{x}: accuracy %{y:.1f} %"
                + (", %{customdata:,} pseudo-labels" if taken else "")
                + "<extra></extra>"
            ),
        )
    )
    figure.update_xaxes(title="round (0: the plain probe)", dtick=1)
    figure.update_yaxes(title="accuracy, held out (%)", range=score_range(values))
    charts.draw(figure, "rounds", 240)
