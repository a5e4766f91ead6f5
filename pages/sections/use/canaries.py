"""Two models behind one path: how often they differ, on what, and which of them is right."""

from __future__ import annotations

import streamlit as st

from pages.shell import problems
from pages.shell.words import interval, plain
from pages.widgets.glossary import help_of
from tl_core.watch.pairs import Pairs


def show(pairs: Pairs) -> None:
    """The reading, the rate with its interval, and the kinds of disagreement."""
    with problems.caught():
        report = pairs.report()
    st.subheader(f"Canary of {plain(report['name'])}")
    st.markdown(
        f"{plain(report['first'])} answers, and {plain(report['second'])} answers"
        f" {pairs.rivals.share:.0%} of the requests in its place; the first is asked beside it."
    )
    st.markdown(f"**{plain(report['sentence'])}**")
    if not report["items"]:
        return
    rate = report["disagreeing"]
    st.metric("They differ on", f"{100 * rate['value']:.1f} %", help=help_of("canary"))
    st.caption(f"95 % interval: {interval(rate)} %, of {report['items']:,} items.")
    if report["failures"]:
        st.warning(
            f"The canary had no answer {report['failures']:,} times; the first one's was given.",
            icon=":material/warning:",
        )
    if report["kinds"]:
        st.dataframe(
            [
                {"the first said": one["first"], "the canary": one["second"], "items": one["items"]}
                for one in report["kinds"]
            ],
            hide_index=True,
            alt="What the two say where they differ",
        )
    if report["labelled"] is None:
        st.caption(
            "Send labels back with POST /labels and the id of the header X-Graft-Request, and the"
            " two are compared by how often they are right."
        )
