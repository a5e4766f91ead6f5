"""Items that a served model was unsure of, on their way to be labelled."""

from __future__ import annotations

import streamlit as st

from pages.sections.use.model_card import Model
from pages.shell import problems, rights, run_panel, services
from pages.shell.words import plain
from tl_core.config import RunConfig
from tl_core.registry.run import Run
from tl_core.watch.journal import Journal
from tl_core.watch.unsure import UnsureItems


def show(model: Model, journal: Journal) -> None:
    """How many are kept, and the button that sends them to the dataset."""
    count, run = len(UnsureItems(journal.folder)), _newest(model, journal)
    if not count and run is None:
        st.caption(
            "Unsure items are not kept unless the server is started with `--keep-unsure`; then they"
            " can be sent from here to the labelling."
        )
        return
    st.markdown(f"**{count:,} unsure items** are kept with their content.")

    def offer() -> None:
        _offer(model, journal, count)

    def done(run: Run) -> None:
        _done(run)
        if count:  # they have come since
            offer()

    run_panel.show(run, "Adding them to the dataset…", done, offer)


def _newest(model: Model, journal: Journal) -> Run | None:
    """The newest run that sends what is kept here, whoever has started it and in which tab."""
    with problems.caught():
        runs = services.runs().children(model.run.id, "import")
    name = journal.folder.name
    return next(
        (run for run in runs if RunConfig.read(run.folder).options.get("served") == name), None
    )


def _offer(model: Model, journal: Journal, count: int) -> None:
    why = rights.against(rights.WORK, model.run.dataset)
    if why or model.record is None or not count:
        st.caption(plain(why) if why else "There are none to send.")
        return
    if not st.button(
        "Send them to the labelling",
        icon=":material/new_label:",
        key=f"send_{journal.folder.name}",
        help="They join the newest version of the dataset as items without a class, in a new"
        " version, and are kept here no more.",
    ):
        return
    name = model.record.called
    options = {
        "source": "unsure items",
        "name": name,
        "append": True,
        "served": journal.folder.name,
        "run": model.run.id,
    }
    with problems.caught():
        config = RunConfig("import", services.user(), name, options=options)
    run_panel.start(config, f"unsure {journal.folder.name}")
    st.rerun()


def _done(run: Run) -> None:
    st.success(plain(run.headline), icon=":material/check_circle:")
    st.page_link(
        "pages/data/label.py",
        label="Label them",
        icon=":material/new_label:",
        query_params={"dataset": str((run.summary or {})["dataset"])},
    )
