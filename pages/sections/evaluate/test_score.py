"""What a run says of the items that may be looked at, and the button that opens its test score."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import streamlit as st

from pages.shell import problems, rights, services, state
from tl_core import test_score
from tl_core.data.label_sets import called
from tl_core.evaluate.report import FILE, Report, load_report
from tl_core.registry.run import Run


@st.cache_data(max_entries=40, ttl=3600, show_spinner=False)
def _report(path: str, written: float) -> Report:
    del written
    return load_report(Path(path).parent)


@st.cache_data(max_entries=40, ttl=3600, show_spinner=False)
def _answers(path: str, written: float) -> pd.DataFrame:
    del written
    texts = {"true": str, "label": str, "labels": str, "row": str}
    table = pd.read_csv(path, dtype=texts, keep_default_na=False)
    if "labels" in table:  # an item may have several: both as people read them
        table["label"] = table["labels"].map(called)
        table["true"] = table["true"].map(called)
    return table


@st.cache_data(max_entries=40, ttl=3600, show_spinner=False)
def _items(path: str, written: float) -> bytes:
    del written
    return pd.read_csv(path, usecols=["index"])["index"].to_numpy().tobytes()


def report_of(run: Run) -> Report:
    """The report as it stands: it changes once, when the test score is opened."""
    path = run.folder / FILE
    return _report(str(path), path.stat().st_mtime)


def answers_of(run: Run, file: str) -> pd.DataFrame:
    """What the run said of its test items (`predictions.csv`) or of its validation items
    (`validation.csv`).
    """
    path = run.folder / file
    return _answers(str(path), path.stat().st_mtime)


def places_of(run: Run, file: str) -> bytes:
    """The places of the items that such a file is about, to be compared with those of another."""
    path = run.folder / file
    return _items(str(path), path.stat().st_mtime)


def show(run: Run, report: Report) -> bool:
    """Whether the test score is closed, with the button that opens it; else how often these test
    items were asked.
    """
    home, fingerprint = services.settings().home_path, report["data"]["fingerprint"]
    seen = test_score.looks(home, run.owner, fingerprint)
    if report["test"] is not None:
        if seen > 1:
            st.caption(
                f"These test items have judged {seen} runs by now. The best of several looks a"
                " little better than it is; choose by validation scores, and keep new items for a"
                " last test."
            )
        return False
    with st.container(border=True, gap="small"):
        st.markdown(
            "**The test score is closed.** Everything here is about the validation items. Compare"
            " and improve by them; open the test score of the run that you settle on."
        )
        st.caption(
            "Nobody has looked at these test items yet."
            if not seen
            else (
                f"These test items have judged {seen} run{'s' * (seen > 1)} so far; each look makes"
                " the best one seem a little better than it is (selection bias)."
            )
        )
        why = rights.against(rights.WORK, run)
        if not state.only_reads() and st.button(
            "Open the test score",
            icon=":material/lock_open:",
            disabled=bool(why),
            help=why or "It is counted and cannot be undone.",
        ):
            with problems.caught():
                rights.require(rights.WORK, run)
                opened = test_score.open_test(run.folder, home, run.owner)
                services.runs().reveal(run.id, opened["headline"], test_score.summary_of(opened))
            st.rerun()
    return True
