"""The report's further sections: weak slices, confidence, ranking curves."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from pages.shell.words import interval, label, plain
from pages.widgets import charts
from tl_core.evaluate.measures import ClassRanking, ScoredRows, TopK
from tl_core.evaluate.report import Report
from tl_core.evaluate.scores.slices import value_of

_SHOWN_CLASSES = 7  # a chart with more lines than colours cannot be read


def repeated(report: Report) -> None:
    """How much of a small set's score depends on how it was cut into parts."""
    folds = report.get("cross_validation")
    if folds:
        st.caption(
            f"Repeated cross-validation ({folds['repeats']} times, other folds each time) on the"
            f" {folds['rows']:,} items that are not test items: accuracy"
            f" {100 * folds['mean']:.1f} % on average, {100 * folds['low']:.1f} to"
            f" {100 * folds['high']:.1f} depending on the folds."
        )


def most_confused(test: ScoredRows) -> None:
    """The ten pairs that are mixed up most often, both ways together."""
    names, counts = test["confusion"]["labels"], test["confusion"]["counts"]
    pairs = [
        {
            "one": names[i],
            "other": names[j],
            "confused": counts[i][j] + counts[j][i],
            "one predicted as other": counts[i][j],
            "other predicted as one": counts[j][i],
        }
        for i in range(len(names))
        for j in range(i)
        if counts[i][j] + counts[j][i]
    ]
    if len(names) > 2 and pairs:
        st.markdown("**Most often confused**")
        st.dataframe(
            pd.DataFrame(sorted(pairs, key=lambda pair: -pair["confused"])[:10]), hide_index=True
        )


def weak_slices(test: ScoredRows, noun: str) -> None:
    """Kinds of items, those that are answered worse than the rest first."""
    parts = test.get("slices", [])
    if not parts:
        return
    st.subheader("Slices")
    st.caption(f"Are there groups of {noun} on which it is worse?")
    for part in (part for part in parts if part["worse"]):
        st.warning(
            f"**{plain(part['by']).capitalize()} {plain(value_of(part))}**: accuracy"
            f" {100 * part['accuracy']['value']:.0f} %, {100 * part['rest']:.0f} % on the rest."
            f" That is hardly chance (p = {part['p_value']:.3f}, adjusted for the {len(parts)}"
            " slices tested).",
            icon=":material/warning:",
        )
    if not any(part["worse"] for part in parts):
        st.caption(
            f"None of the {len(parts)} slices tested is worse than the rest by more than chance."
        )
    with st.expander("All slices tested"):
        st.dataframe(
            pd.DataFrame(
                [
                    {
                        "by": part["by"],
                        "value": value_of(part),
                        "items": part["n"],
                        "accuracy": 100 * part["accuracy"]["value"],
                        "95 % interval": interval(part["accuracy"]),
                        "on the rest": 100 * part["rest"],
                        "p": part["p_value"],
                    }
                    for part in parts
                ]
            ),
            hide_index=True,
            column_config={
                "accuracy": st.column_config.NumberColumn(
                    format="%.0f %%",
                    help="Share of the items of this slice that are predicted correctly.",
                ),
                "on the rest": st.column_config.NumberColumn(
                    format="%.0f %%", help="Accuracy on all other items."
                ),
                "p": st.column_config.NumberColumn(
                    format="%.3f",
                    help=(
                        "Fisher's exact test against the rest, adjusted "
                        "for the number of slices (Holm)."
                    ),
                ),
            },
        )


def confidence(report: Report, test: ScoredRows) -> None:
    """Stated confidence against how often it is right, on the items of one section of the
    report.
    """
    if not test.get("reliability"):
        return
    st.subheader("Calibration")
    st.caption("Can its confidence be trusted?")
    error = test["ece"]
    st.markdown(
        f"Calibration error: on average its confidence is {100 * error['value']:.1f} points away"
        " from how often it is right. A perfectly calibrated model would show"
        f" {100 * error['expected_if_calibrated']:.1f} on as few items, by chance."
    )
    fitted = report.get("temperature")
    temperature = fitted.get("temperature", 1.0) if fitted else 1.0
    if temperature != 1.0:
        st.caption(
            f"Temperature scaling: its confidence was {'lowered' if temperature > 1 else 'raised'}"
            f" after training, with T = {temperature:.2f} fitted on held-out rows; its predictions"
            " are the same."
        )
    _reliability(test)
    if sets := test.get("conformal"):
        one = sets[0]
        st.caption(
            f"Conformal prediction sets: to cover the true class {100 * one['promised']:.0f}"
            f" times in 100, a set holds {one['mean_size']:.2f} classes on average. On the test"
            " items it covered the true class"
            f" {100 * one['covered']['value']:.0f} times in 100"
            f" ({100 * one['covered']['low']:.0f} to {100 * one['covered']['high']:.0f} is"
            " plausible)."
        )


