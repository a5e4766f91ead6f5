"""More data, or another model? A learning curve with its trend, and a map of the items as the
backbone sees them.
"""

import json
from typing import Any

import pandas as pd
import streamlit as st

from pages.components import (
    backbones,
    chrome,
    growth,
    item_map,
    problems,
    services,
    state,
    waiting,
)
from pages.components.words import plain
from tl_core.config import RunConfig
from tl_core.registry.runs import ACTIVE

st.title("More data, or another model?")
name = state.current("dataset")
chrome.need_dataset(name)
with problems.caught():
    record = services.datasets().get(name)
    searches = [
        run for run in services.runs().of_dataset(record.reference) if run.kind == "explore"
    ]
st.caption(plain(" · ".join([record.reference, *(run.backbone for run in searches[:1])])))


def start() -> None:
    """Queue the work on the backbone in hand."""
    backbone = backbones.for_dataset(record)
    with problems.caught():
        services.submit(
            RunConfig(
                "explore", services.user(), record.reference, str(record.folder), backbone, "probe"
            ),
            f"{state.new_draft()}-explore",
        )
    state.draft_used()


@st.cache_data(max_entries=20, ttl=3600, show_spinner=False)
def read(folder: str) -> tuple[dict[str, Any], pd.DataFrame]:
    """The curve and the map of a finished run."""
    with open(f"{folder}/explore.json", encoding="utf-8") as handle:
        return json.load(handle), pd.read_parquet(f"{folder}/map.parquet")


if not searches or searches[0].status not in (*ACTIVE, "done"):
    if searches:
        problems.show(searches[0].reason or {"what": "It stopped."})
    st.markdown(
        "A probe is trained on more and more of your items to see whether its score is still"
        " rising, and the items are laid out on a map as the backbone sees them."
    )
    if st.button("Find out", type="primary", icon=":material/trending_up:"):
        start()
        st.rerun()
elif searches[0].status in ACTIVE:
    waiting.watch_run(searches[0].id, "Training on more and more items…")
else:
    with problems.caught():
        result, layout = read(str(searches[0].folder))
    st.markdown(f"#### {plain(result['advice'])}")
    growth.curve(result, "growth", "The band holds the spread of five repetitions of a probe")
    growth.of_training(record)
    st.subheader("A map of the items")
    item_map.show(record, layout)
