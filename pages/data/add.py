"""What are my examples? A way in, a look inside, columns and splits, and the dataset."""

import json
import time
from pathlib import Path

import pandas as pd
import streamlit as st

from pages.components import (
    import_plan,
    import_settings,
    problems,
    services,
    source_facts,
    state,
    uploads,
    waiting,
    ways_in,
)
from tl_core.config import RunConfig
from tl_core.errors import UserError
from tl_core.registry.datasets import check_name

st.title("What are my examples?")


def forget() -> None:
    """Back to the empty page, with fresh widgets; the typed name goes too."""
    st.session_state.update(
        upload="",
        look_ticket=0,
        looked_at="",
        import_run="",
        plan_ticket=0,
        planned="",
        collection="",
    )
    for key in [key for key in st.session_state if str(key).startswith("add_")]:
        del st.session_state[key]
    uploads.reset("upload_key")


def staging_of(source: str) -> str:
    """Where a look may unpack: beside an upload, else a folder of its own."""
    home = services.settings().home_path / "uploads"
    if source.startswith("hub:") or not Path(source).is_relative_to(home):
        return str(home / f"look-{time.time_ns()}")
    return str(Path(source).parent)


def show_plan(source: str, chosen: dict) -> None:
    """What would be taken for what, guesses to check, and the rows of each class by split."""
    wanted = json.dumps([source, chosen])
    client = services.compute()
    if st.session_state["planned"] != wanted:
        with problems.caught():
            st.session_state["plan_ticket"] = client.call(
                "plan_import", path=source, staging=staging_of(source), options=chosen
            )
        st.session_state["planned"] = wanted
    try:
        ready, plan = client.poll(st.session_state["plan_ticket"])
    except UserError as error:
        problems.show(error)
        return
    if not ready:
        waiting.wait_for(
            st.session_state["plan_ticket"],
            "Reading all rows: classes, splits, what will be left out…",
        )
        return
    if plan["question"]:
        import_plan.ask(plan["question"])
        return
    import_plan.check(plan["plan"])
    with st.expander("What is taken for what", expanded=True):
        import_plan.show(plan["plan"])
    with st.expander("How the rows will be split", expanded=True):
        if plan["too_many"]:
            st.caption(
                "Too many rows to count here; the counts are shown once the dataset is made."
            )
        else:
            table = pd.DataFrame(
                [{"class": name, **parts} for name, parts in plan["classes"].items()]
            )
            st.dataframe(table, hide_index=True, height=min(240, 36 * (len(table) + 1)))
            aside = (
                f" {plan['unlabelled']:,} rows without a class are set aside."
                if plan["unlabelled"]
                else ""
            )
            st.caption(
                "Copies of one item are put on one side when the dataset is made, so counts may"
                f" shift a little. A class with a single example stays in train.{aside}"
            )


def show_form(facts: source_facts.SourceFacts | source_facts.HubFacts, source: str) -> None:
    """What was found, columns, splits, name, and the button that makes the dataset."""
    chosen = import_settings.reading_in_hand()
    hub = source.startswith("hub:")
    if hub:
        chosen |= source_facts.show_hub(facts)
    else:
        chosen |= source_facts.show(facts)
        chosen |= import_settings.show_reading(facts["modality"], facts["folds"])
        if facts["skipped_count"]:
            with st.expander(f"{facts['skipped_count']:,} items will be skipped"):
                st.dataframe(pd.DataFrame(facts["skipped"]), hide_index=True)
    name, append, more = import_settings.show_target(source)
    chosen |= import_settings.show_splits(facts.get("splits", {}))
    if not hub:
        show_plan(facts["source"], chosen)
    save, other = st.columns([1, 1])
    if save.button("Save as dataset", type="primary", icon=":material/save:"):
        with problems.caught():
            options = {
                "source": source if hub else facts["source"],
                "name": check_name(name),
                "append": append,
                "options": chosen | more,
                "shown": source if hub else Path(source).name,
            }
            home = services.settings().home_path / "uploads"
            if not hub and Path(source).is_relative_to(home):
                options["upload"] = str(home / Path(source).relative_to(home).parts[0])
            run = services.submit(
                RunConfig("import", services.user(), options["name"], options=options),
                state.new_draft(),
            )
        state.draft_used()
        st.session_state["import_run"] = run.id
        st.rerun()
    other.button("Start over", on_click=forget, type="tertiary")


@st.fragment(run_every=1.0)
def watch_import() -> None:
    """Progress of the import; at the end, on to the dataset."""
    run = services.runs().get(st.session_state["import_run"])
    if run.status == "done":
        forget()
        st.session_state["dataset"] = (run.summary or {})["dataset"]
        st.switch_page(
            "pages/data/inspect.py", query_params={"dataset": st.session_state["dataset"]}
        )
    if run.status in ("queued", "running"):
        waiting = (
            f"Waiting, place {run.place} in the queue"
            if run.status == "queued"
            else "Reading and checking"
        )
        st.progress(run.progress, waiting)
        return
    problems.show(run.reason or {"what": "The import stopped."})
    if run.status in ("interrupted", "cancelled") and st.button(
        "Resume", type="primary", icon=":material/replay:"
    ):
        services.resume(run.id)
        st.rerun()
    st.button("Start over", on_click=forget)


if st.session_state["import_run"]:
    with problems.caught():
        watch_import()
elif not st.session_state["upload"]:
    ways_in.choose()
else:
    source = st.session_state["upload"]
    client = services.compute()
    reading = import_settings.reading_in_hand()
    wanted = json.dumps([source, reading])
    if st.session_state["looked_at"] != wanted:
        with problems.caught():
            st.session_state["look_ticket"] = (
                client.call("describe_hub_data", name=source.partition(":")[2])
                if source.startswith("hub:")
                else client.call(
                    "inspect_source", path=source, staging=staging_of(source), options=reading
                )
            )
        st.session_state["looked_at"] = wanted
    try:
        done, found = client.poll(st.session_state["look_ticket"])
    except UserError as error:
        problems.show(error)
        st.button("Try another file", on_click=forget, type="primary")
        st.stop()
    if not done:
        waiting.wait_for(st.session_state["look_ticket"], "Looking inside…")
    elif found.get("question"):
        import_plan.ask(found["question"])
        st.button("Try another file", on_click=forget, type="tertiary")
    else:
        show_form(found, source)