def _reliability(test: ScoredRows) -> None:
    """Stated confidence against how often it is right, a point for each bin with its interval."""
    bins = test["reliability"]
    figure = go.Figure()
    figure.add_scatter(
        x=[0, 100],
        y=[0, 100],
        mode="lines",
        line={"dash": "dot", "color": charts.SLATE},
        hoverinfo="skip",
    )
    sizes = [8 + 16 * (part["n"] / test["n"]) ** 0.5 for part in bins]
    figure.add_scatter(
        x=[100 * part["confidence"] for part in bins],
        y=[100 * part["accuracy"]["value"] for part in bins],
        mode="markers",
        marker={"color": charts.ACCENT, "size": sizes},
        error_y={
            "type": "data",
            "symmetric": False,
            "color": charts.SLATE,
            "array": [
                100 * (part["accuracy"]["high"] - part["accuracy"]["value"]) for part in bins
            ],
            "arrayminus": [
                100 * (part["accuracy"]["value"] - part["accuracy"]["low"]) for part in bins
            ],
        },
        customdata=[part["n"] for part in bins],
        hovertemplate=(
            "confidence %{x:.0f} %, accuracy %{y:.0f} % (%{customdata} items)<extra></extra>"
        ),
    )
    figure.update_xaxes(title="confidence (%)", range=[0, 104])
    figure.update_yaxes(title="accuracy (%)", range=[0, 105])
    charts.draw(figure, "reliability", 340)


def ranking(test: ScoredRows) -> None:
    """ROC and precision-recall curves, and how near the top the truth is."""
    classes = test.get("ranking", [])
    if not classes:
        return
    with st.expander("ROC and precision-recall curves of each class, and top-k accuracy"):
        names = [part["label"] for part in classes]
        worst = [part["label"] for part in sorted(classes, key=lambda part: part["auc"]["value"])][
            :_SHOWN_CLASSES
        ]
        picked = st.multiselect(
            "Classes",
            names,
            worst,
            max_selections=_SHOWN_CLASSES,
            key="curve_classes",
            help="Preselected: the classes that it separates least well.",
        )
        shown = [part for part in classes if part["label"] in picked]
        _curves(shown)
        _areas(classes)
        _near_misses(test["top_k"])


def _curves(classes: list[ClassRanking]) -> None:
    """ROC on the left, precision against recall on the right, a line for each class."""
    axes = (
        ("roc", "false positive rate (%)", "recall (%)"),
        ("pr", "recall (%)", "precision (%)"),
    )
    for column, (curve, across, up) in zip(st.columns(2), axes, strict=True):
        figure = go.Figure()
        for part, colour in zip(classes, charts.COLOURS, strict=False):
            figure.add_scatter(
                x=[100 * x for x, _ in part[curve]],
                y=[100 * y for _, y in part[curve]],
                mode="lines",
                name=label(part["label"]),
                line={"color": colour},
            )
        figure.update_xaxes(title=across, range=[0, 101])
        figure.update_yaxes(title=up, range=[0, 101])
        figure.update_layout(legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0})
        with column:
            charts.draw(figure, f"curve_{curve}", 320, legend=len(classes) > 1)


def _areas(classes: list[ClassRanking]) -> None:
    """The areas under both curves, class by class."""
    st.dataframe(
        pd.DataFrame(
            [
                {
                    "class": part["label"],
                    "support": part["positives"],
                    "ROC AUC": part["auc"]["value"],
                    "95 % interval": f"{part['auc']['low']:.2f} to {part['auc']['high']:.2f}",
                    "average precision": part["average_precision"]["value"],
                    "95 % interval (average precision)": (
                        f"{part['average_precision']['low']:.2f} to"
                        f" {part['average_precision']['high']:.2f}"
                    ),
                }
                for part in classes
            ]
        ),
        hide_index=True,
        column_config={
            "ROC AUC": st.column_config.NumberColumn(
                format="%.3f", help="1 is perfect, 0.5 is chance."
            ),
            "average precision": st.column_config.NumberColumn(format="%.3f"),
        },
    )


def _near_misses(top_k: list[TopK]) -> None:
    """How often the truth is among the first few answers."""
    for part in top_k[1:]:
        st.markdown(
            f"Top-{part['k']} accuracy {100 * part['accuracy']['value']:.0f} %: the true class is"
            f" among its {part['k']} most probable ones that often."
        )
