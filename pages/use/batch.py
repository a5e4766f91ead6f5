"""What does it say about a whole file? Any number of items, answered by a job, with progress."""

import streamlit as st

from pages.sections.data import import_plan
from pages.sections.use import earlier_files, model_card
from pages.shell import following, frame, problems, rights, run_panel, services
from pages.shell.words import duration, on_page, plain
from pages.widgets import at_once, run_file, uploader
from tl_core.config import RunConfig
from tl_core.data.sources.plan import plan_lines
from tl_core.modalities import items_of
from tl_core.registry.run import Run

frame.title("Batch", "What does it say about a whole file?")
model, content = model_card.beside()
run, own, kept = model.run, model.own, model.kept


def start(options: dict[str, object], mark: str) -> None:
    """Queue the prediction of a file; `mark` keeps a second click from queueing it again."""
    config = RunConfig("predict", services.user(), run.dataset, options={"run": run.id, **options})
    st.session_state["predict_job"] = run_panel.start(config, mark).id
    st.rerun()


def how_far(job: Run) -> str:
    """What the prediction does now, how fast, and the time left."""
    view = following.view_of(job)
    left, counted = view.seconds_left(), f" {view.done:,} of {view.total:,}" if view.total else ""
    return (
        f"{view.stage or 'Starting'}{counted}"
        + (f", {view.rate:,.0f} a second" if view.rate >= 1 else "")
        + (f", {duration(left)} left" if left else "")
    )


def show_plan(plan: import_plan.Plan) -> None:
    """What was read as what; a guess is a warning."""
    for doubt in plan.get("uncertain", []):
        st.warning(on_page(doubt, predicts=True), icon=":material/help:")
    if plan:
        with st.expander("What was read", expanded=bool(plan.get("uncertain"))):
            lines = [on_page(line.strip(), predicts=True) for line in plan_lines(plan)]
            st.markdown("\n".join(f"- {line}" for line in lines))


def name_columns() -> dict[str, str]:
    """Columns of the file that have other names than in training, as options of the prediction."""
    known = own.columns_of_file(kept)
    if not known:
        return {}
    with st.expander("My columns have other names"):
        names = {
            option: (
                st.text_input(
                    f"Column instead of {plain(name)}",
                    key=f"{option} {run.id}",
                    help="Its name in your file. Empty: the same as in training.",
                ).strip()
            )
            for option, name in known.items()
        }
    return {option: name for option, name in names.items() if name}


def go_on(job_id: str) -> None:
    """Queue an ended prediction again; what it has finished is kept."""
    with problems.in_callback():
        services.resume(job_id)


def another() -> None:
    """Back to the choice of a file."""
    st.session_state["predict_job"] = ""


def show_predictions(job: Run) -> None:
    """What came of the file, its download, its first rows, and what was read as what."""
    summary = job.summary or {}
    st.success(plain(job.headline), icon=":material/check_circle:")
    made = job.folder / summary["file"]
    words = "Download the CSV" if made.suffix == ".csv" else "Download the Parquet file"
    with st.container(horizontal=True):
        run_file.link(
            job, made.name, words, primary=True, help="Your columns with the answers beside them"
        )
        st.button("Another file", on_click=another, help="Back to the choice of a file")
    earlier_files.show_first_rows(made)
    show_plan(summary.get("plan", {}))
    if summary.get("precision", "").startswith("bf16"):
        st.caption(
            "Computed in bfloat16, which is faster here. Predictions close to a decision"
            " boundary, or to the threshold, were computed again in float32."
        )


def offer_again(job: Run) -> None:
    """After a prediction that has not ended well: on where it was, or another file."""
    with st.container(horizontal=True):
        why = rights.against(rights.WORK, job)
        st.button(
            "Resume",
            on_click=go_on,
            args=(job.id,),
            type="primary",
            icon=":material/play_arrow:",
            disabled=bool(why),
            help=why or "What is finished is kept.",
        )
        st.button("Another file", on_click=another, help="Back to the choice of a file")


def offer_unlabelled() -> None:
    """The rows of the dataset that came without a class."""
    if model.record is None:
        return
    with problems.caught():
        count = services.version_info(model.record.folder).splits.get("unlabelled", 0)
    things = items_of(model.modality)
    if count and st.button(
        f"Predict the {count:,} {things} without a class",
        help="Those of the dataset that came without one.",
    ):
        start({"prepared": True, "spreadsheet": True}, "unlabelled")


def offer_file() -> None:
    """How the answers shall come, and the file."""
    st.caption(own.file_words(kept).caption)
    if why := rights.against(rights.WORK, run.dataset):
        st.info(plain(why), icon=":material/visibility:")
        return
    offer_unlabelled()
    path = uploader.brought(f"predict {run.id}", "The file", own.file_words(kept).help)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        form = st.segmented_control(
            "Answers as",
            ["CSV", "Parquet"],
            default="CSV",
            required=True,
            help="Choose it before the file. CSV opens everywhere; Parquet is smaller and keeps"
            " numbers exact.",
        )
        sheet = st.checkbox(
            "I will open it in a spreadsheet",
            value=True,
            disabled=form == "Parquet",
            help=(
                "Puts an "
                "apostrophe before cells of yours that a spreadsheet would run as a formula."
            ),
        )
        processes = at_once.chosen("predict_at_once")
    columns = name_columns()
    if path:
        wishes = {"spreadsheet": sheet, "format": form.lower(), "processes": processes}
        start({"source": str(path), **wishes, **columns}, path.parent.name)


with content:
    run_panel.show(
        run_panel.in_hand("predict_job"),
        how_far,
        show_predictions,
        offer_file,
        ended=offer_again,
        stoppable=True,
    )
    earlier_files.show(run.id)
