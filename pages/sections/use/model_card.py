"""The model that the place Use is about: a card on the left of its pages, with what it is, how
good it is, and the way to another one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.sections.evaluate import test_score
from pages.sections.items import new_item
from pages.sections.items.item_pages import ItemPages, pages_of
from pages.shell import problems, rights, services, state, workspace
from pages.shell.words import ago, counted, plain
from pages.widgets import trained
from pages.widgets.glossary import help_of
from tl_core.data.preparation import Preparation
from tl_core.predict.carried import preparation_of
from tl_core.predict.threshold import read_threshold
from tl_core.registry.datasets import DatasetRecord
from tl_core.registry.projects import score_of
from tl_core.registry.run import Run

_WIDTHS = [3, 8]  # of card and content
_CLASSES = 10  # that the card names; the others stand in a list of their own


@dataclass(frozen=True)
class Model:
    """A trained model as the pages use it.

    Args:
        run: the training that made it.
        modality: what kind of items it reads.
        record: the dataset version that it was trained on; None where the run was shared without.
        own: what its modality answers to the pages.
        kept: what was done to an item before it saw it.
        labels: its classes.
        least: how sure it must be to answer by itself; 0 when it always does.
    """

    run: Run
    modality: str
    record: DatasetRecord | None
    own: ItemPages
    kept: Preparation
    labels: list[str]
    least: float

    @property
    def several(self) -> bool:
        """Whether an item may have several labels."""
        return "micro_f1" in (self.run.summary or {})

    @property
    def folder(self) -> Path:
        """Its weights and everything beside them."""
        return self.run.folder / "model"


def beside() -> tuple[Model, DeltaGenerator]:
    """The model in hand with its card on the left, and the place for the page's content; without
    any model the page ends here.
    """
    run, usable = _in_hand()
    if st.session_state["predict_run"] != run.id:  # what was said was said by another model
        st.session_state.update(predict_run=run.id, predict_job="")
        new_item.forget()
    left, content = st.columns(_WIDTHS, gap="medium")
    with problems.caught():
        model = _model(run)
    with left, st.container(border=True, gap="xsmall", key="model_card"):
        _facts(model)
        _switch(run, usable)
    return model, content


def _model(run: Run) -> Model:
    """What there is to know of a run's model; without its data, what its report tells."""
    record = info = None
    if rights.against(rights.LOOK, run.dataset):
        report = test_score.report_of(run)
        modality, labels = report["modality"], report["labels"]
    else:
        record = services.datasets().get(run.dataset)
        info = services.version_info(record.folder)
        modality, labels = record.modality, info.labels
    folder = run.folder / "model"
    kept = preparation_of(folder, info) or Preparation()
    own = pages_of(modality)
    return Model(run, modality, record, own, kept, labels, read_threshold(folder))


def _in_hand() -> tuple[Run, dict[str, Run]]:
    """The run of address or session, else the newest of the project, and all that could be it."""
    wanted = state.current("run")
    usable = {
        run.id: run
        for run in trained.finished()
        if (not run.archived or run.id == wanted) and (run.folder / "model/config.json").exists()
    }
    if not usable:
        st.info("There is no trained model yet.", icon=":material/info:")
        st.page_link("pages/home/home.py", label="Try a sample", icon=":material/home:")
        st.stop()
    if wanted and wanted not in usable:
        trained.explain_replacement(wanted, "no model")
    project = workspace.in_hand().project
    ordered = sorted(usable.values(), key=lambda run: run.dataset.partition("@")[0] != project)
    run = usable.get(wanted) or ordered[0]
    state.choose("run", run.id)
    return run, {one.id: one for one in ordered}


def _facts(model: Model) -> None:
    """Name, data, score, classes, threshold and preparation."""
    run, score = model.run, score_of(model.run)
    st.markdown(f":material/network_intelligence: **{plain(trained.way(run))}**")
    st.caption(f"Trained on {plain(run.dataset)}, {ago(run.finished)}")
    if score is not None:
        title = f"validation {score.name}" if score.closed else score.name
        st.metric(
            title[0].upper() + title[1:],
            f"{100 * score.value:.0f} " + ("in 100" if score.name == "accuracy" else "%"),
            f"{100 * score.low:.0f} to {100 * score.high:.0f} is plausible",
            delta_color="off",
            delta_arrow="off",
            help=help_of("validation" if score.closed else score.name),
        )
    _classes(model.labels)
    st.caption(f":material/person: {_answers(model)}", help=help_of("threshold"))
    for line in prepared(model.kept):
        st.caption(f":material/tune: {line}")
    st.page_link(
        "pages/evaluate/report.py",
        label="Its report",
        icon=":material/fact_check:",
        query_params={"run": run.id},
    )


def _answers(model: Model) -> str:
    """When it answers, and with what."""
    if model.several:
        return "It names each class that is at least as likely as the class's own threshold."
    if model.least:
        return f"Below {model.least:.0%} sure it leaves the answer to a person."
    return "It always answers; no threshold is kept with it."


def _classes(labels: list[str]) -> None:
    """The first classes by name; the whole list only when somebody opens it."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(counted(len(labels), "class", "classes"), width="stretch")
        if len(labels) > _CLASSES:
            box = st.popover("All", type="tertiary", on_change="rerun", help="Every class by name")
            if box.open:
                with box:
                    st.dataframe({"class": labels}, hide_index=True, height=300)
    st.markdown(" ".join(f":gray-badge[{plain(name[:24])}]" for name in labels[:_CLASSES]))


def prepared(kept: Preparation) -> list[str]:
    """What is done to an item before the model sees it, in sentences."""
    lines = []
    if kept.joined:
        shown = " and ".join(plain(name) for name in kept.columns[:4])
        more = f" and {len(kept.columns) - 4} more" if len(kept.columns) > 4 else ""
        lines.append(f"It reads the columns {shown}{more}, joined into one text.")
    elif kept.pixels:
        width, height = kept.pixels[:2]
        lines.append(f"It reads pictures, also as rows of {width} by {height} pixels.")
    elif kept.columns:
        lines.append(f"It reads the column {plain(kept.columns[0])}.")
    if kept.repair:
        lines.append("Texts are repaired first, as in training.")
    if kept.scale:
        lines.append("Pictures with more than 8 bits are scaled as in training.")
    if kept.page == "all":
        lines.append("Each page of a file is a picture of its own.")
    return lines


def _switch(run: Run, usable: dict[str, Run]) -> None:
    """The way to another finished run, of this or another project."""
    key = f"model {run.id}"  # a link to another run must win over an earlier choice
    names = {one: trained.full_name(other) for one, other in usable.items()}
    st.selectbox(
        "Model",
        list(usable),
        index=list(usable).index(run.id),
        format_func=names.get,
        key=key,
        on_change=_take,
        args=(key,),
        help="Another finished run: those of this project first, newest first.",
    )


def _take(key: str) -> None:
    """From now on the pages are about the chosen run and its project."""
    state.choose("run", st.session_state[key])
    with problems.in_callback():
        state.choose("dataset", services.runs().get(st.session_state[key]).dataset)
