"""Judged items with what they are and what they were called, and one of them looked at closely."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import streamlit as st

from pages.sections.items import ancestry, explanation
from pages.sections.items.item_pages import Card, pages_of, small_items
from pages.shell import problems
from pages.shell.words import plain, sure
from tl_core.data.versions.store import DatasetVersion
from tl_core.evaluate.report import Report
from tl_core.registry.run import Run

SHOWN = 12
_WIDTH = 260


def page_of(table: pd.DataFrame, key: str) -> pd.DataFrame:
    """The items of one page of `table`, with the row of page numbers where there are several."""
    pages = -(-len(table) // SHOWN)
    if pages < 2:
        return table
    number = st.pagination(pages, key=f"{key} page")
    return table.iloc[(number - 1) * SHOWN : number * SHOWN]


def show(dataset_folder: str, modality: str, table: pd.DataFrame, key: str) -> None:
    """The first of the items in `table`, which has the columns of `predictions.csv`."""
    pages_of(modality).draw_cards(_cards(dataset_folder, table), key)


def strip(dataset_folder: str, modality: str, table: pd.DataFrame, key: str) -> None:
    """The same in little room, numbered, since a photo has room for its first fact alone."""
    cards = [
        replace(card, facts={**card.facts, "true class": f"{place}: {card.facts['true class']}"})
        for place, card in enumerate(_cards(dataset_folder, table), 1)
    ]
    pages_of(modality).draw_strip(cards, key)


def _cards(dataset_folder: str, table: pd.DataFrame) -> list[Card]:
    table = table.head(SHOWN)
    with problems.caught():
        content = small_items(dataset_folder, tuple(int(i) for i in table["index"]))
    return [
        Card(
            item,
            {"true class": true, "predicted": called, "confidence": sure(confidence)},
            f"{place}: true class **{plain(true)}**  \npredicted {plain(called)},"
            f" {sure(confidence)}",
        )
        for place, (item, true, called, confidence) in enumerate(
            zip(content, table["true"], table["label"], table["confidence"], strict=True), 1
        )
    ]


def closer(
    run: Run, dataset_folder: str, report: Report, table: pd.DataFrame, *, ask: bool = True
) -> None:
    """Choose one of the items just shown: what it went by, and which training items it looks like.

    Args:
        run: the run that was asked.
        dataset_folder: the dataset version of the items.
        report: the report of the run.
        table: the items, with the columns of `predictions.csv`.
        ask: whether explanations and neighbours may be asked for; else only those are shown that
            somebody has asked for before.
    """
    table = table.head(SHOWN)
    if not (run.folder / "model").is_dir():
        st.caption("This run keeps no model that could be asked why.")
        return
    names = {
        place: f"{place + 1}: true class {true}, predicted {said}"
        for place, (true, said) in enumerate(zip(table["true"], table["label"], strict=True))
    }
    place = st.selectbox(
        "Look closer at",
        list(names),
        index=None,
        format_func=names.get,
        placeholder="an item, to see the explanation",
        key="closer",
        help="What the model went by, and the training items that are most like this one to it.",
    )
    if place is None:
        return
    line, row = table.iloc[place], int(table["index"].iloc[place])
    version, own = DatasetVersion(Path(dataset_folder)), pages_of(report["modality"])
    with st.container(border=True), problems.caught():
        value = own.value(version, row)
        own.draw(value, _WIDTH)
        learnt = [
            label
            for label in dict.fromkeys((line["label"], line["true"]))
            if label not in report["classes_without_training_rows"]
        ]
        if ask:
            explanation.show(own, str(run.folder / "model"), value, learnt, f"{run.id} {row}")
        ancestry.show(run, version, report, row, ask=ask)
