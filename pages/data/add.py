"""What are my examples? A way in, a look inside, columns and splits, and the dataset."""

import json
import time
from pathlib import Path

import pandas as pd
import streamlit as st

from pages.components import (
    gallery,
    import_plan,
    problems,
    services,
    state,
    uploads,
    waiting,
    ways_in,
)
from pages.components.words import plain
from tl_core.config import RunConfig
from tl_core.data.encodings import ENCODINGS
from tl_core.data.schema import ImportOptions
from tl_core.errors import UserError
from tl_core.registry.datasets import check_name

HELP = {name: spec.metadata["help"] for name, spec in ImportOptions.__dataclass_fields__.items()}
READING = (
    "sheet",
    "encoding",
    "header",
    "hub_config",
    "labels_from",
    "class_level",
    "date_order",
    "pages",
    "task",
    "repair",
    "label_column",
    "split_column",
)

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


def show_pictures(facts: dict) -> dict[str, str]:
    """Counts and a few pictures; for pictures with a table, its columns."""
    classes = facts["classes"]
    st.success(
        f"{facts['rows']:,} images in {len(classes)} classes: "
        + ", ".join(
            f"{plain(name) or '(none)'} ({count:,})" for name, count in list(classes.items())[:12]
        ),
        icon=":material/photo_library:",
    )
    gallery.pictures(
        [data for _, data in facts["thumbnails"]], [name for name, _ in facts["thumbnails"]]
    )
    if not facts["table"]:
        return {}
    st.caption("The classes come from the table beside the pictures.")
    return pick_columns(
        facts["table"],
        facts["guess"],
        (("image", "Column with the file name"), ("label", "Column with the class")),
    )


def show_table(facts: dict) -> dict[str, str]:
    """The first rows and the guessed columns, changeable; gives the chosen columns."""
    if facts.get("documents"):
        st.success(
            f"{facts['rows']:,} files, each one text, in {len(facts['classes'])} classes.",
            icon=":material/description:",
        )
        return {}
    st.success(f"A table with {len(facts['columns'])} columns.", icon=":material/table:")
    if len(facts["sheets"]) > 1:
        st.selectbox(
            "Sheet",
            ["", *facts["sheets"]],
            key="add_sheet",
            help=HELP["sheet"],
            persist_state="session",
            format_func={name: name or facts["sheets"][0] for name in ("", *facts["sheets"])}.get,
        )
    roles = (("text", "Column with the text"),) + (
        () if facts["files_are_classes"] else (("label", "Column with the class"),)
    )
    chosen = pick_columns(facts["columns"], facts["guess"], roles)
    taken = [chosen.get(f"{role}_column", name) for role, name in facts["guess"].items()]
    shown = (
        list(dict.fromkeys(name for name in (*taken, *facts["one_hot"][:6]) if name))
        or facts["columns"][:12]
    )
    st.dataframe(pd.DataFrame(facts["preview"])[shown], hide_index=True)
    return chosen


def pick_columns(
    columns: list[str], guess: dict[str, str], roles: tuple[tuple[str, str], ...]
) -> dict:
    """Select boxes for the roles, the needed ones first; gives the columns that were chosen
    otherwise than guessed.
    """
    spare = [
        ("group", "Rows that belong together"),
        ("split", "Column with the split"),
        ("date", "Column with the date"),
    ]
    spare += [("title", "Title before the text")] if roles[0][0] == "text" else []
    chosen = {}

    def pick(role: str, title: str, choices: list[str]) -> None:
        value = guess.get(role, "")
        picked = st.selectbox(
            title,
            choices,
            index=choices.index(value) if value in choices else 0,
            help=HELP[f"{role}_column"],
            format_func={name: name or "none" for name in choices}.get,
            key=f"add_{role}",
            persist_state="session",
        )  # an answer has the source looked at again, while no widget stands
        if picked and picked != value:
            chosen[f"{role}_column"] = picked
        elif role == "split" and value and not picked:
            chosen["ignore_splits"] = True

    for box, (role, title) in zip(st.columns(2), roles, strict=False):
        with box:
            pick(role, title, columns if role in guess else ["", *columns])
    with st.expander(
        "More columns: groups, splits, dates" + (", titles" if len(spare) > 3 else "")
    ):
        boxes = st.columns(2)
        for place, (role, title) in enumerate(spare):
            with boxes[place % 2]:
                pick(role, title, ["", *columns])
    return chosen


