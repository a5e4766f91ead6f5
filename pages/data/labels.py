"""Are the labels right? Suspected ones one by one, decided by key or click, then a new version and
a fair retry.
"""

from dataclasses import replace

import streamlit as st

from pages.sections.data import findings, worklist
from pages.sections.train import backbones
from pages.shell import frame, problems, rights, run_panel, services, state
from pages.shell.words import plain
from tl_core.config import RunConfig
from tl_core.modalities import items_of
from tl_core.registry.run import Run
from tl_core.results import LABEL_ERRORS

frame.title("Labels", "Are the labels right?")
name = state.current("dataset")
frame.need_dataset(name)
findings.watch()
with problems.caught():
    record = services.datasets().get(name)
    info = services.version_info(record.folder)
noun = items_of(info.modality)
st.caption(
    f"{plain(record.reference)} · {info.rows:,} {noun}"
    + (f" · {plain(info.change)}" if info.change else "")
)


def train_again() -> None:
    """The newest training on the version before, once more on this one: same settings, same test
    items.
    """
    with problems.caught():
        before = [
            run
            for run in services.runs().of_dataset(rights.within(record.called, info.parent))
            if run.kind == "train" and run.status == "done"
        ]
        now = [run for run in services.runs().of_dataset(record.reference) if run.kind == "train"]
    if not before:
        return
    earlier = before[0]
    if now:
        st.page_link(
            "pages/evaluate/compare.py",
            label="Compare with the training before the change",
            icon=":material/balance:",
            query_params={"run": now[0].id, "with": earlier.id},
        )
        return
    why = rights.against(rights.WORK, record)
    if st.button(
        "Train again on this version",
        icon=":material/replay:",
        type="primary",
        disabled=bool(why),
        help=(
            why
            or "With the settings of the last training on the version before; both are then"
            " evaluated on the same items."
        ),
    ):
        with problems.caught():
            config = replace(
                rights.anew(earlier),
                dataset=record.reference,
                dataset_dir=str(record.folder),
            )
        run = run_panel.start(config, "again")
        st.switch_page("pages/train/live.py", query_params={"run": run.id})


frame.need_labels(record, info, judged=False)
if info.parent:
    train_again()


def offer() -> None:
    """What the search does, and the button that queues it."""
    st.markdown(
        f"A quick model predicts each of the training and validation {noun} after training on the"
        " others (cross-validation). Those where it is confident of another class than the label"
        " are listed for you to review. The test items are not used."
    )
    why = rights.against(rights.WORK, record)
    if st.button(
        "Look for wrong labels",
        type="primary" if not info.parent else "secondary",
        icon=":material/manage_search:",
        disabled=bool(why),
        help=why or None,
    ):
        backbone = backbones.for_dataset(record)
        config = RunConfig(
            "suspect", services.user(), record.reference, str(record.folder), backbone, "probe"
        )
        run_panel.start(config, "suspect")
        st.rerun()


def show(run: Run) -> None:
    """How many there are, and one after the other."""
    st.markdown(f"**{plain(run.headline)}**")
    with problems.caught():
        suspects = LABEL_ERRORS.load(run.folder)["rows"]
    if suspects:
        worklist.show(record, info, suspects)


run_panel.show(
    run_panel.of_dataset(record.reference, "suspect"),
    f"Predicting each of the {noun} from the others…",
    show,
    offer,
)
