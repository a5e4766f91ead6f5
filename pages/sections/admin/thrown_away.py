"""The things in the trash, each with its two ways out, and all of them at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from pages.sections.runs import run_rows
from pages.shell import problems, rights, services
from pages.shell.words import plain
from tl_core.errors import UserError
from tl_core.modalities import items_of
from tl_core.registry.datasets import DatasetRecord
from tl_core.registry.run import Run
from tl_core.storage import remove_tree

_SHOWN = 50


def show(versions: Sequence[DatasetRecord], runs: Sequence[Run]) -> None:
    """Datasets first: a run comes back only to its data."""
    for record in versions[:_SHOWN]:
        _line(
            f"**{plain(record.reference)}** · {record.rows:,} {items_of(record.modality)}",
            record.id,
            ":material/table_view:",
            lambda record=record: services.datasets().restore(record.reference),
        )
    for run in runs[:_SHOWN]:
        _line(
            plain(run_rows.title(run)),
            run.id,
            ":material/model_training:",
            lambda run=run: services.runs().restore(run.id),
        )
    hidden = max(len(versions) - _SHOWN, 0) + max(len(runs) - _SHOWN, 0)
    if hidden:
        st.caption(f"And {hidden:,} more, which show as these go.")
    why = rights.against_making()
    if st.button(
        "Empty the trash",
        icon=":material/delete_forever:",
        key="empty_trash",
        disabled=bool(why),
        help=why or None,
    ):
        _empty(len(versions) + len(runs))


def _line(words: str, key: str, icon: str, restore: Callable[[], object]) -> None:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f"{icon} {words}", width="stretch")
        pressed = st.button(
            "Restore",
            key=f"restore_{key}",
            icon=":material/restore_from_trash:",
            disabled=bool(why := rights.against_making()),
            help=why or None,
        )
    if pressed:
        try:
            restore()
        except UserError as error:
            problems.show(error)
        else:
            st.rerun()


@st.dialog("Remove all of it for good?")
def _empty(count: int) -> None:
    """This cannot be undone, so it is asked once."""
    st.markdown(
        f"{count:,} deleted dataset versions and runs will be gone, with their models, reports and"
        " predictions. This cannot be undone."
    )
    if st.button("Remove for good", type="primary", key="empty_sure", on_click=_emptied):
        st.rerun()


def _emptied() -> None:
    """Runs before their data, so that an interruption leaves nothing that cannot be restored."""
    with problems.in_callback():
        folders = list(services.runs().purge([run.id for run in services.runs().trash()]))
        for record in services.datasets().trash():
            folders.append(services.datasets().purge(record.reference))
        left = [folder for folder in folders if not remove_tree(folder)]
        if left:
            st.toast(
                "Some of the files are still in use; they will be removed later.",
                icon=":material/info:",
            )
