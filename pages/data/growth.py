"""More data, or another model? A learning curve with its trend, and a map of the items as the
backbone sees them.
"""

from pathlib import Path

import pandas as pd
import streamlit as st

from pages.sections.data import growth, item_map
from pages.sections.train import backbones
from pages.shell import frame, problems, rights, run_panel, services, state
from pages.shell.words import plain
from tl_core.config import RunConfig
from tl_core.registry.run import Run
from tl_core.results import EXPLORATION, MAP_FILE, LearningCurve

frame.title("Growth and map", "More data, or another model?")
name = state.current("dataset")
frame.need_dataset(name)
with problems.caught():
    record = services.datasets().get(name)
    info = services.version_info(record.folder)
frame.need_labels(record, info, judged=False)
search = run_panel.of_dataset(record.reference, "explore")


@st.cache_data(max_entries=20, ttl=3600, show_spinner=False)
def read(folder: str) -> tuple[LearningCurve, pd.DataFrame]:
    """The curve and the map of a finished run."""
    return EXPLORATION.load(Path(folder)), pd.read_parquet(f"{folder}/{MAP_FILE}")


def offer() -> None:
    """What the work would tell, and the button that queues it."""
    st.markdown(
        "A probe is trained on more and more of your items to see whether its score is still"
        " rising, and the items are laid out on a map as the backbone sees them."
    )
    why = rights.against(rights.WORK, record)
    if st.button(
        "Compute learning curve and map",
        type="primary",
        icon=":material/trending_up:",
        disabled=bool(why),
        help=why or None,
    ):
        backbone = backbones.for_dataset(record)
        config = RunConfig(
            "explore", services.user(), record.reference, str(record.folder), backbone, "probe"
        )
        run_panel.start(config, "explore")
        st.rerun()


def show(run: Run) -> None:
    """The advice, the curves side by side, and the map."""
    with problems.caught():
        result, layout = read(str(run.folder))
    left, right = st.columns(2, gap="large")
    with left:
        st.subheader(f"With a probe on {plain(run.backbone)}")
        st.markdown(f"**{plain(result['advice'])}**")
        growth.curve(result, "growth", "The band is the spread of five repetitions of a probe")
    with right:
        growth.of_training(record)
    st.subheader("A map of the items")
    item_map.show(record, layout)


run_panel.show(search, "Training on more and more items…", show, offer)
