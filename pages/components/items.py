"""Judged items with what they are and what they were called, and one of them looked at closely."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from pages.components import ancestry, explanation, gallery, problems
from pages.components.words import plain, sure
from tl_core.data.versions.store import DatasetVersion
from tl_core.evaluate.report import Report
from tl_core.registry.runs import Run

SHOWN = 12
_WIDTH = 260


def show(dataset_folder: str, modality: str, table: pd.DataFrame, key: str) -> None:
    """The first of the items in `table`, which has the columns of `predictions.csv`."""
    table = table.head(SHOWN)
    with problems.caught():
        content = gallery.items(dataset_folder, tuple(int(i) for i in table["index"]))
    if modality == "text":
        gallery.texts(
            [
                {
                    "text": text,
                    "true class": true,
                    "predicted": called,
                    "confidence": sure(confidence),
                }
                for text, true, called, confidence in zip(
                    content, table["true"], table["label"], table["confidence"], strict=True
                )
            ],
            key,
        )
        return
    for start in range(0, len(table), 4):
        for column, place in zip(
            st.columns(4), range(start, min(start + 4, len(table))), strict=False
        ):
            line = table.iloc[place]
            with column.container(border=True):
                st.image(content[place], width="stretch")
                st.caption(
                    f"{place + 1}: true class **{plain(line['true'])}**  \n"
                    f"predicted {plain(line['label'])}, {sure(line['confidence'])}"
                )


def closer(run: Run, dataset_folder: str, report: Report, table: pd.DataFrame) -> None:
    """Choose one of the items just shown: what it went by, and which training items it looks
    like.
    """
    table = table.head(SHOWN)
    if not (run.folder / "model").is_dir():
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
        placeholder="one of them, to see what it went by",
        key="closer",
    )
    if place is None:
        return
    line, row = table.iloc[place], int(table["index"].iloc[place])
    version = DatasetVersion(dataset_folder)
    with st.container(border=True), problems.caught():
        if report["modality"] == "text":
            value: str | bytes = version.texts(np.array([row]))[0]
            st.markdown(plain(value))
        else:
            value = version.image_bytes(row)
            st.image(value, width=_WIDTH)
        learnt = [
            label
            for label in dict.fromkeys((line["label"], line["true"]))
            if label not in report["classes_without_training_rows"]
        ]
        explanation.show(str(run.folder / "model"), value, learnt, f"{run.id} {row}")
        ancestry.show(run, version, report, row)
