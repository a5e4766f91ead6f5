"""Each domain held out in turn, and fine-tuned networks of the others asked about it: methods,
price, and what was found.
"""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from pages.sections.data import domain_report
from pages.sections.train import backbones, estimate
from pages.shell import problems, rights, run_panel, services
from pages.shell.following import view_of
from pages.shell.words import counted, duration, plain
from pages.widgets.glossary import help_of
from tl_core.config import FinetuneSettings, RunConfig
from tl_core.config.domains import HOLDING_OUT, MOST_HELD_OUT, TOLD_DOMAINS
from tl_core.config.specs import HoldOutSpec
from tl_core.registry.datasets import DatasetRecord
from tl_core.registry.run import Run
from tl_core.results import HELD_OUT


def show(record: DatasetRecord, columns: dict[str, list[str]]) -> None:
    """The newest run of this kind, or what is offered before there is one; `columns` are those of
    domains with their names.
    """
    st.subheader(
        "A domain never seen, by fine-tuned networks", help=help_of("domain generalisation")
    )

    def found(run: Run) -> None:
        domain_report.show_networks(HELD_OUT.load(run.folder))
        if st.toggle("Hold out again, by other methods", key=f"again_held_{record.reference}"):
            _offer(record, columns)

    run_panel.show(
        run_panel.of_dataset(record.reference, "hold_out"),
        _doing,
        found,
        lambda: _offer(record, columns),
        ended=lambda run: _ended(run, record, columns),
        stoppable=True,
    )


def _doing(run: Run) -> str:
    """Which training is at what."""
    return f"Training without each of the domains… {plain(view_of(run).stage)}"


def _ended(run: Run, record: DatasetRecord, columns: dict[str, list[str]]) -> None:
    """One that ended badly goes on where it was, or another is begun."""
    if run.status in ("interrupted", "cancelled") and st.button(
        "Resume", type="primary", icon=":material/replay:"
    ):
        with problems.caught():
            services.resume(run.id)
        st.rerun()
    _offer(record, columns)


def _offer(record: DatasetRecord, columns: dict[str, list[str]]) -> None:
    """What it is about, the wishes, their price, and the button that queues the trainings."""
    st.markdown(
        "Does fine-tuning, or a method made for unseen domains, do better than the probe above?"
        " For each domain and method a network is trained on the other domains and asked about"
        " the one that it has never seen. Finished trainings are kept when a run is interrupted."
    )
    spec = _wishes(record, columns)
    if spec is None:
        st.info("Choose a method.", icon=":material/info:")
        return
    config = RunConfig(
        "hold_out",
        services.user(),
        record.reference,
        str(record.folder),
        backbones.for_dataset(record),
        options=spec.as_dict(),
    )
    _price(config, spec, min(len(columns[spec.column]), MOST_HELD_OUT))
    why = rights.against(rights.WORK, record)
    if st.button(
        "Hold out each domain",
        type="primary",
        icon=":material/model_training:",
        disabled=bool(why),
        help=why or None,
    ):
        run_panel.start(config, "hold_out")
        st.rerun()


def _wishes(record: DatasetRecord, columns: dict[str, list[str]]) -> HoldOutSpec | None:
    """Column, methods and length of the trainings; None where no method is chosen."""
    first, second, third = st.columns(3)
    with first:
        column = st.selectbox(
            "Column of the domains",
            list(columns),
            format_func=plain,
            key=f"held_column_{record.reference}",
            help=HoldOutSpec.help_of("column"),
        )
    several = len(columns[column]) > 2
    methods = [
        name
        for name in HOLDING_OUT
        if (several or name not in TOLD_DOMAINS)
        and (name != "mixstyle" or record.modality == "image")
    ]
    with second:
        chosen = st.multiselect(
            "Methods",
            methods,
            default=methods,
            format_func=domain_report.NETWORKS.get,
            key=f"held_methods_{record.reference}_{column}",
            help=HoldOutSpec.help_of("methods"),
        )
    with third:
        epochs = st.number_input(
            "Epochs (0: automatic)",
            0,
            100,
            key=f"held_epochs_{record.reference}",
            help=FinetuneSettings.help_of("epochs"),
        )
    settings = {"epochs": float(epochs)}
    return HoldOutSpec(column=column, methods=tuple(chosen), settings=settings) if chosen else None


def _price(config: RunConfig, spec: HoldOutSpec, domains: int) -> None:
    """How many trainings, and how long all of them take once one was measured."""
    trainings = domains * len(spec.methods)
    options = spec.options(spec.methods[0])
    training = replace(config, kind="train", recipe="finetune", options=options)
    estimate.show(training)
    measured = st.session_state["estimate"]
    st.caption(
        f"{counted(trainings, 'training')}: {domains} domains,"
        f" {counted(len(spec.methods), 'method')}. "
        + (
            f"All of them take {duration(60 * trainings * measured['minutes'])} at most; each"
            " learns from fewer items than the one that was measured."
            if measured
            else "Measure one of them to know how long they take."
        )
    )
