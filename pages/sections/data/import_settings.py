"""How a source is read and split, and what its rows become: the settings of an import."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from pages.shell import rights, services
from pages.widgets.glossary import help_of
from tl_core.data.dataset_version import ImportOptions
from tl_core.tasks import MULTI_LABEL

NO_CLASS_YET = "Nothing has a class yet: I will label it here"
HELP = {name: spec.metadata["help"] for name, spec in ImportOptions.__dataclass_fields__.items()}
_READING = (
    "sheet",
    "encoding",
    "header",
    "hub_config",
    "labels_from",
    "class_level",
    "date_order",
    "pages",
    "speaker_part",
    "task",
    "label_separator",
    "repair",
    "label_here",
    "label_column",
    "split_column",
)
_OF_CLASSES = ("label_column", "split_column", "task")  # not read where nothing has a class yet


@dataclass(frozen=True)
class ReadingSettings:
    """Import settings that only sources of such items have.

    `choices` are (setting, title, values), which are words, or places counted from 1; `switches`
    are (setting, title).
    """

    choices: tuple[tuple[str, str, tuple[str, ...] | tuple[int, ...]], ...]
    switches: tuple[tuple[str, str], ...] = ()


def reading_in_hand() -> dict[str, object]:
    """The settings of reading that somebody has chosen or answered."""
    return {
        name: st.session_state[f"add_{name}"]
        for name in _READING
        if st.session_state.get(f"add_{name}") and not (label_here() and name in _OF_CLASSES)
    }


def label_here() -> bool:
    """Whether somebody has said that nothing has a class yet."""
    return bool(st.session_state.get("add_label_here"))


def say_label_here() -> None:
    """The same as a click would say; for callbacks."""
    st.session_state["add_label_here"] = True


def show_label_here() -> dict[str, object]:
    """Whether nothing has a class yet, the names of those that will be given, and whether an item
    may get several.
    """
    st.checkbox(
        NO_CLASS_YET, key="add_label_here", help=HELP["label_here"], persist_state="session"
    )
    if not label_here():
        return {}
    classes = st.text_input(
        "Names of the classes, with commas between",
        key="add_classes",
        help=HELP["classes"],
        placeholder="you can also name them while you label",
        persist_state="session",
    )
    several = st.checkbox(
        "An item may have several classes, or none of them",
        key="add_several_here",
        help=HELP["task"],
        persist_state="session",
    )
    return {"classes": classes or ""} | ({"task": MULTI_LABEL.name} if several else {})


def show_reading(reading: ReadingSettings, folds: list[str]) -> dict[str, object]:
    """How the source is read: settings that are recognised, for when they were recognised
    wrongly.
    """
    with st.expander("How it is read"):
        left, right = st.columns(2)
        with left:
            for name, title, values in reading.choices:
                _choice(name, title, values)
        with right:
            if not label_here():
                _choice("task", "Classes of an item", ("", "single_label", "multi_label"))
            st.text_input(
                "Sign between classes",
                key="add_label_separator",
                help=HELP["label_separator"],
                max_chars=8,
                persist_state="session",
            )
            _choice("date_order", "Order of dates", ("", "dmy", "mdy", "ymd"))
        for name, title in reading.switches:
            st.checkbox(title, key=f"add_{name}", help=HELP[name], persist_state="session")
        if not folds:
            return {}
        test_fold = st.selectbox(
            "Fold used as the test set",
            ["", *folds],
            help=HELP["test_fold"],
            format_func=lambda name: name or "none: rows are split anew",
        )
        return {"test_fold": test_fold}


def _choice(name: str, title: str, values: tuple[str, ...] | tuple[int, ...]) -> None:
    st.selectbox(
        title,
        values,
        key=f"add_{name}",
        help=HELP[name],
        persist_state="session",
        format_func={value: _called(value) for value in values}.get,
    )


def _called(value: str | int) -> str:
    """A value of a setting as it is offered; a number is a place, below 0 none."""
    if not value:
        return "recognised"
    if isinstance(value, str):
        return value
    return f"part {value}" if value > 0 else "nowhere"


def show_splits(splits: dict[str, int]) -> dict[str, object]:
    """The settings of the split; `splits` are those that the source brings along."""
    chosen: dict[str, object] = {}
    if "validation" in splits and "test" not in splits:
        keep = st.radio(
            "Your data has one split besides train. It is",
            ["the test split", "the validation split"],
            help=HELP["val_is"],
            horizontal=True,
        )
        chosen["val_is"] = "test" if keep == "the test split" else "validation"
    with st.expander("More settings"):
        chosen["test_fraction"] = st.slider(
            "Share for the test set (0: by size)", 0.0, 0.5, 0.0, 0.05, help=HELP["test_fraction"]
        )
        chosen["val_fraction"] = st.slider(
            "Share for validation (0: by size)", 0.0, 0.5, 0.0, 0.05, help=HELP["val_fraction"]
        )
        chosen["seed"] = int(
            st.number_input("Seed", 0, 2**31 - 1, 0, help=help_of("seed", HELP["seed"]))
        )
        chosen["remove_leaks"] = st.checkbox(
            "Leave out training rows that are also in the test rows", help=HELP["remove_leaks"]
        )
    return chosen


@dataclass(frozen=True)
class Target:
    """The dataset that rows become, or are added to; `new_rows` says where added ones go."""

    name: str
    append: bool = False
    new_rows: str = ""


def show_target(source: str) -> Target:
    """A new name, or an existing dataset to add the rows to."""
    known = [
        record.called
        for record in services.datasets().list()
        if not rights.against(rights.WORK, record)
    ]
    if (
        known
        and st.radio(
            "These rows become",
            ["a new dataset", "more rows of an existing one"],
            horizontal=True,
            key="add_target",
        )
        != "a new dataset"
    ):
        name = st.selectbox("Dataset", known)
        where = st.radio(
            "The new rows are",
            ["split like the rest", "all for training"],
            help=HELP["new_rows"],
            horizontal=True,
        )
        return Target(name, True, "split" if where == "split like the rest" else "train")
    default = source.rpartition("/")[2] if source.startswith("hub:") else Path(source).stem
    proposed = default.replace("_", "-")[:60]
    name = st.text_input(
        "Name of the dataset",
        proposed,
        key=f"add_name_{proposed}",  # what was typed for one file is none of another's
        help="The same name with new content makes a new version.",
        persist_state="session",
    )
    return Target(name)
