"""How is it going? One sentence with the time left, the curves, the machine, and a way to stop."""

import streamlit as st

from pages.sections.evaluate import without_labels
from pages.sections.train import search_board
from pages.sections.train.live import head, layer_strip, overlay, scheduler_log, side, yardstick
from pages.shell import following, frame, problems, rights, services, state
from pages.shell.words import plain
from pages.widgets import charts, curves
from tl_core.jobs.events import RunView
from tl_core.progress import Curve
from tl_core.registry.elsewhere.executor_names import LOCAL
from tl_core.registry.run import ACTIVE, Run
from tl_core.results import PLAN

CURVES = 400  # pixels: all of it then fits a screen of 900
LINES = 200  # of the log

frame.title("Live run", "How is it going?")
with problems.caught():
    run_id = head.which(
        st.session_state["dataset"], st.query_params.get("run", ""), st.session_state["run"]
    )
if not run_id:
    st.caption("Nothing has been trained on this project yet.")
    st.page_link("pages/train/design.py", label="Design a training", icon=":material/tune:")
    st.page_link("pages/evaluate/runs.py", label="All runs", icon=":material/list:")
    st.stop()
state.choose("run", run_id)
with problems.caught():
    first = services.runs().get(run_id)


def taken_rate(run: Run, tried: list[dict[str, float]]) -> float:
    """The learning rate that the run has decided on; the highest tried one until it has."""
    with problems.caught():
        plan = PLAN.find(run.folder)
    return plan["lr"] if plan else tried[-1]["lr"]


def show_curves(run: Run, view: RunView) -> None:
    """What the training has measured so far."""
    if run.recipe == "auto":
        search_board.now(run.folder)
    if view.of(Curve.TRAINING):
        curves.pair(view, others, band, CURVES, items=items)
    elif run.recipe == "self_training" and (points := view.curves.get(Curve.VALIDATION)):
        st.markdown("**Accuracy on the held-out items, round by round**")
        without_labels.rounds(points)
    elif (points := view.curves.get(Curve.PENALTY)) and run.recipe in ("probe", "finetune"):
        st.markdown("**Regularisation of the classifier**")
        curves.penalty(points, "sweep")
    elif run.status in ACTIVE:
        st.caption("Curves appear here as soon as there is something to draw.")


def show_findings(view: RunView) -> None:
    """What only the training could notice, folded away behind the first of it."""
    texts = [f"{finding['text']} {finding['fix']}".strip() for finding in view.findings]
    if not texts:
        return
    more = f" and {len(texts) - 1} more" if len(texts) > 1 else ""
    with st.expander(
        plain(texts[0][:110]) + ("…" * (len(texts[0]) > 110)) + more, icon=":material/warning:"
    ):
        for text in texts:
            st.markdown(plain(text))


def show_more(run: Run, view: RunView) -> None:
    """Curves that few need, drawn when somebody unfolds them."""
    tried = view.curves.get(Curve.LEARNING_RATE)
    if not (view.of(Curve.TRAINING) or tried or len(view.machine) > 1):
        return
    box = st.expander("Learning rates, gradient, speed, machine", key="more", on_change="rerun")
    if not box.open:
        return
    with box:
        if view.of(Curve.TRAINING):
            curves.details(view)
        if tried:
            st.caption("learning rate test")
            charts.lr_curve(tried, taken_rate(run, tried), "lr_tried")
        curves.machine(view.machine)


@st.dialog("Log", position="right", width="medium", icon=":material/notes:")
def show_log() -> None:
    """What the run has said, in a drawer beside it, and what its scheduler says."""
    log_lines()
    with problems.caught():
        run = services.runs().get(run_id)
    if run.executor not in ("", LOCAL) and not rights.against(rights.WORK, run):
        scheduler_log.show(run)


@st.fragment(run_every=2.0 if first.status in ACTIVE else None)
@problems.looking
def log_lines() -> None:
    """The last lines, the newest below."""
    with problems.caught():
        lines = following.view_of(services.runs().get(run_id)).logs
    st.code("\n".join(lines[-LINES:]) or "Nothing yet.", language=None, wrap_lines=True)


@st.fragment(run_every=2.0 if first.status in ACTIVE else None)
@problems.looking
def show_run() -> None:
    """Everything that changes while the run is going."""
    with problems.caught():
        run = services.runs().get(run_id)
    active = run.status in ACTIVE
    if not active and first.status in ACTIVE:
        st.rerun()
    view = following.view_of(run)
    head.show(run, view)
    beside = active or layers is not None or view.of(Curve.TRAINING)
    left, right = st.columns([5, 2], gap="medium") if beside else (st.container(), None)
    with left:
        show_findings(view)
        show_curves(run, view)
        show_more(run, view)
    if right:
        with right:
            side.show(view, layers, items, active=active)


body = st.container()
others, band, layers, items = {}, None, None, 0
with st.container(horizontal=True, vertical_alignment="center"), problems.caught():
    if st.button("Log", icon=":material/notes:", help="What the run has said so far."):
        show_log()
    if first.recipe == "finetune":
        others = overlay.choose(first)
    if first.kind == "train":
        band = yardstick.without_transfer(first)
        layers = layer_strip.facts_of(first)
        items = yardstick.judged_items(first)
with body:
    show_run()
