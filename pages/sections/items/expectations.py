"""Tests that the analyst types in: a text, the same text changed, and what the change should do to
the answer.
"""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import streamlit as st

from pages.shell import ask, problems, rights
from pages.shell.words import plain
from tl_core.evaluate.expectations import SAME, Expectation, choices, examine
from tl_core.predict.carried import preparation_of
from tl_core.registry.run import Run

_FILE = "expectations.json"  # beside the report, so that they are there again next time
_MOST = 100
_EXAMPLES = [{"text": "", "changed": "", "expected": SAME}]


def show(run: Run, labels: list[str]) -> None:
    """The table to type into, a button, and which expectations hold."""
    with st.expander("Behaviour tests: type in what you expect"):
        st.caption(
            "A text, the same text changed, and what the change should do. A name, a place or a"
            " polite word should not change the answer; *not* should."
        )
        carried = preparation_of(run.folder / "model")
        if carried and carried.joined:
            st.caption(
                f"The model reads {' and '.join(plain(name) for name in carried.columns)} as one"
                " text, a line below the other: write both into a cell."
            )
        path = run.folder / _FILE
        begin = (  # the table's edits are kept as changes of what it began with
            f"expected at first {run.id}"
        )
        if begin not in st.session_state:
            with problems.caught():
                st.session_state[begin] = (
                    json.loads(path.read_text(encoding="utf-8")) if path.is_file() else _EXAMPLES
                )
        pairs = _typed(run, labels, begin)
        if st.button(
            "Try them",
            icon=":material/rule:",
            disabled=not pairs,
            help=f"Asks the model about both texts of each row, at most {_MOST} rows; the table is"
            " kept with the run by those who may work on it.",
        ):
            with problems.caught():
                for pair in pairs:
                    pair.check(labels)
                if not rights.against(rights.WORK, run):
                    path.write_text(
                        json.dumps([vars(pair) for pair in pairs], ensure_ascii=False),
                        encoding="utf-8",
                    )
                st.session_state["expected"] = pairs
                ask.send(
                    "expectations",
                    "predict_texts",
                    run.id,
                    folder=str(run.folder / "model"),
                    texts=[text for pair in pairs for text in (pair.text, pair.changed)],
                )
        if ask.is_about("expectations", run.id):
            _answers(st.session_state["expected"])


def _typed(run: Run, labels: list[str], begin: str) -> list[Expectation]:
    """The table, and what stands in it: the rows with any text."""
    table = st.data_editor(
        pd.DataFrame(st.session_state[begin]),
        num_rows="dynamic",
        hide_index=True,
        key=f"expected {run.id}",
        column_config={
            "text": st.column_config.TextColumn(max_chars=2000, width="medium"),
            "changed": st.column_config.TextColumn(
                "the same, changed", max_chars=2000, width="medium"
            ),
            "expected": st.column_config.SelectboxColumn("it should give", options=choices(labels)),
        },
    )
    pairs = [
        Expectation(*("" if cell is None else str(cell) for cell in line))
        for line in table[["text", "changed", "expected"]].itertuples(index=False)
    ]
    return [pair for pair in pairs if pair.text or pair.changed][:_MOST]


def _answers(pairs: list[Expectation]) -> None:
    predictions = ask.answer("expectations", "Predicting…", quiet=True)
    if predictions is None:
        return
    probabilities = np.array(predictions["probabilities"])
    result = examine(pairs, predictions["labels"], probabilities[::2], probabilities[1::2])
    held = result["held"]
    st.markdown(
        f"**{sum(row['held'] for row in result['rows'])} of {len(pairs)} hold**"
        f" ({100 * held['low']:.0f} to {100 * held['high']:.0f} in 100 is plausible for texts like"
        " these)."
    )
    st.dataframe(
        pd.DataFrame(
            [
                {
                    "holds": row["held"],
                    "text": pair.text,
                    "changed": pair.changed,
                    "should give": pair.expected,
                    "answer": row["before"],
                    "after the change": row["after"],
                    "moved by": 100 * row["moved"],
                }
                for pair, row in zip(pairs, result["rows"], strict=True)
            ]
        ),
        hide_index=True,
        column_config={
            "moved by": st.column_config.NumberColumn(
                format="%+.0f",
                help=plain(
                    "Change in the probability of the expected class, or else of the first"
                    " answer, in percentage points."
                ),
            )
        },
    )
