"""What does it say about new ones? One item at once, a whole file as a job."""

import streamlit as st

from pages.components import (
    charts,
    explanation,
    following,
    problems,
    services,
    state,
    trained,
    uploads,
    waiting,
)
from pages.components.words import duration, plain, sure
from tl_core.config import RunConfig
from tl_core.data.plan import plan_lines
from tl_core.data.preparation import Preparation
from tl_core.errors import UserError
from tl_core.predict.carried import preparation_of
from tl_core.predict.picture_files import open_page
from tl_core.predict.threshold import read_threshold
from tl_core.registry.runs import ACTIVE

st.title("What does it say about new ones?")
run = trained.pick()
run_id, model = run.id, str(run.folder / "model")
with problems.caught():
    record = services.datasets().get(run.dataset)
    modality, folder = record.modality, record.folder
    kept = preparation_of(run.folder / "model", services.version_info(folder)) or Preparation()
    if st.session_state["predict_run"] != run_id:
        services.compute().call("warm", folder=model)
        st.session_state.update(predict_run=run_id, answer_ticket=0, predict_job="")


def ask(value: str | bytes) -> None:
    """Send one item to the helper process."""
    with problems.caught():
        st.session_state["answer_ticket"] = services.compute().call(
            "predict_one", folder=model, value=value
        )
        st.session_state.update(asked_value=value, explain_ticket=0)


def picture_input() -> None:
    """Upload or camera; a new picture is asked about once."""
    way = st.segmented_control(
        "From", ["File", "Camera"], default="File", label_visibility="collapsed"
    )
    picture = (
        st.camera_input("Take a photo")
        if way == "Camera"
        else st.file_uploader(
            "A photo",
            max_upload_size=30,
            help="One picture, up to 30 MB.",
            type=["jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff", "avif"],
        )
    )
    if picture is None:
        st.session_state["answer_ticket"] = 0
        return
    try:
        st.image(open_page(picture.getvalue(), 0, kept), width=220)
    except UserError as error:
        problems.show(error)
        st.session_state["answer_ticket"] = 0
        return
    if st.session_state.get("asked_picture") != picture.file_id:
        st.session_state["asked_picture"] = picture.file_id
        ask(picture.getvalue())


def text_input() -> None:
    """A box for each column that the model reads; they are asked about when the button is
    pressed.
    """
    with st.form("one"):
        row = (
            {
                name: st.text_area(
                    plain(name),
                    height=100 if name == kept.columns[-1] else 68,
                    max_chars=20_000,
                    key=f"one {run_id} {name}",
                )
                for name in kept.columns
            }
            if kept.joined
            else {}
        )
        text = (
            kept.text(row)
            if row
            else kept.one_text(
                st.text_area(
                    "A text", height=100, max_chars=20_000, placeholder="Write or paste one here"
                )
            )
        )
        if row:
            st.caption("The model was trained on these columns together.")
        if st.form_submit_button("Ask", type="primary"):
            if text:
                ask(text)
            else:
                st.warning("Write something first.")


def show_answer() -> None:
    """What it says, how sure it is, and the runners-up."""
    try:
        ready, pairs = services.compute().poll(st.session_state["answer_ticket"])
    except UserError as error:
        problems.show(error)
        return
    if not ready:
        waiting.wait_for(
            st.session_state["answer_ticket"],
            "Thinking… the first answer of a model takes some seconds.",
        )
        return
    st.markdown(f"#### {plain(pairs[0][0])} :small[{sure(pairs[0][1])}]")
    least = read_threshold(run.folder / "model")
    if pairs[0][1] < least:
        st.warning(
            f"A person should decide: it is less than {least:.0%} sure.", icon=":material/person:"
        )
    charts.probabilities(pairs, "answer")
    explanation.show(
        model, st.session_state["asked_value"], [name for name, _ in pairs[:2]], f"predict {model}"
    )


(picture_input if modality == "image" else text_input)()
if st.session_state["answer_ticket"]:
    show_answer()

st.subheader("A whole file")
shown = " and ".join(map(plain, kept.columns)) if len(kept.columns) < 8 else ""
st.caption(
    "A table of pixels like that of the training, or a zip of photos."
    if kept.pixels
    else (
        "A zip of photos."
        if modality == "image"
        else (
            f"A table with the columns {shown}. They are joined as in "
            "training, and your columns come back with the answer beside them."
            if kept.joined
            else (
                "A table with a column of texts. Your columns come back with the answer beside"
                " them."
            )
        )
    )
)


