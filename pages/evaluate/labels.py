"""Are the labels right? Suspected ones one by one, decided by key or click, then a new version and
a fair retry.
"""

import json
from dataclasses import replace

import streamlit as st

from pages.components import (
    backbones,
    chrome,
    findings,
    problems,
    services,
    state,
    waiting,
    worklist,
)
from pages.components.words import plain
from tl_core.config import RunConfig
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
        worklist.show(record, info, found["rows"])
