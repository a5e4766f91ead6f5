"""Which domain a model is meant for, and which it learns from: chosen from what the dataset has."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.shell import problems, services
from tl_core.config import AdaptSettings, FinetuneSettings
from tl_core.config.domains import UNLABELLED
from tl_core.config.finetune_parts.across_domains import ADAPTATIONS
from tl_core.data.domains import domain_columns, domains_of
from tl_core.data.versions.store import DatasetVersion
from tl_core.registry.datasets import DatasetRecord
from tl_core.tasks import SINGLE_LABEL

_OTHER = "/another dataset"  # no column begins with that
_WAYS = {"": "which of them have a class", _OTHER: "they are another dataset"}
ADAPTED = {
    "none": "Not at all: the target is only asked about it",
    "deep_coral": "Correlations of features aligned (DeepCORAL)",
    "dann": "Features that hide the domain (DANN)",
    "mcc": "Answers that do not waver between classes (MCC)",
    "adabn": "Batch statistics of the target (AdaBN)",
}
_NOTHING = (
    "This dataset says of no item where it comes from, and all of its items have a class: there is"
    " nothing to adapt to. Bring a column such as shop, camera or year with the items, folders such"
    " as photo/dog and sketch/dog, items without a class, or another dataset of the same kind."
)


@st.cache_data(max_entries=20, ttl=3600, show_spinner=False)
def domains_in(folder: str) -> dict[str, list[str]]:
    """Each column of a version that can name domains, and its domains."""
    version = DatasetVersion(Path(folder))
    return {name: domains_of(version, name).names for name in domain_columns(version)}


def offer(record: DatasetRecord, unlabelled: int) -> dict[str, str]:
    """A switch for a fine-tuning, which need not be meant for a domain, and below it the choice."""
    if not domains_in(str(record.folder)) and not unlabelled and not _others(record):
        return {}
    meant = st.toggle(
        "Meant for another domain than the one that has the labels",
        key=f"meant_{record.reference}",
        help="Say below how it is adapted. What makes it ready for a domain that nobody has seen"
        " stands among the settings under *Other domains*.",
    )
    if not meant or not (chosen := choose(record, unlabelled)):
        return {}
    ways = [one for one in ADAPTATIONS if one != "mcc" or record.task == SINGLE_LABEL.name]
    way = st.selectbox(
        "How it is adapted",
        ways,
        format_func=ADAPTED.get,
        key=f"adaptation_{record.reference}",
        help=FinetuneSettings.help_of("adaptation"),
    )
    return {**chosen, "adaptation": way}


def choose(record: DatasetRecord, unlabelled: int) -> dict[str, str]:
    """Draw the choice; gives the settings, nothing where there is no domain to adapt to.

    Args:
        record: of the dataset.
        unlabelled: how many of its items have no class.
    """
    columns = domains_in(str(record.folder))
    others = _others(record)
    if not columns and not unlabelled and not others:
        st.info(_NOTHING, icon=":material/info:")
        return {}
    st.markdown("**From where to where**")
    first, second, third = st.columns(3)
    ways = [*columns, *([""] if unlabelled else []), *([_OTHER] if others else [])]
    with first:
        column = st.selectbox(
            "What says where items come from",
            ways,
            format_func={**{name: f"column {name}" for name in columns}, **_WAYS}.get,
            key=f"domain_column_{record.reference}",
            help=AdaptSettings.help_of("domain_column"),
        )
    if column == _OTHER:
        with second:
            dataset = st.selectbox(
                "Meant for (target)",
                others,
                key=f"target_dataset_{record.reference}",
                help=AdaptSettings.help_of("target_dataset"),
            )
        return {"target_dataset": dataset}
    names = columns.get(column, [])
    with second:
        target = st.selectbox(
            "Meant for (target)",
            [*names, *([UNLABELLED] if unlabelled else [])],
            format_func=_called(names, unlabelled).get,
            key=f"target_domain_{record.reference}_{column}",
            help=AdaptSettings.help_of("target_domain"),
        )
    with third:
        source = st.selectbox(
            "Learns from (source)",
            ["", *(name for name in names if name != target)],
            format_func={"": "all others", **{name: name for name in names}}.get,
            key=f"source_domain_{record.reference}_{column}_{target}",
            help=AdaptSettings.help_of("source_domain"),
        )
    return {"domain_column": column, "source_domain": source, "target_domain": target}


def _others(record: DatasetRecord) -> list[str]:
    """Other datasets with the same kind of items, the newest version of each; none where an item
    may have several labels.
    """
    if record.task != SINGLE_LABEL.name:
        return []
    with problems.caught():
        return [
            one.reference
            for one in services.datasets().list()
            if one.modality == record.modality and one.project != record.project
        ]


def _called(names: list[str], unlabelled: int) -> dict[str, str]:
    """What targets are called."""
    without = {UNLABELLED: f"items without a class ({unlabelled:,})"}
    return {**without, **{name: name for name in names}}
