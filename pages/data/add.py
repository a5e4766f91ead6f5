"""What are my examples? A way in, a look inside, columns and splits, and the dataset."""

import json
import time
from pathlib import Path

import pandas as pd
import streamlit as st

from pages.sections.data import collect, import_plan, import_settings, source_facts, ways_in
from pages.sections.items.item_pages import pages_of
from pages.shell import ask, frame, problems, rights, run_panel, services, uploads
from pages.shell.words import counted
from tl_core.config import RunConfig
from tl_core.data.checks.class_names import LABEL_HERE
from tl_core.errors import UserError
from tl_core.registry.datasets import check_name
from tl_core.registry.run import Run

frame.title("Add data", "What are my examples?")


def forget() -> None:
    """Back to the empty page, with fresh widgets; the typed name goes too."""
    st.session_state.update(upload="", import_run="")
    collect.forget()
    ask.forget("look", "plan")
    for key in [key for key in st.session_state if str(key).startswith("add_")]:
        del st.session_state[key]
    uploads.reset("upload_key")


def staging_of(source: str) -> str:
    """Where a look may unpack: beside an upload, else a folder of its own."""
    home = services.settings().home_path / "uploads"
    if source.startswith("hub:") or not Path(source).is_relative_to(home):
        return str(home / f"look-{time.time_ns()}")
    return str(Path(source).parent)


def show_local(facts: source_facts.SourceFacts, source: str) -> None:
    """What was found in a file or folder and how it is read and split; beside it what would be
    taken.
    """
    left, right = st.columns(2, gap="large")
    with left:
        chosen = import_settings.show_label_here() | import_settings.reading_in_hand()
        own = pages_of(facts["modality"])
        chosen |= own.show_source(facts)
        chosen |= import_settings.show_reading(own.reading, facts["folds"])
        if facts["skipped_count"]:
            with st.expander(f"{counted(facts['skipped_count'], 'item')} will be skipped"):
                st.dataframe(pd.DataFrame(facts["skipped"]), hide_index=True)
        target = import_settings.show_target(source)
        chosen |= import_settings.show_splits(facts.get("splits", {}))
        options = {"source": facts["source"], "shown": Path(source).name}
        home = services.settings().home_path / "uploads"
        if Path(source).is_relative_to(home):
            options["upload"] = str(home / Path(source).relative_to(home).parts[0])
        offer_saving(target, chosen, options)
    with right:
        import_plan.preview(facts["source"], staging_of(facts["source"]), chosen)


def show_hub(facts: source_facts.HubFacts, source: str) -> None:
    """What to take of a dataset of the Hub, and how to split it."""
    left, right = st.columns(2, gap="large")
    with left:
        chosen = import_settings.show_label_here() | import_settings.reading_in_hand()
        chosen |= source_facts.show_hub(facts)
    with right:
        target = import_settings.show_target(source)
        chosen |= import_settings.show_splits({})
        offer_saving(target, chosen, {"source": source, "shown": source})


def offer_saving(
    target: import_settings.Target, chosen: dict[str, object], options: dict[str, str]
) -> None:
    """The button that makes the dataset, and the way back."""
    row = st.container(horizontal=True)
    if row.button("Save as dataset", type="primary", icon=":material/save:"):
        with problems.caught():
            name = target.name if target.append else check_name(target.name)
            reading = chosen | ({"new_rows": target.new_rows} if target.append else {})
            made = {**options, "name": name, "append": target.append, "options": reading}
            config = RunConfig("import", services.user(), name, options=made)
        st.session_state["import_run"] = run_panel.start(config, "import").id
        st.rerun()
    row.button("Start over", on_click=forget, type="tertiary")


def go_on(run: Run) -> None:
    """On to the dataset: to its items, or to label them where none has a class yet."""
    forget()
    name = st.session_state["dataset"] = (run.summary or {})["dataset"]
    with problems.caught():
        info = services.version_info(services.datasets().get(name).folder)
    begins = info.labelled_here and not info.splits.get("train")
    page = "pages/data/label.py" if begins else "pages/data/items.py"
    st.switch_page(page, query_params={"dataset": name})


def offer_again(run: Run) -> None:
    """After an import that has not ended well: the same again, other settings, or another one."""
    if run.status in ("interrupted", "cancelled") and st.button(
        "Resume", type="primary", icon=":material/replay:"
    ):
        with problems.caught():
            services.resume(run.id)
        st.rerun()
    with st.container(horizontal=True):
        if st.session_state["upload"]:  # not after a refresh, which forgets it
            st.button("Back to the settings", on_click=back, icon=":material/tune:")
        st.button("Start over", on_click=forget)


def back() -> None:
    """To the form as it was, with its settings."""
    st.session_state["import_run"] = ""


def refused(error: UserError) -> None:
    """Why nothing of it can be learnt from, and the ways on: back, or to label it here."""
    problems.show(error)
    with st.container(horizontal=True):
        st.button("Try another file", on_click=forget, type="primary")
        if LABEL_HERE.strip() in error.try_this:
            st.button(
                import_settings.NO_CLASS_YET,
                on_click=import_settings.say_label_here,
                icon=":material/new_label:",
            )


def look_into(source: str) -> source_facts.SourceFacts | None:
    """What a file or folder holds, once the helper has looked."""
    reading = import_settings.reading_in_hand()
    facts: source_facts.SourceFacts | None = ask.ask(
        "look",
        "inspect_source",
        json.dumps([source, reading]),
        "Looking inside…",
        failed=refused,
        path=source,
        staging=staging_of(source),
        options=reading,
    )
    return facts


def look_into_hub(source: str) -> source_facts.HubFacts | None:
    """What a dataset of the Hub offers, once the helper has asked."""
    name = source.partition(":")[2]
    facts: source_facts.HubFacts | None = ask.ask(
        "look", "describe_hub_data", source, "Looking inside…", failed=refused, name=name
    )
    return facts


def show_source(source: str) -> None:
    """The form for a source, or the question that comes first."""
    if source.startswith("hub:"):
        if hub := look_into_hub(source):
            show_hub(hub, source)
    elif facts := look_into(source):
        if facts["question"]:
            import_plan.ask_person(facts["question"])
            st.button("Try another file", on_click=forget, type="tertiary")
        else:
            show_local(facts, source)


if why := rights.against_making():
    st.info(why, icon=":material/visibility:")
    st.stop()
importing = run_panel.in_hand("import_run")
if importing:
    run_panel.show(importing, "Reading and checking", go_on, ended=offer_again)
elif st.session_state["upload"]:
    show_source(st.session_state["upload"])
else:
    ways_in.choose()
