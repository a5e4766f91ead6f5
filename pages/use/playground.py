"""What does it predict for new items? One item at once, a whole file as a job."""

import streamlit as st

from pages.sections.data import import_plan
from pages.sections.items import explanation
from pages.sections.items.item_pages import Content, pages_of
from pages.shell import ask, following, frame, problems, run_panel, services, uploads
from pages.shell.words import duration, plain, sure
from pages.widgets import charts, trained
from tl_core.config import RunConfig
from tl_core.data.preparation import Preparation
from tl_core.data.sources.plan import plan_lines
from tl_core.modalities import items_of
from tl_core.predict.carried import preparation_of
from tl_core.predict.threshold import read_threshold
from tl_core.registry.runs import Run

frame.title("Predict", "What does it predict for new items?")
run = trained.pick()
run_id, model = run.id, str(run.folder / "model")
with problems.caught():
    record = services.datasets().get(run.dataset)
    own, folder = pages_of(record.modality), record.folder
    kept = preparation_of(run.folder / "model", services.version_info(folder)) or Preparation()
    if st.session_state["predict_run"] != run_id:
        services.compute().call("warm", folder=model)
        st.session_state.update(predict_run=run_id, predict_job="")
        ask.forget("answer")


def ask_about(value: Content, name: str) -> None:
    """Send one item to the helper process; `name` tells a file from another one."""
    ask.send("answer", "predict_one", name, folder=model, value=value)
    ask.forget("explanation")
    st.session_state["item"] = value


def show_answer() -> None:
    """What it says, how sure it is, and the runners-up."""
    pairs = ask.answer("answer", "Predicting… the first prediction of a model takes some seconds.")
    if pairs is None:
        return
    st.markdown(f"#### {plain(pairs[0][0])} :small[{sure(pairs[0][1])}]")
    least = read_threshold(run.folder / "model")
    if pairs[0][1] < least:
        st.warning(
            f"A person should decide: it is less than {least:.0%} sure.", icon=":material/person:"
        )
    charts.probabilities(pairs, "answer")
    explanation.show(
        own, model, st.session_state["item"], [name for name, _ in pairs[:2]], f"predict {model}"
    )


own.show_input(kept, run_id, ask_about)
show_answer()

st.subheader("A whole file")
st.caption(own.file_words(kept).caption)


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
        st.warning(plain(doubt), icon=":material/help:")
    if plan:
        with st.expander("What was read", expanded=bool(plan.get("uncertain"))):
            st.markdown("\n".join(f"- {plain(line.strip())}" for line in plan_lines(plan)))


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
                    key=f"{option} {run_id}",
                    help="Its name in your file. Empty: the same as in training.",
                ).strip()
            )
            for option, name in known.items()
        }
    return {option: name for option, name in names.items() if name}


def go_on(job_id: str) -> None:
    """Queue an ended prediction again; what it has finished is kept."""
    with problems.caught():
        services.resume(job_id)


def another() -> None:
    """Back to the choice of a file."""
    st.session_state["predict_job"] = ""


def show_predictions(job: Run) -> None:
    """What came of the file, its download, and what was read as what."""
    summary = job.summary or {}
    st.success(plain(job.headline), icon=":material/check_circle:")
    show_plan(summary.get("plan", {}))
    made = job.folder / summary["file"]
    with made.open("rb") as handle:
        st.download_button(
            "Download the CSV" if made.suffix == ".csv" else "Download the Parquet file",
            handle,
            f"predictions-{job.id}{made.suffix}",
            type="primary",
            icon=":material/download:",
        )
    if summary.get("precision", "").startswith("bf16"):
        st.caption(
            "Computed in bfloat16, which is faster here. Predictions close to a decision"
            " boundary, or to the threshold, were computed again in float32."
        )
    st.button("Another file", on_click=another)


def offer_again(job: Run) -> None:
    """After a prediction that has not ended well: on where it was, or another file."""
    st.button(
        "Resume",
        on_click=go_on,
        args=(job.id,),
        type="primary",
        icon=":material/play_arrow:",
    )
    st.button("Another file", on_click=another)


def offer_unlabelled() -> None:
    """The rows of the dataset that came without a class."""
    count = services.version_info(folder).splits.get("unlabelled", 0)
    things = items_of(record.modality)
    if count and st.button(
        f"Predict the {count:,} {things} without a class",
        help="Those of the dataset that came without one.",
    ):
        start({"prepared": True, "spreadsheet": True}, "unlabelled")


def offer_file() -> None:
    """How the answers shall come, and the file."""
    offer_unlabelled()
    with st.container(horizontal=True):
        form = st.segmented_control("Answers as", ["CSV", "Parquet"], default="CSV", required=True)
        sheet = st.checkbox(
            "I will open it in a spreadsheet",
            value=True,
            disabled=form == "Parquet",
            help=(
                "Puts an "
                "apostrophe before cells of yours that a spreadsheet would run as a formula."
            ),
        )
    columns = name_columns()
    upload = st.file_uploader(
        "The file",
        key=f"file_{st.session_state['upload_key']}",
        help=own.file_words(kept).help,
        max_upload_size=services.settings().number("upload_mb"),
    )
    if upload is not None:
        with problems.caught():
            stored = str(uploads.keep(upload))
        uploads.reset("upload_key")
        start(
            {"source": stored, "spreadsheet": sheet, "format": form.lower(), **columns},
            upload.file_id,
        )


run_panel.show(
    run_panel.in_hand("predict_job"),
    how_far,
    show_predictions,
    offer_file,
    ended=offer_again,
    stoppable=True,
)