def show_reading(modality: str, folds: list[str]) -> dict[str, object]:
    """How the source is read: settings that are recognised, for when they were recognised
    wrongly.
    """

    def choice(name: str, title: str, values: tuple[str, ...]) -> None:
        st.selectbox(
            title,
            values,
            key=f"add_{name}",
            help=HELP[name],
            persist_state="session",
            format_func={value: value or "recognised" for value in values}.get,
        )

    chosen: dict[str, object] = {}
    with st.expander("How it is read"):
        left, right = st.columns(2)
        with left:
            if modality == "text":
                choice("encoding", "Text encoding", ("", *ENCODINGS))
                choice("header", "First line names the columns", ("", "yes", "no"))
            else:
                choice("labels_from", "Classes stand in", ("", "folders", "table", "names"))
                choice("pages", "Files with several pages", ("", "first", "all"))
        with right:
            choice("task", "Cells that look like lists", ("", "single_label"))
            choice("date_order", "Order of dates", ("", "dmy", "mdy", "ymd"))
        if modality == "text":
            st.checkbox(
                "Repair texts", key="add_repair", help=HELP["repair"], persist_state="session"
            )
        if folds:
            chosen["test_fold"] = st.selectbox(
                "Fold that becomes the test",
                ["", *folds],
                help=HELP["test_fold"],
                format_func=lambda name: name or "none: rows are split anew",
            )
    return chosen


def show_hub(facts: dict) -> dict[str, object]:
    """Configuration, split and row limit of a Hub dataset."""
    st.success(f"{plain(facts['name'])} on the Hugging Face Hub.", icon=":material/cloud_download:")
    config = st.selectbox("Configuration", list(facts["configs"]), help=HELP["hub_config"])
    splits = facts["configs"][config]
    split = st.selectbox(
        "Split",
        ["", *splits],
        help=HELP["hub_split"],
        format_func={name: name or "train, validation and test" for name in ("", *splits)}.get,
    )
    limit = st.number_input(
        "Most rows of each split (0: all)", 0, 10_000_000, 5_000, 1_000, help=HELP["row_limit"]
    )
    return {"hub_config": config, "hub_split": split, "row_limit": int(limit)}


def show_splits(facts: dict, source: str, chosen: dict) -> None:
    """The settings of the split, and what they give for each class before anything is frozen."""
    if "validation" in facts.get("splits", {}) and "test" not in facts["splits"]:
        keep = st.radio(
            "Your data has one split besides train. It is",
            ["the final test", "for tuning"],
            help=HELP["val_is"],
            horizontal=True,
        )
        chosen["val_is"] = "test" if keep == "the final test" else "validation"
    with st.expander("More settings"):
        chosen["test_fraction"] = st.slider(
            "Share for the final test (0: by size)", 0.0, 0.5, 0.0, 0.05, help=HELP["test_fraction"]
        )
        chosen["val_fraction"] = st.slider(
            "Share for tuning (0: by size)", 0.0, 0.5, 0.0, 0.05, help=HELP["val_fraction"]
        )
        chosen["seed"] = int(st.number_input("Seed", 0, 2**31 - 1, 0, help=HELP["seed"]))
        chosen["remove_leaks"] = st.checkbox(
            "Leave out training rows that are also in the test rows", help=HELP["remove_leaks"]
        )
    if source.startswith("hub:"):
        return
    show_plan(source, chosen)


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


def show_target(source: str) -> tuple[str, bool, dict[str, str]]:
    """A new name, or an existing dataset to add the rows to."""
    known = [record.name for record in services.datasets().list()]
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
        return name, True, {"new_rows": "split" if where == "split like the rest" else "train"}
    default = source.rpartition("/")[2] if source.startswith("hub:") else Path(source).stem
    name = st.text_input(
        "Name of the dataset",
        default.replace("_", "-")[:60],
        help="The same name with new content makes a new version.",
    )
    return name, False, {}


def asked_for() -> dict:
    """The settings of reading that somebody has chosen or answered."""
    return {
        name: st.session_state[f"add_{name}"]
        for name in READING
        if st.session_state.get(f"add_{name}")
    }


def show_form(facts: dict, source: str) -> None:
    """What was found, columns, splits, name, and the button that makes the dataset."""
    chosen: dict = asked_for()
    hub = source.startswith("hub:")
    if hub:
        chosen |= show_hub(facts)
    else:
        chosen |= show_pictures(facts) if facts["modality"] == "image" else show_table(facts)
        chosen |= show_reading(facts["modality"], facts["folds"])
        if facts["skipped_count"]:
            with st.expander(f"{facts['skipped_count']:,} items will be skipped"):
                st.dataframe(pd.DataFrame(facts["skipped"]), hide_index=True)
    name, append, more = show_target(source)
    show_splits(facts, source if hub else facts["source"], chosen)
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
    reading = asked_for()
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
