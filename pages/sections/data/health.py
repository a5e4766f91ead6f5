"""How healthy a version is, and what was found, the dearest first, each in a line that opens."""

from __future__ import annotations

import streamlit as st

from pages.sections.data import findings
from tl_core.data.browse.health import Costed, Health
from tl_core.data.versions.store import VersionInfo
from tl_core.registry.datasets import DatasetRecord

_SHOWN = 8  # lines before the rest is folded away


def show(record: DatasetRecord, info: VersionInfo, health: Health) -> None:
    """The score beside the findings; a running fix is watched above them."""
    findings.watch()
    left, right = st.columns([1, 3.6], gap="medium")
    with left, st.container(border=True):
        st.metric(
            "Health, of 100",
            health.score,
            help="100 less what each finding costs: at most a fixed number of points, less when it"
            " is about a few items only. The guide lists what each may cost.",
        )
        st.progress(health.score / 100)
        st.caption(health.sentence)
    with right:
        if not health.findings:
            st.caption("Nothing was found that could spoil a model or its score.")
        first, rest = _parted(health.findings)
        for one in first:
            findings.card(record, info, one)
        if rest:
            with st.expander(f"{len(rest)} more, good to know", key="more_findings"):
                for one in rest:
                    findings.card(record, info, one)


def _parted(costed: list[Costed]) -> tuple[list[Costed], list[Costed]]:
    """What is seen at once, and what is folded away: notes without a cost or a fix, and what is
    beyond the first lines.
    """
    first = [one for one in costed if one.cost or one.finding.get("actions")]
    notes = [one for one in costed if one not in first]
    if len(first) + len(notes) <= 3:
        return [*first, *notes], []
    return first[:_SHOWN], [*first[_SHOWN:], *notes]
