"""How a trained model does on worse versions of its test items: asked for by a button, shown in the
report.
"""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st

from pages.sections.items.item_pages import pages_of
from pages.shell import problems, run_panel, services
from pages.shell.words import plain
from tl_core.config import RunConfig
from tl_core.modalities import items_of
from tl_core.registry.runs import Run
from tl_core.results import ROBUSTNESS


def show(run: Run, show_items: Callable[[list[int]], None]) -> None:
    """The button, the wait, or the table; `show_items` draws the test items of some rows."""
    if not (run.folder / "model").is_dir():
        return
    st.subheader("Robustness")
    st.caption("How much worse is it on degraded items?")
    run_panel.show(
        run_panel.of_run(run.id, "stress"),
        "Predicting degraded items…",
        lambda tried: _table(tried, show_items),
        lambda: _offer(run),
    )


def _offer(run: Run) -> None:
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


def _table(tried: Run, show_items: Callable[[list[int]], None]) -> None:
    with problems.caught():
        result = ROBUSTNESS.load(tried.folder)
    st.markdown(f"**{plain(result['sentence'])}**")
    kinds = list(dict.fromkeys(part["kind"] for part in result["rows"]))
    by = {(part["kind"], part["severity"]): part for part in result["rows"]}
    table = pd.DataFrame(
        [
            {
                "change": kind,
                **{
                    name: 100 * by[kind, level]["accuracy"]["value"]
                    for level, name in ((1, "mild"), (2, "medium"), (3, "strong"))
                },
                "95 % interval, strong": (
                    f"{100 * by[kind, 3]['accuracy']['low']:.0f} to "
                    f"{100 * by[kind, 3]['accuracy']['high']:.0f}"
                ),
            }
            for kind in kinds
        ]
    )
    clean = result["clean"]
    st.caption(
        f"Accuracy (%) on {result['n']:,} test items; as they are: {100 * clean['value']:.0f} "
        f"({100 * clean['low']:.0f} to {100 * clean['high']:.0f})."
    )
    st.dataframe(
        table,
        hide_index=True,
        column_config={
            name: st.column_config.NumberColumn(format="%.0f")
            for name in ("mild", "medium", "strong")
        },
    )
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
        )
    ):
        show_items(flipped[picked])
