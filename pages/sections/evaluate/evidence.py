"""The report's further evidence: weak slices, confidence, ranking curves."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from pages.shell.words import interval, plain
from pages.widgets import charts
from pages.widgets.axes import score_range
from pages.widgets.glossary import help_of
from pages.widgets.halves import halves
from tl_core.evaluate.measures import ClassRanking, ConformalSets, ScoredRows, Slice, TopK
from tl_core.evaluate.report import Report
from tl_core.evaluate.scores.slices import value_of

_SHOWN_SLICES = 16
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


def weak_slices(test: ScoredRows, noun: str) -> None:
    """Kinds of items, those that are answered worse than the rest first."""
    st.subheader("Slices", help=help_of("slices"))
    st.caption(f"Are there groups of {noun} on which it is worse?")
    parts = test.get("slices", [])
    if not parts:
        st.caption(
            f"No slices were tested: nothing is known of these {noun} that tells groups apart, or"
            " there are too few of them."
        )
        return
    left, right = halves()
    with left:
        for part in (part for part in parts if part["worse"]):
            st.warning(
                f"**{plain(part['by']).capitalize()} {plain(value_of(part))}**: accuracy"
                f" {100 * part['accuracy']['value']:.0f} %"
                f" ({interval(part['accuracy'])} is plausible),"
                f" {100 * part['rest']:.0f} % on the rest. That is hardly chance"
                f" (p = {part['p_value']:.3f}, adjusted for the {len(parts)} slices tested).",
                icon=":material/warning:",
            )
        if not any(part["worse"] for part in parts):
            st.caption(
                f"None of the {len(parts)} slices tested is worse than the rest by more than"
                " chance."
            )
        _slice_table(parts)
    with right:
        _slice_dots(parts, test["accuracy"]["value"])


def _slice_table(parts: list[Slice]) -> None:
    """Every slice that was tested."""
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
        alt="All slices tested",
        column_config={
            "accuracy": st.column_config.NumberColumn(
                format="%.0f %%",
                help=help_of("accuracy", "Here of the items of the slice."),
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


def _slice_dots(parts: list[Slice], overall: float) -> None:
    """Accuracy of the weakest slices with their intervals, and a line where all items are."""
    shown = sorted(parts, key=lambda part: part["accuracy"]["value"])[:_SHOWN_SLICES]
    names = [charts.cut(f"{part['by']}: {value_of(part)}", 34) for part in shown]
    places = list(range(len(shown)))
    scores = [part["accuracy"] for part in shown]
    figure = go.Figure(
        go.Scatter(
            x=[100 * score["value"] for score in scores],
            y=places,
            mode="markers",
            marker={
                "size": 11,
                "color": ["#D55E00" if part["worse"] else charts.SLATE for part in shown],
            },
            error_x={
                "type": "data",
                "symmetric": False,
                "color": charts.SLATE,
                "thickness": 1,
                "array": [100 * (score["high"] - score["value"]) for score in scores],
                "arrayminus": [100 * (score["value"] - score["low"]) for score in scores],
            },
            customdata=[[name, part["n"]] for name, part in zip(names, shown, strict=True)],
            hovertemplate=(
                "%{customdata[0]}: accuracy %{x:.0f} % (%{customdata[1]:,} items)<extra></extra>"
            ),
        )
    )
    figure.add_vline(x=100 * overall, line={"color": charts.ACCENT, "dash": "dot"})
    figure.update_xaxes(
        title="accuracy (%); dotted: all items",
        range=score_range([100 * end for one in scores for end in (one["low"], one["high"])]),
    )
    figure.update_yaxes(
        tickvals=places, ticktext=names, autorange="reversed", showgrid=False, zeroline=False
    )
    charts.draw(figure, "slice_dots", 26 * len(shown) + 90)


def confidence(report: Report, test: ScoredRows) -> None:
    """Stated confidence against how often it is right, on the items of one section of the
    report.
    """
    st.subheader("Calibration", help=help_of("calibration"))
    st.caption("Can its confidence be trusted?")
    if not test.get("reliability"):
        st.caption("This report was written before calibration was measured.")
        return
    error = test["ece"]
    st.markdown(
        f"Calibration error: on average its confidence is {100 * error['value']:.1f} points away"
        f" from how often it is right ({100 * error['low']:.1f} to {100 * error['high']:.1f} is"
        " plausible). A perfectly calibrated model would show"
        f" {100 * error['expected_if_calibrated']:.1f} on as few items, by chance."
    )
    _reliability(test)
    fitted = report.get("temperature")
    temperature = fitted.get("temperature", 1.0) if fitted else 1.0
    if temperature != 1.0:
        st.caption(
            f"Temperature scaling: its confidence was {'lowered' if temperature > 1 else 'raised'}"
            f" after training, with T = {temperature:.2f} fitted on held-out rows; its predictions"
            " are the same."
        )
    if sets := test.get("conformal"):
        _sets(sets)


def _sets(sets: list[ConformalSets]) -> None:
    """How many classes a set must hold to cover the truth as often as promised."""
    st.markdown("**Conformal prediction sets**", help=help_of("conformal sets"))
    st.dataframe(
        pd.DataFrame(
            [
                {
                    "promised": 100 * one["promised"],
                    "covered": 100 * one["covered"]["value"],
                    "95 % interval": interval(one["covered"]),
                    "classes in a set": one["mean_size"],
                }
                for one in sets
            ]
        ),
        hide_index=True,
        alt="Conformal prediction sets",
        column_config={
            "promised": st.column_config.NumberColumn(
                format="%.0f %%", help="How often the set is to hold the true class."
            ),
            "covered": st.column_config.NumberColumn(
                format="%.0f %%", help="How often it did, on these items."
            ),
            "classes in a set": st.column_config.NumberColumn(
                format="%.2f", help="On average; 1 is an answer without doubt."
            ),
        },
    )
    one = sets[0]
    st.caption(
        f"To cover the true class {100 * one['promised']:.0f} times in 100, a set holds"
        f" {one['mean_size']:.2f} classes on average. It covered it"
        f" {100 * one['covered']['value']:.0f} times in 100"
        f" ({interval(one['covered'])} is plausible)."
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
    st.subheader("ROC and precision-recall curves", help=help_of("ROC"))
    st.caption("How well does it separate each class from the rest, whatever the threshold?")
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
    _curves([part for part in classes if part["label"] in picked])
    left, right = halves()
    with left:
        _areas(classes)
    with right:
        _near_misses(test["top_k"])


def _curves(classes: list[ClassRanking]) -> None:
    """ROC on the left, precision against recall on the right, a line for each class."""
    axes = (
        ("roc", "false positive rate (%)", "recall (%)"),
        ("pr", "recall (%)", "precision (%)"),
    )
    for column, (curve, across, up) in zip(halves(), axes, strict=True):
        figure = go.Figure()
        for part, colour in zip(classes, charts.COLOURS, strict=False):
            figure.add_scatter(
                x=[100 * x for x, _ in part[curve]],
                y=[100 * y for _, y in part[curve]],
                mode="lines",
                name=charts.cut(part["label"], 26),
                line={"color": colour},
            )
        figure.update_xaxes(title=across, range=[0, 101])
        figure.update_yaxes(title=up, range=[0, 101])
        charts.legend_inside(figure, "bottom right" if curve == "roc" else "bottom left")
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
            "ROC AUC": st.column_config.NumberColumn(format="%.3f", help=help_of("ROC AUC")),
            "average precision": st.column_config.NumberColumn(
                format="%.3f", help=help_of("average precision")
            ),
        },
    )


def _near_misses(top_k: list[TopK]) -> None:
    """How often the truth is among the first few answers."""
    sentences = [
        f"- Top-{part['k']} accuracy {100 * part['accuracy']['value']:.0f} %"
        f" ({interval(part['accuracy'])} is plausible): the true class is among its"
        f" {part['k']} most probable ones that often."
        for part in top_k[1:]
    ]
    st.markdown("\n".join(sentences))
