"""What the finished trainings of a version said of its items, as far as their test scores are
open.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.shell import problems, services
from tl_core import test_score
from tl_core.data.browse.row_columns import RowAnswers, read_answers
from tl_core.data.versions.store import DatasetVersion
from tl_core.registry.datasets import DatasetRecord
from tl_core.registry.run import Run

_MOST = 20  # runs that are asked what they said of an item


def of_version(record: DatasetRecord) -> list[Run]:
    """The finished trainings of a version, the one in hand first, then the newest."""
    with problems.caught():
        runs = services.runs().of_dataset(record.reference)
    trained = [run for run in runs if run.kind == "train" and run.status == "done"][:_MOST]
    in_hand = st.session_state["run"]
    return sorted(trained, key=lambda run: run.id != in_hand)


def is_closed(run: Run) -> bool:
    """Whether nobody has opened the run's test score yet."""
    return test_score.is_sealed(run.folder)


def of_run(record: DatasetRecord, run: Run) -> RowAnswers:
    """What a run said of validation items, and of test items once its test score is open."""
    names = ["validation.csv", *([] if is_closed(run) else ["predictions.csv"])]
    files = [run.folder / name for name in names]
    state = tuple((str(path), path.stat().st_mtime) for path in files if path.is_file())
    with problems.caught():
        return _read(str(record.folder), state)


@st.cache_data(max_entries=40, ttl=3600, show_spinner=False)
def _read(folder: str, files: tuple[tuple[str, float], ...]) -> RowAnswers:
    """Kept for each time of writing: the lists grow when a test score is opened."""
    return read_answers([Path(path) for path, _ in files], DatasetVersion(Path(folder)))
