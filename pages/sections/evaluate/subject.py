"""What a report is about: a finished run, its report, and what it said of each item, read only when
a part of the page asks for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import streamlit as st

from pages.sections.evaluate import test_score
from pages.shell import problems, rights, services, state
from pages.widgets import trained
from tl_core.errors import NotFoundError
from tl_core.evaluate.measures import Score, ScoredRows
from tl_core.evaluate.report import Report, compared_by
from tl_core.modalities import modality_of
from tl_core.registry.run import Run


@dataclass(frozen=True)
class Subject:
    """A run with its report.

    Args:
        run: a finished training.
        report: its report.
        folder: where the dataset version lies that it was judged on; None where the run was shared
            without its data.
        others: the other finished trainings on that version, the newest first.
    """

    run: Run
    report: Report
    folder: Path | None
    others: list[Run]

    @property
    def closed(self) -> bool:
        """Whether its test score is still withheld."""
        return self.report["test"] is None

    @property
    def judged(self) -> ScoredRows:
        """The scores that may be looked at."""
        return self.report["test"] or self.report["validation"]

    @property
    def several(self) -> bool:
        """Whether an item may have several labels."""
        return "exact_match" in self.judged

    @property
    def score(self) -> tuple[str, Score]:
        """What the run is compared by, in words and numbers."""
        return compared_by(self.judged)

    @property
    def kind(self) -> str:
        """What the judged items are: test items or validation items."""
        return "validation items" if self.closed else "test items"

    @property
    def noun(self) -> str:
        """What the items are called: photos, texts."""
        return modality_of(self.report["modality"]).items

    def answers(self) -> pd.DataFrame:
        """What the run said of each judged item."""
        return test_score.answers_of(self.run, self.report["predictions"])

    def alike(self) -> list[Run]:
        """The other runs whose score is of the same kind: test, or validation."""
        return [
            run
            for run in self.others
            if run.summary and bool(run.summary.get("sealed")) == self.closed
        ]

    def rival(self) -> Run | None:
        """The best other run that was judged on the same items."""
        scores = {run.id: trained.score(run) for run in self.alike() if run.folder.exists()}
        known = {key: score["value"] for key, score in scores.items() if score}
        if not known:
            return None
        first = max(known, key=lambda key: known[key])
        best = next(run for run in self.others if run.id == first)
        with problems.caught():
            theirs = test_score.places_of(best, test_score.report_of(best)["predictions"])
            own = test_score.places_of(self.run, self.report["predictions"])
        return best if own == theirs else None

    def rivals_answers(self) -> pd.DataFrame | None:
        """What the best other run said of the same items."""
        best = self.rival()
        if best is None:
            return None
        with problems.caught():
            return test_score.answers_of(best, test_score.report_of(best)["predictions"])


def of_page() -> Subject:
    """The run of the address or of the session, else the newest with a report; without any the page
    ends here.
    """
    run = _chosen()
    state.choose("run", run.id)
    with problems.caught():
        report = test_score.report_of(run)
        folder = _folder(run)
        runs = services.runs().of_dataset(run.dataset)
    others = [
        other
        for other in runs
        if other.kind == "train" and other.status == "done" and other.id != run.id
    ]
    return Subject(run, report, folder, others)


def _folder(run: Run) -> Path | None:
    if rights.against(rights.LOOK, run.dataset):
        return None
    return services.datasets().get(run.dataset).folder


def without_items(subject: Subject) -> bool:
    """Whether its items may not be seen, and says so."""
    if subject.folder is None:
        st.caption(f"Its {subject.noun} cannot be shown: the run was shared with you without them.")
    return subject.folder is None


def _chosen() -> Run:
    wanted = state.current("run")
    with problems.caught():
        if wanted:
            try:
                run = services.runs().get(wanted)
            except NotFoundError:
                run = None
            if run and run.kind == "train" and run.status == "done":
                return run
        newest = services.runs().list(kind="train", status="done", limit=1)
    if not newest:
        st.caption("There is no finished run yet. Train one, or try a sample: it takes a minute.")
        st.page_link("pages/home/home.py", label="Try a sample", icon=":material/home:")
        st.stop()
    if wanted:
        trained.explain_replacement(wanted, "no report")
    return newest[0]
