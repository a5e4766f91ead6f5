"""Words that describe each class, in a table to edit."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from tl_core.errors import ConfigError
from tl_core.train.probe.wordings import wordings_of


def edit(names: list[str], modality: str, template: str) -> tuple[str, ...]:
    """Draw the table; gives a line `class = words` for each class whose words are not those of the
    template.
    """
    try:
        usual = [" | ".join(one) for one in wordings_of(names, modality, template, ())]
    except ConfigError:  # which the form above says itself
        usual = names
    st.caption(
        "What the backbone compares your items with. Write what is to be seen or read, not only the"
        " name; separate several ways with |."
    )
    table = st.data_editor(
        pd.DataFrame({"class": names, "words": usual}),
        hide_index=True,
        disabled=["class"],
        key=f"words_{modality}_{template}",
        width="stretch",
        column_config={"words": st.column_config.TextColumn(max_chars=500)},
    )
    rows = zip(names, table["words"].fillna(""), usual, strict=True)
    return tuple(
        f"{name} = {words}" for name, words, before in rows if words.strip(" |") and words != before
    )
