"""What can I teach it? Samples, the ways in, and recent runs."""

import streamlit as st

from pages.shell import frame, problems, run_panel, services
from pages.shell.words import ago, plain
from pages.widgets import trained
from tl_core.config import RunConfig

SAMPLES = {
    "digits": (
        "Try with handwritten digits",
        "1,797 small pictures of the digits 0 to 9.",
        "starter:image",
        "dialpad",
    ),
    "messages": (
        "Try with customer messages",
        "600 short texts to an online shop, in 6 classes.",
        "starter:text",
        "forum",
    ),
    "messages-zh": (
        "Try with Chinese messages",
        "216 short texts to an online shop, in 6 classes.",
        "starter:multilingual",
        "translate",
    ),
}

frame.title("Graft Studio", "What can I teach it?")
st.markdown(
    "Bring a few hundred labelled photos or texts. A pretrained network turns each item into"
    " features, a classifier is trained on them, and the result is measured on items that it has"
    " not seen. Nothing leaves this server."
)

for column, (name, (title, text, backbone, icon)) in zip(
    st.columns(3), SAMPLES.items(), strict=True
):
    with column.container(border=True, height="stretch"):
        st.markdown(f":material/{icon}: **{title}**")
        st.caption(text + " About a minute, one click.")
        if st.button(
            "Try it", key=f"try_{name}", type="primary" if name == "digits" else "secondary"
        ):
            with problems.caught():
                config = RunConfig(
                    "train", services.user(), f"sample:{name}", "", backbone, "probe", {}
                )
            run = run_panel.start(config, name)
            st.session_state["run"] = run.id
            st.switch_page("pages/train/live.py", query_params={"run": run.id})

for column, (title, text, icon) in zip(
    st.columns(2),
    (
        ("Photos of my own", "A zip with one folder for each class.", "photo_library"),
        (
            "Texts of my own",
            "A table (CSV, Excel, JSONL, Parquet) with a text and a class in each row.",
            "table",
        ),
    ),
    strict=True,
):
    with column.container(border=True, height="stretch"):
        st.markdown(f":material/{icon}: **{title}**")
        st.caption(text)
        st.page_link("pages/data/add.py", label="Add data", icon=":material/upload:")

st.subheader("Recent runs")
with problems.caught():
    recent = services.runs().list(kind="train", limit=6)
if not recent:
    st.caption("None yet. A sample is the quickest way to see one.")
for run in recent:
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(
            f"**{plain(run.dataset)}** · {plain(trained.way(run))}  \n{plain(run.headline) or '…'}",
            width="stretch",
        )
        st.markdown(f"{frame.badge(run.status)}  \n:small[{ago(run.created)}]", width="content")
        target = "pages/evaluate/report.py" if run.status == "done" else "pages/train/live.py"
        st.page_link(target, label="Open", query_params={"run": run.id})
