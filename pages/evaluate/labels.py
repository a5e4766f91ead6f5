"""Are the labels right? Suspected ones one by one, decided by key or click, then a new version and
a fair retry.
"""

import json
from dataclasses import replace

import numpy as np
import streamlit as st

from pages.components import (
    backbones,
    chrome,
    findings,
    gallery,
    problems,
    services,
    state,
    waiting,
)
from pages.components.words import plain, sure
from tl_core.config import RunConfig
from tl_core.data.edits import Decision, decide, decisions
from tl_core.data.look import thumbnail
from tl_core.data.store import DatasetVersion
from tl_core.registry.runs import ACTIVE

st.title("Are the labels right?")
name = state.current("dataset")
chrome.need_dataset(name)
findings.watch()
with problems.caught():
    record = services.datasets().get(name)
    info = services.version_info(record.folder)
noun = {"image": "photos", "text": "texts"}[info.modality]
st.caption(
    f"{plain(record.reference)} · {info.rows:,} {noun}"
    + (f" · {plain(info.change)}" if info.change else "")
)


def look() -> None:
    """Queue the search for wrong labels."""
    backbone = backbones.for_dataset(record)
    with problems.caught():
        services.submit(
            RunConfig(
                "suspect", services.user(), record.reference, str(record.folder), backbone, "probe"
            ),
            f"{state.new_draft()}-suspect",
        )
    state.draft_used()


def choose(row: int, action: str, label: str = "") -> None:
    """Save one decision."""
    with problems.caught():
        decide(DatasetVersion(record.folder), row, action, label)
    st.session_state["skipped"] = [other for other in st.session_state["skipped"] if other != row]


def skip(row: int) -> None:
    """Ask about it again after the others."""
    st.session_state["skipped"] = [
        *(other for other in st.session_state["skipped"] if other != row),
        row,
    ]


@st.cache_data(max_entries=400, ttl=3600, show_spinner=False)
def item(folder: str, row: int, side: int, *, whole: bool = False) -> str | bytes:
    """A text, or a picture of at most `side` pixels."""
    version = DatasetVersion(folder)
    if version.info.modality == "text":
        return version.texts(np.array([row]))[0]
    return thumbnail(version.image_bytes(row), side, whole=whole)


def show_neighbours(rows: list[int]) -> None:
    """The items that look most alike, with their classes."""
    labels = DatasetVersion(record.folder).labels
    classes = [info.labels[labels[row]] for row in rows]
    found = [item(str(record.folder), row, 192) for row in rows]
    st.caption("The most alike ones, and what they are called")
    if record.modality == "text":
        gallery.texts(
            [{"text": str(text), "is": label} for text, label in zip(found, classes, strict=True)],
            "alike",
        )
    else:
        gallery.pictures(found, classes)


