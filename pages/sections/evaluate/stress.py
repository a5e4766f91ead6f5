"""How a trained model does on worse versions of its test items: asked for by a button, shown in the
report.
"""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from pages.sections.items.item_pages import pages_of
from pages.shell import problems, rights, run_panel, services, state
from pages.shell.words import interval, label, plain
from pages.widgets import charts
from pages.widgets.axes import End, label_ends, score_range
from pages.widgets.halves import halves
from tl_core.config import RunConfig
from tl_core.modalities import items_of
from tl_core.registry.run import Run
from tl_core.results import ROBUSTNESS, WorsenedItems

_HIGH = 340  # pixels of the chart


def show(run: Run, show_items: Callable[[list[int]], None]) -> None:
    """The button, the wait, or the table; `show_items` draws the test items of some rows."""
    st.subheader("Degraded items")
    st.caption("How much worse is it on degraded items?")
    if not (run.folder / "model").is_dir():
        st.caption("This run keeps no model that could be tried.")
        return
    run_panel.show(
        run_panel.of_run(run.id, "stress"),
        "Predicting degraded items…",
        lambda tried: _results(tried, show_items),
        lambda: _not_tried() if state.only_reads() else _offer(run),
    )


def _not_tried() -> None:
    st.caption("Nobody has tried it on degraded items yet.")


def _offer(run: Run) -> None:
    if why := rights.against(rights.WORK, run.dataset):
        _not_tried()
        st.caption(why)
        return
    with problems.caught():
        record = services.datasets().get(run.dataset)
    items, worsened = items_of(record.modality), pages_of(record.modality).worsened
    st.caption(f"Predicts degraded versions of up to 300 test {items}: {worsened}.")
    if st.button("Test on degraded items", icon=":material/storm:"):
        options = {"run": run.id}
        config = RunConfig(
            "stress", services.user(), run.dataset, str(record.folder), options=options
        )
        run_panel.start(config, "stress")
        st.rerun()


def _results(tried: Run, show_items: Callable[[list[int]], None]) -> None:
    """What the trial found: a sentence, lines beside a table, and the answers that changed."""
    with problems.caught():
        result = ROBUSTNESS.load(tried.folder)
    clean = result["clean"]
    st.markdown(f"**{plain(result['sentence'])}**")
    st.caption(
        f"Accuracy (%) on {result['n']:,} test items; as they are: {100 * clean['value']:.0f} "
        f"({interval(clean)})."
    )
    left, right = halves()
    with left:
        _lines(result["rows"], clean["value"])
    with right:
        _table(result["rows"])
    flipped = {
        f"{part['kind']}, severity {part['severity']}": part["flipped"]
        for part in result["rows"]
        if part["flipped"]
    }
    if flipped and (
        picked := st.selectbox(
            "Items that it had right and now gets wrong",
            list(flipped),
            index=None,
            placeholder="after…",
            key="flips",
            help="Shows the items, as they were before the change.",
        )
    ):
        show_items(flipped[picked])


def _lines(rows: list[WorsenedItems], clean: float) -> None:
    """Accuracy by severity, a line for each change with its name at its end."""
    kinds = list(dict.fromkeys(part["kind"] for part in rows))
    figure = go.Figure()
    ends = []
    for number, kind in enumerate(kinds):
        own = sorted(
            (part for part in rows if part["kind"] == kind), key=lambda part: part["severity"]
        )
        values = [100 * clean, *(100 * part["accuracy"]["value"] for part in own)]
        colour = charts.COLOURS[number % len(charts.COLOURS)]
        ends.append(End(kind, len(values) - 1, values[-1], colour))
        figure.add_scatter(
            x=list(range(len(values))),
            y=values,
            mode="lines+markers",
            name=label(kind),
            line={"color": colour, "width": 1.5},
            hovertemplate="%{y:.0f} %",
        )
    low, high = score_range([100 * clean, *(100 * part["accuracy"]["value"] for part in rows)])
    label_ends(figure, ends, low, high, _HIGH)
    figure.update_xaxes(
        tickvals=[0, 1, 2, 3],
        ticktext=["as it is", "mild", "medium", "strong"],
        range=[-0.1, 3.1],
        showgrid=False,
    )
    figure.update_yaxes(title="accuracy (%)", range=[low, high])
    charts.draw(figure, "stress_lines", _HIGH)


def _table(rows: list[WorsenedItems]) -> None:
    """A line for each change, a column for each severity."""
    kinds = list(dict.fromkeys(part["kind"] for part in rows))
    by = {(part["kind"], part["severity"]): part["accuracy"] for part in rows}
    st.dataframe(
        pd.DataFrame(
            [
                {
                    "change": kind,
                    **{
                        name: 100 * by[kind, level]["value"]
                        for level, name in ((1, "mild"), (2, "medium"), (3, "strong"))
                    },
                    "95 % interval, strong": interval(by[kind, 3]),
                }
                for kind in kinds
            ]
        ),
        hide_index=True,
        alt="Accuracy by kind and severity of the change",
        column_config={
            name: st.column_config.NumberColumn(format="%.0f")
            for name in ("mild", "medium", "strong")
        },
    )
