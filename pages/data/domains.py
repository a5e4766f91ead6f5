"""Do the items come from several places? How far these are apart, and what to expect of one that
has never been seen.
"""

import streamlit as st

from pages.sections.data import domain_report, network_wishes
from pages.sections.train import backbones, domain_choice
from pages.shell import frame, problems, rights, run_panel, services, state
from tl_core.config import RunConfig
from tl_core.config.specs import DomainsSpec
from tl_core.registry.run import Run
from tl_core.results import DOMAINS, DomainComparison

frame.title("Domains", "Do my items come from several places?")
name = state.current("dataset")
frame.need_dataset(name)
with problems.caught():
    record = services.datasets().get(name)
    info = services.version_info(record.folder)
    columns = domain_choice.domains_in(str(record.folder))
frame.need_labels(record, info, judged=False)
if not columns:
    st.info(
        "This dataset has no column with two or more places that items come from. Bring one with"
        " the items, such as shop, camera or year, or folders such as photo/dog and sketch/dog.",
        icon=":material/info:",
    )
    st.page_link("pages/data/add.py", label="Add data", icon=":material/upload:")
    st.stop()


def offer() -> None:
    """Which column and rule, and the button that queues the comparison."""
    st.markdown(
        "A model that was trained in one place often does worse in another. Here it is measured"
        " before anything is trained: how easily the places are told apart, and how a probe does"
        " on each place when it has learnt from the others only."
    )
    left, right = st.columns(2)
    shown = {one: f"{one} ({', '.join(names[:4])})" for one, names in columns.items()}
    with left:
        column = st.selectbox(
            "Column of the domains",
            list(columns),
            format_func=shown.get,
            key=f"compared_column_{record.reference}",
            help=DomainsSpec.help_of("column"),
        )
    with right:
        rule = st.selectbox(
            "Choice of the penalty",
            ("within", "across"),
            format_func={
                "within": "within the other domains (cross-validation)",
                "across": "across the other domains (each held out)",
            }.get,
            key=f"compared_rule_{record.reference}",
            help=DomainsSpec.help_of("rule"),
        )
    why = rights.against(rights.WORK, record)
    if st.button(
        "Compare the domains",
        type="primary",
        icon=":material/travel_explore:",
        disabled=bool(why),
        help=why or None,
    ):
        config = RunConfig(
            "domains",
            services.user(),
            record.reference,
            str(record.folder),
            backbones.for_dataset(record),
            options={"column": column, "rule": rule},
        )
        run_panel.start(config, "domains")
        st.rerun()


def train_for_worst(found: DomainComparison) -> None:
    """To the way that adapts, the domain for its target on which a probe of the others does
    worst.
    """
    st.session_state["train_way"] = "own"
    st.session_state[f"card_{record.modality}"] = "adapt"
    st.session_state[f"domain_column_{record.reference}"] = found["column"]
    if found["unseen"]:
        worst = found["unseen"]["methods"][0]["worst_domain"]
        st.session_state[f"target_domain_{record.reference}_{found['column']}"] = worst
    st.switch_page("pages/train/design.py", query_params={"dataset": record.reference})


def show(run: Run) -> None:
    """What was found, and the way to another comparison."""
    with problems.caught():
        found = DOMAINS.load(run.folder)
    domain_report.show(found)
    if st.button("Train for one of them", icon=":material/tune:", type="tertiary"):
        train_for_worst(found)
    with st.expander("Compare again, by another column or rule"):
        offer()


run_panel.show(
    run_panel.of_dataset(record.reference, "domains"),
    "Comparing the domains…",
    show,
    offer,
    stoppable=True,
)
network_wishes.show(record, columns)
