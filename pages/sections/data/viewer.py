"""The viewer of a version: filters beside a gallery or table, of which one page is read."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from pages.sections.data import drawer, filters, run_answers, similar, worklist
from pages.sections.items.item_pages import Content, ItemPages, pages_of, small_items
from pages.shell import problems
from pages.shell.words import plain
from pages.widgets import trained
from pages.widgets.glossary import help_of
from tl_core.data.browse.query import Found, Query, look_up
from tl_core.data.browse.row_columns import MEASURES, RowAnswers, RowColumns, read_columns
from tl_core.data.versions.edits import Decision, decisions
from tl_core.data.versions.store import DatasetVersion, VersionInfo
from tl_core.modalities import items_of
from tl_core.registry.datasets import DatasetRecord

_TILES, _LINES = 24, 50  # items to a page
_LONGEST = 18  # characters of a class below a tile


@dataclass(frozen=True)
class Known:
    """What is known of rows besides their columns: what a run said of them, what was decided, and
    how much each (rows,) is like what is looked for.
    """

    answers: RowAnswers | None
    made: dict[int, Decision]
    cosines: NDArray[np.float64] | None


@st.cache_data(max_entries=16, ttl=3600, show_spinner=False)
def columns_of(folder: str) -> RowColumns:
    """The columns of a version that filters work on."""
    return read_columns(DatasetVersion(Path(folder)))


@st.cache_data(max_entries=64, ttl=3600, show_spinner=False)
def _found(
    folder: str,
    query: Query,
    answered_by: str,
    _answers: RowAnswers | None,
    _alike: NDArray[np.float64] | None,
) -> Found:
    del answered_by  # what tells the answers of one run, and of one time of writing, from others
    return look_up(DatasetVersion(Path(folder)), query, _answers, columns_of(folder), _alike)


def show(record: DatasetRecord, info: VersionInfo) -> None:
    """Filters on the left, items on the right, and the drawer of one item."""
    own = pages_of(info.modality)
    with problems.caught():
        columns = columns_of(str(record.folder))
    run = next(iter(run_answers.of_version(record)), None)
    answers = run_answers.of_run(record, run) if run else None
    closed = bool(run and run_answers.is_closed(run))
    left, right = st.columns([1, 3.6], gap="medium")
    with right:
        with st.container(horizontal=True, vertical_alignment="center"):
            words = filters.search(own.searchable)
            order = "stored"
            if similar.looks():
                filters.order_of_likeness()
            else:
                order = filters.order(columns, answered=run is not None)
            similar.box(info)
            view = filters.view(own.first_view)
        alike = similar.found(record, info)
    with left:
        query, place = filters.facets(info, columns, answered=run is not None, closed=closed)
        if run:
            st.caption(f"Predictions of {plain(trained.name(run))} ({run.id})")
    query = replace(query, words=words, order=order, alike=alike.key if alike else "")
    cosines = alike.cosines if alike else None
    asked = f"{run.id} {closed}" if run else ""
    with problems.caught():
        found = _found(str(record.folder), query, asked, answers, cosines)
    with place:
        filters.class_list(found, query.classes)
    with right:
        made = decisions(record.folder)
        worklist.offer_version(record, made)
        _page(record, info, found.rows, query, Known(answers, made, cosines), view)
    drawer.show(record, info, found.rows)


def _page(
    record: DatasetRecord,
    info: VersionInfo,
    rows: NDArray[np.int64],
    query: Query,
    known: Known,
    view: str,
) -> None:
    """How many there are, one page of them, and the way to the others."""
    noun = items_of(info.modality)
    with st.container(horizontal=True, vertical_alignment="center"):
        if query.filters:
            st.markdown(f"**{len(rows):,}** of {info.rows:,} {noun}")
            st.button(
                "Clear filters", on_click=filters.clear, type="tertiary", icon=":material/close:"
            )
        else:
            st.markdown(f"**{len(rows):,}** {noun}")
        if view == "Gallery":  # once for all: a tooltip for each tile makes the page slow to draw
            st.caption("The class below an item opens everything known about it.")
    if not len(rows):
        st.caption(f"No {noun} are like that. Take a filter away to see more.")
        return
    size = _TILES if view == "Gallery" else _LINES
    pages = -(-len(rows) // size)
    if st.session_state.get("page", 1) > pages:
        st.session_state["page"] = pages
    place = st.container()
    # not in the address: it is set back by other filters, and that would race with their own change
    number = st.pagination(pages, key="page") if pages > 1 else 1
    shown = rows[(number - 1) * size : number * size]
    with place:
        _draw(record, info, shown, known, view)


def _draw(
    record: DatasetRecord,
    info: VersionInfo,
    rows: NDArray[np.int64],
    known: Known,
    view: str,
) -> None:
    """One page: its frame first, where its items have not been on the screen before."""
    own, wanted = pages_of(info.modality), (str(record.folder), *rows.tolist())
    place = st.empty()
    if st.session_state.get("seen_items") != wanted:
        place.skeleton(height=420)
    with problems.caught():
        content = small_items(str(record.folder), tuple(rows.tolist()))
        lines = _lines(record, info, rows, known)
    st.session_state["seen_items"] = wanted
    with place.container():
        if view == "Gallery":
            _gallery(own, rows, content, lines)
        else:
            _table(own, rows, content, lines)


def _lines(
    record: DatasetRecord,
    info: VersionInfo,
    rows: NDArray[np.int64],
    known: Known,
) -> pd.DataFrame:
    """What is known of each of some rows: class, split, likeness, length, prediction, decision."""
    columns, names = columns_of(str(record.folder)), [*info.sets.names, filters.NO_CLASS]
    table = pd.DataFrame(
        {"class": [names[label] for label in columns.labels[rows]], "split": columns.splits[rows]}
    )
    if known.cosines is not None:
        table["cosine"] = known.cosines[rows]
    for measure in list(columns.measures)[:1]:
        table[measure] = columns.measures[measure][rows]
    if (answers := known.answers) is not None:
        said = answers.said[rows]
        table["prediction"] = [answers.names[one] if one >= 0 else "" for one in said]
        table["confidence"] = 100 * answers.confidence[rows]
        table["right"] = np.where(said < 0, "", np.where(said == columns.labels[rows], "yes", "no"))
    several = info.sets.several
    table["decision"] = [_decided(known.made.get(row), several=several) for row in rows.tolist()]
    return table


def _decided(decision: Decision | None, *, several: bool) -> str:
    """A decision that is not a version yet, in a word or two."""
    if decision is None:
        return ""
    words = {"keep": "label is right", "drop": "left out"}
    return words.get(decision.action, f"→ {worklist.shown(decision.label, several=several)}")


def _gallery(
    own: ItemPages, rows: NDArray[np.int64], content: list[Content], lines: pd.DataFrame
) -> None:
    """Tiles in a grid, each with a button that opens its drawer."""
    with st.grid(min_column_width=own.tile_width, gap="small", key="tiles"):
        for row, item, line in zip(rows.tolist(), content, lines.to_dict("records"), strict=True):
            with st.container(border=own.tile_framed, gap="xxsmall", height="stretch"):
                own.draw_tile(item)
                st.button(
                    plain(_caption(line)),
                    key=f"item_{row}",
                    on_click=drawer.open_item,
                    args=(row,),
                    type="tertiary",
                    icon={"yes": ":material/check:", "no": ":material/close:"}.get(
                        line.get("right", "")
                    ),
                    wrap=False,
                )


def _caption(line: Mapping[Hashable, object]) -> str:
    """The class of a tile, cut, with what differs from it: a decision, else a wrong prediction."""
    name = str(line["class"])
    shown = name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
    if line["decision"]:
        return f"{shown} · {str(line['decision'])[:_LONGEST]}"
    if line.get("right") == "no":
        return f"{shown} · said {str(line['prediction'])[:_LONGEST]}"
    return f"{shown} · {line['cosine']:.2f}" if "cosine" in line else shown


def _table(
    own: ItemPages, rows: NDArray[np.int64], content: list[Content], lines: pd.DataFrame
) -> None:
    """Lines with a button each; the widest column is the item."""
    table = lines.drop(columns=["right"], errors="ignore")
    table.insert(0, "item", [own.cell(item) for item in content])
    table.insert(0, "open", "Open")
    if not lines["decision"].any():
        table = table.drop(columns=["decision"])
    st.dataframe(
        table,
        hide_index=True,
        height=560 if len(table) > 14 else "content",
        row_height=own.row_height,
        key="lines",
        placeholder="",
        column_config={
            "open": st.column_config.ButtonColumn(
                "",
                width="small",
                type="tertiary",
                on_click=_open_line,
                args=(rows.tolist(),),
                key="opened_line",
                help="Everything known about this item",
            ),
            "item": own.column(),
            "cosine": st.column_config.NumberColumn(format="%.3f", help=help_of("similar items")),
            "confidence": st.column_config.NumberColumn(
                format="%.0f %%", help=help_of("confidence", "Of the model in hand.")
            ),
            **{
                name: st.column_config.NumberColumn(words, format="localized")
                for name, words in MEASURES.items()
            },
        },
    )


def _open_line(rows: list[int]) -> None:
    """Open the item of the line whose button was clicked."""
    drawer.open_item(rows[st.session_state["opened_line"]["row"]])
