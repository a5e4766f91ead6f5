"""Files that a model has answered: the first rows of one, and the earlier ones to come back to."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pandas as pd
import streamlit as st

from pages.shell import frame, problems, services
from pages.shell.words import ago, plain
from pages.widgets.glossary import help_of
from tl_core.config import RunConfig
from tl_core.errors import UserError
from tl_core.registry.run import Run

_ROWS, _COLUMNS = 50, 30  # that are shown of a file
_EARLIER = 5


def show_first_rows(made: Path) -> None:
    """The first rows of the answers; no more are read, however long the file is."""
    with problems.caught():
        table = first_rows(str(made), made.stat().st_mtime_ns)
    told = [name for name in table.columns if not str(name).startswith("p:")]
    shown = table[told[:_COLUMNS]].dropna(axis="columns", how="all")
    st.dataframe(
        shown,
        hide_index=True,
        key="first_rows",
        height=320,
        column_config={
            "confidence": st.column_config.ProgressColumn(
                format="percent",
                min_value=0,
                max_value=1,
                help=help_of("confidence"),
            )
        },
        alt="The first rows of the answers",
    )
    if len(table) == _ROWS:
        st.caption(f"The first {_ROWS} rows. The file also has the probability of each class.")


@st.cache_data(max_entries=8, ttl=600, show_spinner=False)
def first_rows(path: str, written: int) -> pd.DataFrame:
    """The first rows of a CSV or Parquet file, read anew when it was written anew."""
    del written
    if path.endswith(".csv"):
        return pd.read_csv(path, nrows=_ROWS)
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as source:
        batches = list(islice(source.iter_batches(batch_size=_ROWS), 1))
        table: pd.DataFrame = pa.Table.from_batches(batches, source.schema_arrow).to_pandas()
        return table


def show(run_id: str) -> None:
    """The newest files that this model was given, with the way back to each."""
    with problems.caught():
        jobs = services.runs().children(run_id, "predict")
    others = [job for job in jobs if job.id != st.session_state["predict_job"]]
    if not others:
        return
    st.subheader("Earlier files")
    with st.container(border=True, gap="xsmall"):
        for job in others[:_EARLIER]:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f"**{plain(_source(job)[:60])}**  \n{_what_came(job)}", width="stretch")
                st.button(
                    "Open",
                    key=f"earlier_{job.id}",
                    on_click=_open,
                    args=(job.id,),
                    help="Its answers, or how far it is",
                )


def _what_came(job: Run) -> str:
    said = plain(job.headline) or frame.badge(job.status)
    return f":small[{said} · {ago(job.created)}]"


def _source(job: Run) -> str:
    """What the file was called."""
    try:
        options = RunConfig.read(job.folder).options
    except (OSError, ValueError, UserError):
        return job.id
    name = Path(str(options.get("source", ""))).name
    return name or "The items without a class"


def _open(job_id: str) -> None:
    st.session_state["predict_job"] = job_id