@st.fragment
def worklist(suspects: list[dict]) -> None:
    """One suspect at a time; a decision is saved before the next one is shown."""
    made = decisions(record.folder)
    mine = [one for one in suspects if one["row"] not in made]
    late = st.session_state["skipped"]
    mine.sort(key=lambda one: late.index(one["row"]) if one["row"] in late else -1)
    done = len(suspects) - len(mine)
    st.progress(done / len(suspects), f"{done:,} of {len(suspects):,} looked at")
    if mine:
        one = mine[0]
        left, right = st.columns(2, gap="large")
        with left:
            content = item(str(record.folder), one["row"], 480, whole=True)
            if record.modality == "text":
                with st.container(border=True):
                    st.text(str(content))
            else:
                st.image(content, width=340)
        with right:
            st.markdown(
                f"It is called **{plain(one['given'])}**.  \nThe others say"
                f" **{plain(one['suggested'])}**, {sure(one['confidence'])}."
            )
            row = one["row"]
            st.button(
                f"Change to {plain(one['suggested'])}",
                on_click=choose,
                args=(row, "relabel", one["suggested"]),
                shortcut="m",
                type="primary",
                width="stretch",
            )
            st.button(
                f"Keep {plain(one['given'])}",
                on_click=choose,
                args=(row, "keep"),
                shortcut="k",
                width="stretch",
            )
            if len(info.labels) > 2:
                other = st.selectbox(
                    "Another class",
                    [
                        label
                        for label in info.labels
                        if label not in (one["given"], one["suggested"])
                    ],
                    index=None,
                    placeholder="Another class",
                    label_visibility="collapsed",
                    key=f"other_{row}",
                )
                if other:
                    st.button(
                        f"Change to {plain(other)}",
                        on_click=choose,
                        args=(row, "relabel", other),
                        width="stretch",
                        key="to_other",
                    )
            st.button(
                "Leave it out", on_click=choose, args=(row, "drop"), shortcut="d", width="stretch"
            )
            st.button("Later", on_click=skip, args=(row,), shortcut="l", width="stretch")
        show_neighbours(one["neighbours"])
    last = next((row for row in reversed(made)), None)
    if last is not None:
        st.button(
            "Take the last decision back",
            on_click=choose,
            args=(last, "undo"),
            icon=":material/undo:",
            shortcut="u",
            type="tertiary",
        )
    if not mine:
        st.success("All of them are looked at.", icon=":material/check_circle:")
    make_version(made)


def make_version(made: dict[int, Decision]) -> None:
    """What was changed so far, and the button that makes it a version."""
    changed, dropped = (
        sum(one.action == action for one in made.values()) for action in ("relabel", "drop")
    )
    if not changed + dropped:
        return
    st.caption(
        f"{changed} changed, {dropped} left out so far. They are saved; the version in use stays as"
        " it is."
    )
    if st.button(
        "Make a new version of it",
        type="primary" if changed + dropped else "secondary",
        icon=":material/library_add_check:",
    ):
        findings.apply_decisions(record.reference)
        st.rerun()


def train_again() -> None:
    """The newest training on the version before, once more on this one: same settings, same test
    items.
    """
    with problems.caught():
        before = [
            run
            for run in services.runs().of_dataset(info.parent)
            if run.kind == "train" and run.status == "done"
        ]
        now = [run for run in services.runs().of_dataset(record.reference) if run.kind == "train"]
    if not before:
        return
    earlier = before[0]
    if now:
        st.page_link(
            "pages/evaluate/compare.py",
            label="Compare with the training before the change",
            icon=":material/balance:",
            query_params={"run": now[0].id, "with": earlier.id},
        )
        return
    if st.button(
        "Train again on this version",
        icon=":material/replay:",
        type="primary",
        help=(
            "With the settings of the last training on the version before; both are then judged on"
            " the same items."
        ),
    ):
        with problems.caught():
            config = replace(
                RunConfig.read(earlier.folder),
                dataset=record.reference,
                dataset_dir=str(record.folder),
            )
            run = services.submit(config, f"{state.new_draft()}-again")
        state.draft_used()
        st.switch_page("pages/train/live.py", query_params={"run": run.id})


if info.parent:
    train_again()
with problems.caught():
    searches = [
        run for run in services.runs().of_dataset(record.reference) if run.kind == "suspect"
    ]
if not searches or searches[0].status not in (*ACTIVE, "done"):
    if searches:
        problems.show(searches[0].reason or {"what": "The search stopped."})
    st.markdown(
        f"Each of the {noun} that train or validate is judged by a quick model that learnt from the"
        " others; those that it is sure about, against their label, are listed for you. The test"
        " items are left alone."
    )
    if st.button(
        "Look for wrong labels",
        type="primary" if not info.parent else "secondary",
        icon=":material/manage_search:",
    ):
        look()
        st.rerun()
elif searches[0].status in ACTIVE:
    waiting.watch_run(searches[0].id, f"Judging each of the {noun} by the others…")
else:
    st.markdown(f"**{plain(searches[0].headline)}**")
    with problems.caught():
        found = json.loads((searches[0].folder / "suspects.json").read_text(encoding="utf-8"))
    if found["rows"]:
        worklist(found["rows"])
