"""How is it going? One sentence with the time left, the curves, the machine, and a way to stop."""

from pathlib import Path

import streamlit as st

from pages.sections.train import search_board
from pages.shell import following, frame, problems, run_panel, services, state
from pages.shell.words import duration, plain, size
from pages.widgets import charts, curves, trained
from tl_core.config import RUN_KINDS, RunConfig
from tl_core.jobs.events import RunView
from tl_core.jobs.monitor import read_machine
from tl_core.progress import Curve
from tl_core.registry.runs import ACTIVE, Run
from tl_core.results import PLAN

STOPPABLE = ("finetune", "ladder", "auto")

frame.title("Live run", "How is it going?")
run_id = state.current("run")
if not run_id:
    st.info("No run is selected. Start one, or pick one from the list.", icon=":material/info:")
    st.page_link("pages/evaluate/runs.py", label="All runs", icon=":material/list:")
    st.stop()
with problems.caught():
    first = services.runs().get(run_id)


def cancel() -> None:
    """Ask the run to stop; one that has just ended stays as it is."""
    with problems.caught():
        services.runs().cancel(run_id)


def stop() -> None:
    """Ask a training to end now with its best state."""
    with problems.caught():
        services.runs().stop(run_id)


def resume() -> None:
    """Queue it again."""
    with problems.caught():
        services.resume(run_id)


def show_machine() -> None:
    """GPU figures where there is a GPU, else processor and memory."""
    machine = read_machine()
    for gpu in machine["gpus"]:
        tiles = st.columns(4)
        use, heat, watts = gpu["use"], gpu["temperature"], gpu["power"]
        tiles[0].metric(
            plain(gpu["name"] or "GPU"), f"{use} %" if use is not None else "not reported"
        )
        tiles[1].metric(
            "GPU memory",
            f"{size(gpu['memory_used'])}" if gpu["memory_used"] is not None else "not reported",
        )
        tiles[2].metric("Temperature", f"{heat} °C" if heat is not None else "not reported")
        tiles[3].metric("Power", f"{watts:.0f} W" if watts is not None else "not reported")
    if not machine["gpus"]:
        tiles = st.columns(2)
        tiles[0].metric(f"Processor ({machine['cores']} cores)", f"{machine['cpu']:.0f} %")
        tiles[1].metric(
            "Memory", f"{size(machine['memory_used'])} of {size(machine['memory_total'])}"
        )


def sentence(run: Run, view: RunView) -> str:
    """State and time left, as one would say it."""
    if run.status == "queued":
        return f"Waiting for its turn: place {run.place} in the queue."
    if run.status == "running" and (run.cancel_requested or run.stop_requested):
        return "Stopping, and keeping the best…" if run.stop_requested else "Stopping…"
    left = view.seconds_left()
    count = f" ({view.done:,} of {view.total:,})" if view.total else ""
    stage = view.stage or "Starting; loading the libraries takes some seconds"
    return f"{stage}{count}" + (f", {duration(left)} left in this step." if left else "…")


def train_longer(run: Run) -> None:
    """Go on from the end of a finished training, as a run of its own."""
    with st.popover("Train longer", icon=":material/more_time:"):
        epochs = st.number_input(
            "Epochs more", 1, 100, 2, help="The new run begins with this one's model."
        )
        if st.button("Go on", type="primary"):
            with problems.caught():
                longer = RunConfig.read(run.folder).longer(run.id, epochs)
            started = run_panel.start(longer, "longer")
            st.switch_page("pages/train/live.py", query_params={"run": started.id})


@st.cache_data(max_entries=20, ttl=3600, show_spinner=False)
def past_view(folder: str, finished_at: float) -> RunView:
    """What a finished run's events amount to; a resumed one has another end."""
    del finished_at
    return RunView().follow(Path(folder))


def others_of(run: Run) -> dict[str, RunView]:
    """Views of the runs that somebody wants to see beside this one."""
    alike = {
        other.id: other
        for other in services.runs().of_dataset(run.dataset)
        if other.status == "done" and other.recipe == "finetune" and other.id != run.id
    }
    if not alike:
        return {}
    names = {key: f"{trained.way(other)} · {key}" for key, other in alike.items()}
    picked = st.multiselect(
        "Overlay other runs", list(alike), format_func=names.get, max_selections=4
    )
    return {key: past_view(str(alike[key].folder), alike[key].finished or 0.0) for key in picked}


