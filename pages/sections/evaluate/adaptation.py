"""A model for another domain: how far that is, what each way to adapt brought, which was taken."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pages.shell.words import interval, plain
from pages.widgets.glossary import help_of
from tl_core.evaluate.report.schema import DomainFacts

WAYS = {
    "none": "Plain probe of the source",
    "standardise": "Standardised by domain",
    "coral": "Correlations aligned (CORAL)",
    "subspace": "Subspace alignment",
    "weights": "Source items weighted (density ratio)",
    "deep_coral": "Fine-tuned, correlations aligned (DeepCORAL)",
    "dann": "Fine-tuned with gradient reversal (DANN)",
    "mcc": "Fine-tuned with minimum class confusion (MCC)",
    "adabn": "Fine-tuned, batch statistics of the target (AdaBN)",
    "unadapted": "Fine-tuned, not adapted",
}


def show(domains: DomainFacts) -> None:
    """The gap in a sentence, and a line for each way."""
    st.subheader("Another domain", help=help_of("domain"))
    st.markdown(plain(domains["sentence"]))
    if domains["gap"]:
        st.markdown(plain(domains["gap"]["sentence"]))
    _table(domains)
    st.caption(f"Taken: {WAYS[domains['chosen']]} ({plain(domains['rule'])}).")
    if domains["warning"]:
        st.warning(domains["warning"], icon=":material/warning:")
    if "gain" in domains:
        st.markdown(plain(domains["gain"]["sentence"]))


def _table(domains: DomainFacts) -> None:
    """Accuracy on the target's items, where they have classes and are open, and what can be said
    without them.
    """
    where = "target" if domains["judged_by_target"] else "source"
    rows = []
    for model in domains["models"]:
        row: dict[str, object] = {"way": WAYS[model["method"]]}
        if "test" in model:
            row[f"accuracy on the {where}"] = 100 * model["test"]["value"]
            row["95 % interval"] = interval(model["test"])
        row |= {
            "held-out source items": 100 * model["source"],
            "neighbourhood density": model["density"],
            "entropy": model["entropy"],
        }
        if "effective" in model:
            row["effective items"] = model["effective"]
        rows.append(row)
    percent = st.column_config.NumberColumn(format="%.0f %%")
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        alt="What each way to adapt brought",
        column_config={
            f"accuracy on the {where}": percent,
            "held-out source items": st.column_config.NumberColumn(
                format="%.0f %%", help="Accuracy where the labels come from."
            ),
            "neighbourhood density": st.column_config.NumberColumn(
                format="%.2f", help="Of the answers on the target; higher is better."
            ),
            "entropy": st.column_config.NumberColumn(
                format="%.2f", help="Of the answers on the target; lower is surer."
            ),
            "effective items": st.column_config.NumberColumn(
                format="%.0f", help="How many source items the weighted ones are worth."
            ),
        },
    )
