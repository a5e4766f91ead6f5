"""What a first look into a source found: pictures, a table, documents, or a dataset of the Hub."""

from __future__ import annotations

from typing import TypedDict

import pandas as pd
import streamlit as st

from pages.sections.data import columns, import_plan
from pages.sections.data.import_settings import HELP, NO_CLASS_YET, label_here
from pages.shell.words import counted, plain
from pages.widgets import gallery


class SourceFacts(TypedDict, total=False):
    """The answer of `inspect_source`: every source has the first ones, a table or pictures the
    others.
    """

    source: str
    question: import_plan.Question | None
    modality: str
    rows: int
    classes: dict[str, int]
    splits: dict[str, int]
    folds: list[str]
    skipped: list[dict[str, str]]
    skipped_count: int
    guess: dict[str, str]
    table: list[str]
    thumbnails: list[tuple[str, bytes]]
    documents: bool
    columns: list[str]
    sheets: list[str]
    one_hot: list[str]
    files_are_classes: bool
    preview: list[dict[str, object]]


class HubFacts(TypedDict):
    """The answer of `describe_hub_data`."""

    name: str
    configs: dict[str, list[str]]


def files(facts: SourceFacts, noun: str, role: str, icon: str) -> dict[str, object]:
    """Counts and some of the files, drawn; for files with a table, its columns.

    Args:
        facts: of the source.
        noun: what people call the files.
        role: of the column that names them.
        icon: of the line that counts them.
    """
    classes = facts["classes"]
    if label_here():
        st.success(f"{facts['rows']:,} {noun}, none with a class yet.", icon=f":material/{icon}:")
        gallery.pictures([data for _, data in facts["thumbnails"]], None)
        return {}
    named = [name for name in classes if name]
    if len(named) == 1:
        st.warning(
            f"All of these are of one class, {plain(named[0])}. A new dataset needs at least two:"
            f" if that is only the name of a folder, tick *{NO_CLASS_YET}*.",
            icon=":material/warning:",
        )
    st.success(
        f"{facts['rows']:,} {noun} in {counted(len(classes), 'class', 'classes')}: "
        + ", ".join(
            f"{plain(name) or '(none)'} ({count:,})" for name, count in list(classes.items())[:12]
        ),
        icon=f":material/{icon}:",
    )
    gallery.pictures(
        [data for _, data in facts["thumbnails"]], [name for name, _ in facts["thumbnails"]]
    )
    if not facts["table"]:
        return {}
    st.caption(f"The classes come from the table beside the {noun}.")
    roles = ((role, "Column with the file name"), ("label", "Column with the class"))
    return columns.pick(facts["table"], facts["guess"], roles)


def documents(facts: SourceFacts) -> dict[str, object]:
    """Counts of files that are a text each."""
    classes = (
        "none with a class yet"
        if label_here()
        else f"in {counted(len(facts['classes']), 'class', 'classes')}"
    )
    st.success(
        f"{counted(facts['rows'], 'file')}, each one text, {classes}.",
        icon=":material/description:",
    )
    return {}


def table(facts: SourceFacts) -> dict[str, object]:
    """The first rows and the guessed columns."""
    st.success(f"A table with {counted(len(facts['columns']), 'column')}.", icon=":material/table:")
    if len(facts["sheets"]) > 1:
        st.selectbox(
            "Sheet",
            ["", *facts["sheets"]],
            key="add_sheet",
            help=HELP["sheet"],
            persist_state="session",
            format_func={name: name or facts["sheets"][0] for name in ("", *facts["sheets"])}.get,
        )
    roles: columns.Roles = (("text", "Column with the text"),) + (
        () if facts["files_are_classes"] or label_here() else (("label", "Column with the class"),)
    )
    chosen = columns.pick(facts["columns"], facts["guess"], roles, columns.TITLE)
    taken = [chosen.get(f"{role}_column", name) for role, name in facts["guess"].items()]
    shown = (
        list(dict.fromkeys(name for name in (*taken, *facts["one_hot"][:6]) if name))
        or facts["columns"][:12]
    )
    st.dataframe(pd.DataFrame(facts["preview"])[shown], hide_index=True)
    return chosen


def show_hub(facts: HubFacts) -> dict[str, object]:
    """Configuration, split and row limit of a Hub dataset."""
    st.success(f"{plain(facts['name'])} on the Hugging Face Hub.", icon=":material/cloud_download:")
    config = st.selectbox("Configuration", list(facts["configs"]), help=HELP["hub_config"])
    splits = facts["configs"][config]
    split = st.selectbox(
        "Split",
        ["", *splits],
        help=HELP["hub_split"],
        format_func={name: name or "train, validation and test" for name in ("", *splits)}.get,
    )
    limit = st.number_input(
        "Most rows of each split (0: all)", 0, 10_000_000, 5_000, 1_000, help=HELP["row_limit"]
    )
    return {"hub_config": config, "hub_split": split, "row_limit": int(limit)}