def taken_rate(run: Run, tried: list[dict[str, float]]) -> float:
    """The learning rate that the run has decided on; the highest tried one until it has."""
    with problems.caught():
        plan = PLAN.find(run.folder)
    return plan["lr"] if plan else tried[-1]["lr"]


def show_next(run: Run) -> None:
    """Where the result of a finished run is: its report, its dataset, or its file."""
    made = run.summary or {}
    if run.kind == "train":
        if st.button("Read the report", type="primary", icon=":material/fact_check:"):
            st.switch_page("pages/evaluate/report.py", query_params={"run": run.id})
        if run.recipe == "finetune":
            train_longer(run)
    elif "file" in made:
        path = run.folder / made["file"]
        if path.is_file() and path.stat().st_size <= services.settings().number("upload_mb") << 20:
            st.download_button(
                f"Download {path.name}",
                path.read_bytes,
                path.name,
                type="primary",
                icon=":material/download:",
                on_click="ignore",
            )
    elif "dataset" in made and st.button(
        "Look at the data", type="primary", icon=":material/search:"
    ):
        st.switch_page("pages/data/items.py", query_params={"dataset": made["dataset"]})


def show_caption(run: Run) -> None:
    """Data, way of training and id."""
    what = trained.way(run) if run.kind == "train" else RUN_KINDS[run.kind].title
    st.caption(f"{' · '.join(plain(part) for part in (run.dataset, what) if part)} · run {run.id}")


def show_progress(run: Run, view: RunView) -> None:
    """How far it is, and the buttons that end it."""
    st.markdown(f"#### {plain(sentence(run, view))}")
    st.progress(run.progress, f"{run.progress:.0%} of the whole run")
    with st.container(horizontal=True):
        stoppable = run.kind == "train" and run.recipe in STOPPABLE and run.status == "running"
        if stoppable:
            st.button(
                "Stop now and keep the best",
                on_click=stop,
                icon=":material/flag:",
                disabled=run.stop_requested or run.cancel_requested or not view.has_curves,
            )
        st.button(
            "Cancel",
            on_click=cancel,
            disabled=run.cancel_requested,
            icon=":material/stop_circle:",
        )
    if view.learning:
        st.markdown(f":green-badge[:material/spa: trainable now] {plain(view.learning)}")


def show_end(run: Run) -> None:
    """What came of it, or why nothing did."""
    if run.status == "done":
        st.success(plain(run.headline), icon=":material/check_circle:")
        show_next(run)
        return
    st.markdown(frame.badge(run.status))
    problems.show(run.reason or {"what": "It ended."})
    if st.button("Resume", type="primary", icon=":material/replay:"):
        resume()
        st.rerun()  # the whole page, since this fragment has stopped looking


def show_curves(run: Run, view: RunView) -> None:
    """What the training has measured so far."""
    if run.recipe == "auto":
        search_board.now(run.folder)
    if run.recipe in (*STOPPABLE, "contrastive"):
        curves.show(view, others_of(run))
    if tried := view.curves.get(Curve.LEARNING_RATE):
        st.markdown("**Learning rate test**")
        charts.lr_curve(tried, taken_rate(run, tried), "lr_tried")
    if (points := view.curves.get(Curve.PENALTY)) and run.recipe == "probe":
        st.markdown("**Regularisation of the classifier**")
        charts.sweep(points, "sweep")


@st.fragment(run_every=2.0 if first.status in ACTIVE else None)
def show_run() -> None:
    """Everything that changes while the run is going."""
    with problems.caught():
        run = services.runs().get(run_id)
    view = following.view_of(run)
    show_caption(run)
    if run.status in ACTIVE:
        show_progress(run, view)
    elif first.status in ACTIVE:
        st.rerun()
    else:
        show_end(run)
    for finding in view.findings:
        st.warning(f"{plain(finding['text'])} {plain(finding['fix'])}", icon=":material/warning:")
    show_curves(run, view)
    if run.status in ACTIVE:
        show_machine()
    curves.machine(view.machine)
    with st.expander("Log"):
        st.code("\n".join(view.logs[-60:]) or "Nothing yet.", language=None)


show_run()
