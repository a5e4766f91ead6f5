"""Which training a page is about, and what it is called among others."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.shell import problems, services
from tl_core.config import RunConfig
from tl_core.config.naming import name_of
from tl_core.errors import NotFoundError, UserError
from tl_core.evaluate.measures import Range
from tl_core.registry.projects import score_of
from tl_core.registry.run import Run


@st.cache_data(max_entries=2000, show_spinner=False)
def _name(folder: str, written: int) -> str:
    """An automatic search writes its config anew at its end, so the name is kept for each time of
    writing.
    """
    del written
    return name_of(RunConfig.read(Path(folder)))


def name(run: Run) -> str:
    """Strategy and what differs, as `tl_core.config.naming` says it; the recipe alone where no
    config can be read.
    """
    try:
        return _name(str(run.folder), (run.folder / "config.json").stat().st_mtime_ns)
    except (OSError, ValueError, UserError):
        return run.recipe


def way(run: Run) -> str:
    """Backbone and name: how the data were learnt."""
    without = "available backbones" if run.recipe == "auto" else "no backbone"
    return f"{run.backbone or without} · {name(run)}"


def full_name(run: Run) -> str:
    """The same with data and id, for choosers."""
    return f"{run.dataset} · {way(run)} · {run.id}"


def score(run: Run) -> Range | None:
    """The score of a training that is done: accuracy, or micro F1 where an item may have several
    labels; other kinds of runs sum up other things.
    """
    found = score_of(run)
    return {"value": found.value, "low": found.low, "high": found.high} if found else None


def finished() -> list[Run]:
    """Every finished training, newest first."""
    with problems.caught():
        return services.runs().list(kind="train", status="done", limit=None)


def explain_replacement(wanted: str, lacks: str) -> None:
    """Say why the run in hand is not the one that the page shows."""
    try:
        status = services.runs().get(wanted).status
        why = f"Run {wanted} has {lacks}" + ("." if status == "done" else f": it is {status}.")
    except NotFoundError:
        why = f"There is no run {wanted} any more."
    st.warning(f"{why} Shown is the newest run that has one.", icon=":material/info:")