def start(options: dict, mark: str) -> None:
    """Queue the prediction of a file; `mark` keeps a second click from queueing it again."""
    with problems.caught():
        config = RunConfig(
            "predict", services.user(), run.dataset, options={"run": run.id, **options}
        )
        job = services.submit(config, f"{state.new_draft()}-{mark}")
    state.draft_used()
    st.session_state["predict_job"] = job.id
    st.rerun()


@st.fragment(run_every=1.0)
def watch_job(job_id: str) -> None:
    """Progress of the file, then its download."""
    job = services.runs().get(job_id)
    if job.status not in ACTIVE:
        st.rerun()
    view = following.view_of(job)
    left, counted = view.seconds_left(), f" {view.done:,} of {view.total:,}" if view.total else ""
    st.progress(
        job.progress,
        (
            f"Waiting, place {job.place}"
            if job.status == "queued"
            else f"{view.stage or 'Starting'}{counted}"
            + (f", {view.rate:,.0f} a second" if view.rate >= 1 else "")
            + (f", {duration(left)} left" if left else "")
        ),
    )
    st.button("Stop", on_click=stop, args=(job_id,), icon=":material/stop:", type="tertiary")


def stop(job_id: str) -> None:
    """Cancel a prediction; what it has finished is kept."""
    with problems.caught():
        services.runs().cancel(job_id)


def show_plan(plan: dict) -> None:
    """What was read as what; a guess is a warning."""
    for doubt in plan.get("uncertain", []):
        st.warning(plain(doubt), icon=":material/help:")
    if plan:
        with st.expander("What was read", expanded=bool(plan.get("uncertain"))):
            st.markdown("\n".join(f"- {plain(line.strip())}" for line in plan_lines(plan)))


def name_columns() -> dict:
    """Columns of the file that have other names than in training, as options of the prediction."""
    if modality == "image":
        return {}
    with st.expander("My columns have other names"):
        known = (
            {"title_column": kept.columns[0], "text_column": kept.columns[-1]}
            if kept.joined
            else {"text_column": kept.columns[0] if kept.columns else "the longest texts"}
        )
        found = {
            option: (
                st.text_input(
                    f"Column instead of {plain(name)}",
                    key=f"{option} {run_id}",
                    help="Its name in your file. Empty: the same as in training.",
                ).strip()
            )
            for option, name in known.items()
        }
    return {option: name for option, name in found.items() if name}


def go_on(job_id: str) -> None:
    """Queue an ended prediction again; what it has finished is kept."""
    with problems.caught():
        services.resume(job_id)


job_id = st.session_state["predict_job"]
if job_id:
    with problems.caught():
        job = services.runs().get(job_id)
    if job.status in ACTIVE:
        watch_job(job_id)
    elif job.status == "done":
        st.success(plain(job.headline), icon=":material/check_circle:")
        show_plan(job.summary.get("plan", {}))
        made = job.folder / job.summary["file"]
        with made.open("rb") as handle:
            st.download_button(
                "Download the CSV" if made.suffix == ".csv" else "Download the Parquet file",
                handle,
                f"predictions-{job_id}{made.suffix}",
                type="primary",
                icon=":material/download:",
            )
        if job.summary.get("precision", "").startswith("bf16"):
            st.caption(
                "Computed with shorter numbers (bf16), which is faster here. Answers near a border,"
                " which these could have changed, were computed again in full."
            )
    else:
        problems.show(job.reason or {"what": "It stopped."})
        st.button(
            "Go on where it was",
            on_click=go_on,
            args=(job_id,),
            type="primary",
            icon=":material/play_arrow:",
        )
    if job.status not in ACTIVE:
        st.button("Another file", on_click=lambda: st.session_state.update(predict_job=""))
else:
    unlabelled = services.version_info(folder).splits.get("unlabelled", 0)
    if unlabelled and st.button(
        f"Predict the {unlabelled:,} {'pictures' if modality == 'image' else 'rows'} without a "
        "class",
        help="Those of the dataset that came without one.",
    ):
        start({"prepared": True, "spreadsheet": True}, "unlabelled")
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
        help=(
            "A zip of pictures."
            if modality == "image" and not kept.pixels
            else "CSV, TSV, Excel, JSONL, Parquet, or a zip of one."
        ),
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
