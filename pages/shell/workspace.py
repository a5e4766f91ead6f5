"""What somebody is working on: the project in hand, its runs, and how far the work has come."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from pages.shell import problems, rights, services, state
from tl_core.errors import NotFoundError, UserError
from tl_core.registry.run import Run

_LOOKED_AT = 20  # newest trainings among which one's own last one is


@dataclass(frozen=True)
class Workspace:
    """The project in hand.

    Args:
        dataset: a dataset version, such as `bugs@2`; empty before there is one.
        run: the finished training in hand, of this project; None before there is one.
        done: the steps of the work that have been taken, by the titles of their places.
    """

    dataset: str
    run: Run | None
    done: frozenset[str]

    @property
    def project(self) -> str:
        """The dataset's name without its version."""
        return _project(self.dataset)

    def next_step(self, steps: list[str]) -> str:
        """The first of `steps` that has not been taken; empty when all have been."""
        return next((step for step in steps if step not in self.done), "")


def in_hand() -> Workspace:
    """The workspace as address, session and registry say; dataset and run are kept in the session.

    What the address names wins. A run that it names brings its dataset along, unless another
    version of the same project is in hand. A new session goes on with what was worked on last, and
    so does one whose dataset there is not, or is no more; the page itself says what it misses.
    """
    named = st.query_params.get("dataset") or _of_named_run()
    dataset = next(filter(_is_there, (named, st.session_state["dataset"])), "") or _last()
    if not dataset:
        return Workspace("", None, frozenset())
    run_id = st.query_params.get("run") or st.session_state["run"]
    runs = services.runs().of_dataset(_project(dataset))
    trainings = _finished(runs)
    current = next((run for run in trainings if run.id == run_id), next(iter(trainings), None))
    st.session_state["dataset"] = dataset
    if current and not run_id:
        st.session_state["run"] = current.id
    done = {"Data"}
    if trainings:
        done.add("Train")
    if any(not (run.summary or {}).get("sealed") for run in trainings):
        done.add("Evaluate")
    if any(run.kind in ("predict", "export") and run.status == "done" for run in runs):
        done.add("Use")
    return Workspace(dataset, current, frozenset(done))


def take(dataset: str) -> None:
    """From now on the pages are about this dataset version and its newest finished training."""
    with problems.in_callback():
        trainings = _finished(services.runs().of_dataset(_project(dataset)))
        state.choose("dataset", dataset)
        st.session_state["run"] = trainings[0].id if trainings else ""
        st.query_params.pop("run", None)
        st.session_state["projects"] = False  # closes the list that it was chosen from


def _finished(runs: list[Run]) -> list[Run]:
    """Finished trainings that are not archived, newest first, baselines after all others."""
    trainings = [
        run for run in runs if run.kind == "train" and run.status == "done" and not run.archived
    ]
    return sorted(trainings, key=lambda run: run.recipe == "baseline")


def _last() -> str:
    """The dataset of one's own newest training, else one's own newest one, else the newest that
    somebody shares.
    """
    me, records = services.user(), services.datasets().list()
    known = [record.reference for record in sorted(records, key=lambda one: one.owner != me)]
    mine = (run for run in services.runs().list(kind="train", limit=_LOOKED_AT) if run.owner == me)
    return next((run.dataset for run in mine if run.dataset in known), next(iter(known), ""))


def _is_there(dataset: str) -> bool:
    """Whether there is such a dataset, for whoever is here."""
    try:
        return bool(dataset and services.datasets().find(dataset))
    except UserError:
        return False


def _of_named_run() -> str:
    """The dataset of the run that the address names, where it is of another project; none while a
    sample has not become a dataset.
    """
    run_id = st.query_params.get("run")
    try:
        named = services.runs().get(run_id).dataset if run_id else ""
    except NotFoundError:
        return ""
    of_another = _project(named) != _project(st.session_state["dataset"])
    if not of_another or named.startswith("sample:"):
        return ""
    return "" if rights.against(rights.LOOK, named) else named  # shared without its data


def _project(dataset: str) -> str:
    return dataset.partition("@")[0]
