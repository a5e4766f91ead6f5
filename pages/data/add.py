"""What are my examples? Upload or server path, a look inside, the columns, and the dataset."""

import time
from pathlib import Path

import pandas as pd
import streamlit as st

from pages.components import gallery, problems, services, state, uploads, waiting
from pages.components.words import plain
from tl_core.config import RunConfig
from tl_core.data.schema import ImportOptions
from tl_core.errors import UserError
from tl_core.registry.datasets import check_name

HELP = {name: spec.metadata["help"] for name, spec in ImportOptions.__dataclass_fields__.items()}

st.title("What are my examples?")


def forget() -> None:
    """Back to the empty page, with a fresh upload widget."""
    st.session_state.update(upload="", look_ticket=0, looked_at="", import_run="")
    uploads.reset("upload_key")


def choose_source() -> None:
    """The two ways in; the file goes to disk at once and the page goes on with its path."""
    upload_tab, server_tab = st.tabs(["Upload", "From this server"])
    with upload_tab:
        st.caption("Photos: a zip with one folder for each class. Texts: a table (CSV, TSV, XLSX, JSONL, Parquet) with "
                   "a text and a class in each row, or a zip of tables named train and test.")
        limit = services.settings().number("upload_mb")
        upload = st.file_uploader("Your file", key=f"upload_{st.session_state['upload_key']}", max_upload_size=limit,
                                  type=["zip", "csv", "tsv", "txt", "xlsx", "jsonl", "ndjson", "parquet"],
                                  help=f"Up to {limit:,} MB. Larger data: a server folder, or the command line.")
        if upload is not None:
            with problems.caught():
                st.session_state["upload"] = str(uploads.keep(upload))
            uploads.reset("upload_key")
            st.rerun()
    with server_tab:
        roots = services.settings().data_folders
        if not roots:
            st.info("No server folder is open. Whoever runs this server can open some with TL_DATA_DIRS.")
        with st.form("server"):
            path = st.text_input("Folder or file on this server", help="Class folders, a zip, or a table.",
                                 placeholder=str(roots[0]) if roots else "", disabled=not roots)
            if st.form_submit_button("Look inside", disabled=not roots) and path:
                with problems.caught():
                    st.session_state["upload"] = str(uploads.allowed_folder(path))
                st.rerun()


def show_pictures(facts: dict) -> None:
    """Counts and a few pictures."""
    classes = facts["classes"]
    st.success(f"{facts['rows']:,} images in {len(classes)} classes: "
               + ", ".join(f"{plain(name)} ({count:,})" for name, count in list(classes.items())[:12]),
               icon=":material/photo_library:")
    gallery.pictures([data for _, data in facts["thumbnails"]], [name for name, _ in facts["thumbnails"]])


def show_table(facts: dict) -> dict[str, str]:
    """The first rows and the guessed columns, changeable; gives the chosen columns."""
    columns, guess = facts["columns"], facts["guess"]
    st.success(f"A table with {len(columns)} columns.", icon=":material/table:")
    if facts["problem"]:
        st.warning(plain(facts["problem"]))

    def pick(role: str, title: str, *, optional: bool = False) -> str:
        choices = (["", *columns] if optional else columns)
        value = guess.get(role, "")
        return st.selectbox(title, choices, index=choices.index(value) if value in choices else 0,
                            help=HELP[f"{role}_column"], format_func={name: name or "none" for name in choices}.get)

    first, second = st.columns(2)
    with first:
        text, group = pick("text", "Column with the text"), pick("group", "Rows that belong together", optional=True)
    with second:
        target, split = pick("label", "Column with the class"), pick("split", "Column with the split", optional=True)
    shown = list(dict.fromkeys(name for name in (text, target, group, split) if name))
    st.dataframe(pd.DataFrame(facts["preview"])[shown], hide_index=True)
    return {"text_column": text, "label_column": target, "group_column": group, "split_column": split}


def show_form(facts: dict) -> None:
    """Name, columns, splits, and the button that makes the dataset."""
    chosen = {}
    if facts["modality"] == "image":
        show_pictures(facts)
    else:
        chosen = show_table(facts)
    if facts["skipped_count"]:
        with st.expander(f"{facts['skipped_count']:,} items will be skipped"):
            st.dataframe(pd.DataFrame(facts["skipped"]), hide_index=True)
    default = Path(st.session_state["upload"]).stem.replace("_", "-")[:60]
    name = st.text_input("Name of the dataset", default, help="The same name with new content makes a new version.")
    if "validation" in facts["splits"] and "test" not in facts["splits"]:
        keep = st.radio("Your data has one split besides train. It is", ["the final test", "for tuning"],
                        help=HELP["val_is"], horizontal=True)
        chosen["val_is"] = "test" if keep == "the final test" else "validation"
    with st.expander("More settings"):
        chosen["test_fraction"] = st.slider("Share for the final test (0: by size)", 0.0, 0.5, 0.0, 0.05,
                                            help=HELP["test_fraction"])
        chosen["val_fraction"] = st.slider("Share for tuning (0: by size)", 0.0, 0.5, 0.0, 0.05,
                                           help=HELP["val_fraction"])
        chosen["seed"] = int(st.number_input("Seed", 0, 2**31 - 1, 0, help=HELP["seed"]))
        chosen["remove_leaks"] = st.checkbox("Leave out training rows that are also in the test rows",
                                             help=HELP["remove_leaks"])
    save, other = st.columns([1, 1])
    if save.button("Save as dataset", type="primary", icon=":material/save:"):
        with problems.caught():
            options = {"source": facts["source"], "name": check_name(name), "options": chosen}
            home = services.settings().home_path / "uploads"
            kept = Path(st.session_state["upload"])
            if kept.is_relative_to(home):
                options["upload"] = str(home / kept.relative_to(home).parts[0])
            run = services.submit(RunConfig("import", services.user(), options=options), state.new_draft())
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
        st.switch_page("pages/data/inspect.py", query_params={"dataset": st.session_state["dataset"]})
    if run.status in ("queued", "running"):
        waiting = f"Waiting, place {run.place} in the queue" if run.status == "queued" else "Reading and checking"
        st.progress(run.progress, waiting)
        return
    problems.show(run.reason or {"what": "The import stopped."})
    st.button("Start over", on_click=forget)


if st.session_state["import_run"]:
    with problems.caught():
        watch_import()
elif not st.session_state["upload"]:
    choose_source()
else:
    source = st.session_state["upload"]
    client = services.compute()
    if st.session_state["looked_at"] != source:
        staging = services.settings().home_path / "uploads" / f"look-{time.time_ns()}"
        if Path(source).is_relative_to(services.settings().home_path / "uploads"):
            staging = Path(source).parent
        with problems.caught():
            ticket = client.call("inspect_source", path=source, staging=str(staging), options={})
            st.session_state["look_ticket"] = ticket
        st.session_state["looked_at"] = source
    try:
        done, found = client.poll(st.session_state["look_ticket"])
    except UserError as error:
        problems.show(error)
        st.button("Try another file", on_click=forget, type="primary")
        st.stop()
    if not done:
        waiting.wait_for(st.session_state["look_ticket"], "Looking inside…")
    else:
        show_form(found)
