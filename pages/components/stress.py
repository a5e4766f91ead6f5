"""How a trained model does on worse versions of its test items: asked for by a button, shown in the
report.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import pandas as pd
import streamlit as st

from pages.components import problems, services, state, waiting
from pages.components.words import plain
from tl_core.config import RunConfig
from tl_core.registry.runs import ACTIVE, Run


def show(run: Run, show_items: Callable[[list[int]], None]) -> None:
    """The button, the wait, or the table; `show_items` draws the test items of some rows."""
    if not (run.folder / "model").is_dir():
        return
    st.subheader("How sturdy is it?")
    with problems.caught():
        tries = [
            other
            for other in services.runs().of_dataset(run.dataset)
            if other.kind == "stress" and RunConfig.read(other.folder).options["run"] == run.id
        ]
    if tries and tries[0].status in ACTIVE:
        waiting.watch_run(tries[0].id, "Asking about worse and worse items…")
    elif tries and tries[0].status == "done":
        _table(tries[0], show_items)
    else:
        if tries:
            problems.show(tries[0].reason or {"what": "It stopped."})
        noun = (
            "photos: noisy, blurred, dark, bright, flat, squeezed, turned, cropped"
            if services.datasets().get(run.dataset).modality == "image"
            else "texts: typos, letter case, punctuation, cut short, words missing"
        )
        st.caption(f"Tries it on worse versions of up to 300 test {noun}.")
        if st.button("Try it on worse items", icon=":material/storm:"):
            config = RunConfig(
                "stress",
                services.user(),
                run.dataset,
                str(services.datasets().get(run.dataset).folder),
                options={"run": run.id},
            )
            with problems.caught():
                services.submit(config, f"{state.new_draft()}-stress")
            state.draft_used()
            st.rerun()


def _table(tried: Run, show_items: Callable[[list[int]], None]) -> None:
    with problems.caught():
        found = json.loads((tried.folder / "stress.json").read_text(encoding="utf-8"))
    st.markdown(f"**{plain(found['sentence'])}**")
    kinds = list(dict.fromkeys(part["kind"] for part in found["rows"]))
    by = {(part["kind"], part["severity"]): part for part in found["rows"]}
    table = pd.DataFrame(
        [
            {
                "what was done": kind,
                **{
                    name: 100 * by[kind, level]["accuracy"]["value"]
                    for level, name in ((1, "a little"), (2, "clearly"), (3, "strongly"))
                },
                "plausible when strong": (
                    f"{100 * by[kind, 3]['accuracy']['low']:.0f} to "
                    f"{100 * by[kind, 3]['accuracy']['high']:.0f}"
                ),
            }
            for kind in kinds
        ]
    )
    clean = found["clean"]
    st.caption(
        f"Right in 100 of {found['n']:,} test items; as they are: {100 * clean['value']:.0f} "
        f"({100 * clean['low']:.0f} to {100 * clean['high']:.0f})."
    )
    st.dataframe(
        table,
        hide_index=True,
        column_config={
            name: st.column_config.NumberColumn(format="%.0f")
            for name in ("a little", "clearly", "strongly")
        },
    )
    flipped = {
        f"{part['kind']}, severity {part['severity']}": part["flipped"]
        for part in found["rows"]
        if part["flipped"]
    }
    if flipped and (
        picked := st.selectbox(
            "Items that were right and are not any more",
            list(flipped),
            index=None,
            placeholder="after…",
            key="flips",
        )
    ):
        show_items(flipped[picked])
