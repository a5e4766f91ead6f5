"""How shall it learn? The strategies in order of cost, what is frozen and what moves, and the start."""

import streamlit as st

from pages.components import backbones, chrome, problems, services, settings_form, state, waiting
from pages.components.words import duration, plain
from tl_core.config import SETTINGS, RunConfig
from tl_core.errors import UserError
from tl_core.recipes import RECIPES

TITLES = {"probe": "Probe: only the classifier learns", "baseline": "Yardstick: no pretrained network"}

st.title("How shall it learn?")
name = state.current("dataset")
chrome.need_dataset(name)
with problems.caught():
    record = services.datasets().get(name)
    past = services.runs().list(kind="train", limit=100)
backbone = st.session_state["backbone"] or f"starter:{record.modality}"

recipe = st.radio("Strategy", list(TITLES), format_func=TITLES.get, captions=[RECIPES[key] for key in TITLES],
                  label_visibility="collapsed")

with st.container(border=True):
    if recipe == "probe":
        st.markdown(f":gray-badge[:material/ac_unit: frozen] **{plain(backbone)}** keeps everything that it has learnt")
        st.markdown(f":green-badge[:material/spa: learns] a linear classifier for {record.classes} classes is grafted "
                    "onto it")
    else:
        st.markdown(":green-badge[:material/spa: learns] a linear classifier on "
                    + ("word and letter counts" if record.modality == "text" else "colours and edges"))
    alike = [run for run in past if run.status == "done" and run.recipe == recipe and run.summary
             and (recipe == "baseline" or run.backbone == backbone)]
    if alike:
        items = record.rows
        seconds = alike[0].summary["seconds"]
        st.caption(f"The last run like this took {duration(seconds)} on this machine; this dataset has {items:,} "
                   "items. Features are kept, so a second run is quicker.")
    else:
        st.caption("Usually seconds to a few minutes; the live page shows the time left.")

with problems.caught():
    chosen = settings_form.show(recipe, record.modality)
st.caption("Choices are made on the tuning rows; the test rows are opened once, at the end.")



def show_fit() -> None:
    """What the backbone would not read of these texts; nothing to see when it reads them all."""
    ticket = st.session_state["fit_ticket"]
    try:
        ready, found = services.compute().poll(ticket)
    except UserError:
        return  # the run itself will say what is wrong with the backbone
    if not ready:
        waiting.wait_quietly(ticket, "Checking how the backbone reads your texts…")
        return
    for finding in found:
        st.warning(f"{plain(finding['text'])} {plain(finding['fix'])}", icon=":material/warning:")


if recipe == "probe" and record.modality == "text":
    length = int(chosen.get("max_length", SETTINGS["probe"]().max_length))
    asked = f"{record.reference} {backbone} {length}"
    if st.session_state["fitted"] != asked:
        with problems.caught():
            st.session_state["fit_ticket"] = services.compute().call(
                "check_fit", reference=backbone, folder=str(record.folder), max_length=length)
        st.session_state["fitted"] = asked
    show_fit()

if st.button("Start training", type="primary", icon=":material/play_arrow:"):
    with problems.caught():
        reference = "" if recipe == "baseline" else backbones.allowed(backbone)
        config = RunConfig("train", services.user(), record.reference, str(record.folder), reference, recipe, chosen)
        run = services.submit(config, state.new_draft())
    state.draft_used()
    st.session_state["run"] = run.id
    st.switch_page("pages/train/live.py", query_params={"run": run.id})
st.page_link("pages/model/choose.py", label="Choose another backbone", icon=":material/arrow_back:",
             query_params={"dataset": name})
