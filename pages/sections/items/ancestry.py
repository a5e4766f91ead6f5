"""The training items that are most like an item to the trained model itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st

from pages.sections.items.item_pages import Card, pages_of, small_items
from pages.shell import problems, rights, run_panel
from pages.shell.words import plain
from tl_core.data.versions.store import DatasetVersion
from tl_core.evaluate.report import Report
from tl_core.registry.run import Run
from tl_core.results import NEIGHBOURS_FILE


@st.cache_data(max_entries=10, ttl=3600, show_spinner=False)
def _read(path: str) -> dict[str, np.ndarray]:
    with np.load(path) as arrays:
        return dict(arrays)


def show(run: Run, version: DatasetVersion, report: Report, row: int, *, ask: bool = True) -> None:
    """The nearest training items of `row`; the search through all of them is asked for once for
    each run, where `ask` allows it.
    """
    run_panel.show(
        run_panel.of_run(run.id, "trace"),
        "Looking through the training items…",
        lambda search: _neighbours(_read(str(search.folder / NEIGHBOURS_FILE)), version, row),
        lambda: (
            _offer(run, int(str(report["settings"].get("max_length") or 256))) if ask else _none()
        ),
    )


def _none() -> None:
    st.caption("Nobody has looked for its most similar training items yet.")


def _offer(run: Run, max_length: int) -> None:
    why = rights.against(rights.WORK, run.dataset)
    if not st.button(
        "Show similar training items",
        icon=":material/family_history:",
        disabled=bool(why),
        help=(
            why
            or "Looks for the training items "
            "that are most like each item to this model; done once for all items of this run."
        ),
    ):
        return
    with problems.caught():
        config = replace(
            rights.anew(run),
            kind="trace",
            recipe="",
            backbone="",
            sealed=False,
            options={"run": run.id, "max_length": max_length},
        )
    run_panel.start(config, "trace")
    st.rerun()


def _neighbours(search: dict[str, np.ndarray], version: DatasetVersion, row: int) -> None:
    place = np.flatnonzero(search["rows"] == row)
    if not len(place):
        st.caption("This item was not among those that were looked through.")
        return
    near, alike = search["near"][place[0]], search["alike"][place[0]]
    names = version.label_names(near)
    st.markdown("**Most similar training items**")
    st.caption(
        "The nearest neighbours of this item in the model's own features, the nearest first; 100 is"
        " identical."
    )
    with problems.caught():
        content = small_items(str(version.folder), tuple(int(other) for other in near))
    pages_of(version.info.modality).draw_cards(
        [
            Card(
                item,
                {"true class": name, "similarity": f"{100 * value:.0f}"},
                f"{plain(name)}, {100 * value:.0f}",
            )
            for item, name, value in zip(content, names, alike, strict=True)
        ],
        "ancestors",
    )
