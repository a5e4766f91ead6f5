"""Everything known about one item, in a drawer beside the others; its label is changed here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from pages.sections.data import filters, item_neighbours, run_answers, worklist
from pages.sections.items.item_pages import pages_of
from pages.shell import problems, rights, services
from pages.shell.words import plain
from pages.widgets import trained
from pages.widgets.glossary import help_of
from tl_core.data.browse.item_details import extras_of, facts_of, findings_of
from tl_core.data.browse.past import changes, past_of
from tl_core.data.item_kind import own_columns
from tl_core.data.label_sets import as_cell
from tl_core.data.versions.edits import Decision, decisions
from tl_core.data.versions.store import DatasetVersion, VersionInfo
from tl_core.errors import UserError
from tl_core.registry.datasets import DatasetRecord

_WIDTH = 560
_LONGEST = 400  # characters of another column's cell


def open_item(row: int) -> None:
    """Have the drawer show this item; the address then says so, too."""
    st.query_params["row"] = str(row)


def _close() -> None:
    st.query_params.pop("row", None)


def show(record: DatasetRecord, info: VersionInfo, rows: NDArray[np.int64]) -> None:
    """The drawer of the item in the address, if there is one; `rows` are its companions."""
    if _in_address(record) is not None:
        _drawer(record, info, rows)


def _in_address(record: DatasetRecord) -> int | None:
    """The row that the address names, unless this version has no such row."""
    text = st.query_params.get("row", "")
    if not text.isdecimal():
        return None
    with problems.caught():
        splits = DatasetVersion(record.folder).splits
    row = int(text)
    return row if row < len(splits) and splits[row] != "removed" else None


@st.dialog(
    "Item", width=_WIDTH, position="right", icon=":material/frame_inspect:", on_dismiss=_close
)
def _drawer(record: DatasetRecord, info: VersionInfo, rows: NDArray[np.int64]) -> None:
    row = _in_address(record)
    if row is None:
        return
    problems.refused()  # what stands on the page behind it cannot be seen
    _turn(rows, row)
    own = pages_of(info.modality)
    with problems.caught():
        version = DatasetVersion(record.folder)
        value = own.value(version, row)
        [name] = version.names(np.array([row]))
    own.draw(value, _WIDTH - 80)
    names, split = [*version.sets.names, filters.NO_CLASS], str(version.splits[row])
    st.markdown(
        f"**{plain(names[version.labels[row]])}** :gray-badge[{split}]  \n:small[{plain(name)}]"
    )
    if split != "unlabelled":
        _decide(record, info, version, row)
    _findings(info, version, row)
    _predictions(record, version, row)
    item_neighbours.show(record, info, version, row)
    _facts(info, version, row, own.facts(value, facts_of(version, row)))
    _history(record, row)


def _turn(rows: NDArray[np.int64], row: int) -> None:
    """Where the item stands among its companions, and the ones before and after it."""
    found = np.flatnonzero(rows == row)
    place = int(found[0]) if len(found) else -1
    before = int(rows[place - 1]) if place > 0 else None
    after = int(rows[place + 1]) if 0 <= place < len(rows) - 1 else None
    with st.container(horizontal=True, vertical_alignment="center"):
        for words, other, icon, key in (
            ("Previous", before, "chevron_left", "Left"),
            ("Next", after, "chevron_right", "Right"),
        ):
            st.button(
                words,
                on_click=open_item,
                args=(other,),
                disabled=other is None,
                icon=f":material/{icon}:",
                shortcut=key,
            )
        if place >= 0:
            st.caption(f"{place + 1:,} of {len(rows):,}")
        else:
            st.caption("Not among the items that the filters leave.")


def _decide(record: DatasetRecord, info: VersionInfo, version: DatasetVersion, row: int) -> None:
    """Another class, out, or right as it is; saved at once, and undone as easily."""
    if why := rights.against(rights.WORK, record):
        st.caption(plain(why))
        return
    made = decisions(record.folder).get(row)
    given = version.sets.cells[version.labels[row]]
    now = made.label if made and made.action == "relabel" else given
    key = f"class_of_{record.id}_{row}_{now}"  # another box for each class
    dropped = bool(made and made.action == "drop")
    text = "Another class is saved at once; it becomes part of the data with the next version."
    if version.sets.several:
        st.session_state[key] = json.loads(now)
        st.multiselect(
            "Labels",
            info.labels,
            key=key,
            disabled=dropped,
            placeholder="None of them",
            help=text,
            on_change=_relabel,
            args=(record, row, given, key, info.labels),
        )
    else:
        st.session_state[key] = now  # as it is, whatever was chosen and refused
        st.selectbox(
            "Class",
            info.labels,
            key=key,
            disabled=dropped,
            help=text,
            on_change=_relabel,
            args=(record, row, given, key),
        )
    _confirm(record, row, made, several=version.sets.several)


def _confirm(record: DatasetRecord, row: int, made: Decision | None, *, several: bool) -> None:
    """What was decided, to undo; or two buttons: right as it is, and out."""
    with st.container(horizontal=True, vertical_alignment="center"):
        if made:
            words = {"keep": "Marked as right.", "drop": "Will be left out."}
            label = worklist.shown(made.label, several=several)
            st.caption(words.get(made.action, f"Will be {plain(label)}."))
            st.button(
                "Undo",
                on_click=worklist.choose,
                args=(record, row, "undo"),
                icon=":material/undo:",
                type="tertiary",
            )
            return
        st.button(
            "The label is right",
            on_click=worklist.choose,
            args=(record, row, "keep"),
            icon=":material/check:",
            help="It is then not asked about again on the Labels tab.",
        )
        st.button(
            "Leave it out",
            on_click=worklist.choose,
            args=(record, row, "drop"),
            icon=":material/delete_sweep:",
            help="From the next version on; this one stays as it is.",
        )


def _relabel(
    record: DatasetRecord, row: int, given: str, key: str, classes: Sequence[str] = ()
) -> None:
    """Save the class that was chosen, or the `classes` where it may have several; what it has
    already takes the decision back.
    """
    chosen = st.session_state[key]
    if isinstance(chosen, list):
        chosen = as_cell(name for name in classes if name in chosen)
    if chosen == given:
        worklist.choose(record, row, "undo")
    else:
        worklist.choose(record, row, "relabel", chosen)


def _findings(info: VersionInfo, version: DatasetVersion, row: int) -> None:
    named = findings_of(version, row)
    for finding in info.findings:
        if finding["id"] in named:
            st.markdown(
                f":orange-badge[{finding['id'].replace('_', ' ')}] {plain(finding['text'])}"
            )


def _predictions(record: DatasetRecord, version: DatasetVersion, row: int) -> None:
    """What each finished training said of it."""
    lines, closed = [], 0
    runs = run_answers.of_version(record)
    if not runs:
        st.caption("No model has been trained on this version yet.")
    for run in runs:
        answers = run_answers.of_run(record, run)
        if answers.said[row] >= 0:
            said = answers.names[answers.said[row]]
            right = answers.said[row] == version.labels[row]
            lines.append(
                {
                    "model": f"{trained.name(run)} ({run.id})",
                    "prediction": said,
                    "confidence": 100 * answers.confidence[row],
                    "right": bool(right),
                }
            )
        elif version.splits[row] == "test" and run_answers.is_closed(run):
            closed += 1
    if lines:
        st.markdown("**Predictions**")
        st.dataframe(
            pd.DataFrame(lines),
            hide_index=True,
            height="content" if len(lines) < 8 else 300,
            column_config={
                "confidence": st.column_config.ProgressColumn(
                    format="%.0f %%", min_value=0, max_value=100, help=help_of("confidence")
                )
            },
        )
    if closed:
        st.caption(
            f"{closed} model{'s' * (closed > 1)} predicted it, too; the test score is still closed."
        )
    elif runs and not lines and version.splits[row] == "train":
        st.caption("No model was asked about it: it was trained on it.")


def _facts(info: VersionInfo, version: DatasetVersion, row: int, told: dict[str, str]) -> None:
    """Lengths and sizes, group, other columns, source."""
    groups = version.groups
    together = int((groups == groups[row]).sum())
    facts = {
        **told,
        "Group": f"{together:,} items that always stay in one split" if together > 1 else "",
        "Source": info.source,
        "Row": f"{row:,}",
    }
    other = extras_of(version, row, own_columns())
    lines = [*facts.items(), *((name, cell[:_LONGEST]) for name, cell in other.items())]
    with st.expander("Facts", icon=":material/info:", key="item_facts"):
        st.dataframe(
            pd.DataFrame([line for line in lines if line[1]], columns=["fact", "value"]),
            hide_index=True,
            height="content",
        )


def _history(record: DatasetRecord, row: int) -> None:
    """What the versions before made of it."""
    with problems.caught():
        stages = past_of(record.reference, row, lambda one: _opened(record, one))
    with st.expander("History", icon=":material/history:", key="item_history"):
        for reference, what in changes(stages):
            shown = rights.within(record.called, reference)
            st.markdown(f"- {plain(shown)}: {plain(what)}")
        first = stages[-1]
        st.markdown(
            f"- {plain(rights.within(record.called, first.reference))}:"
            f" {plain(first.label or 'no class')}, {first.split}"
        )


def _opened(record: DatasetRecord, reference: str) -> DatasetVersion | None:
    """A version of the same project, by whatever name; None where it was deleted."""
    try:
        found = services.datasets().get(rights.within(record.called, reference))
        return DatasetVersion(Path(found.folder))
    except UserError:
        return None
