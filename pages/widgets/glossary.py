"""What is this? Help texts from the glossary, and the glossary itself as a drawer to search in."""

from __future__ import annotations

import streamlit as st

from pages.shell.words import plain
from tl_core.glossary import GLOSSARY, Term, find, search


def help_of(term: str, more: str = "") -> str:
    """The help text of a control that is about a term of the glossary.

    Args:
        term: a name of it.
        more: what is to be said of the control besides, in Markdown.

    Raises:
        KeyError: when the glossary has no such term; a misspelling must not pass as no help.
    """
    found = find(term)
    if found is None:
        raise KeyError(term)
    lines = [f"**{plain(found.name)}**: {plain(found.plain)}", plain(found.reading), more]
    return "  \n".join(line for line in lines if line)


@st.dialog("What does it mean?", position="right", icon=":material/menu_book:")
def show() -> None:
    """The terms, found by a word of their names or readings, else by what they are about."""
    words = st.text_input(
        "Search",
        key="glossary_words",
        placeholder="A word, such as calibration",
        icon=":material/search:",
        help="Finds terms by their names, by other names, and by the words of their readings.",
    )
    if not words.strip():
        groups = list(GLOSSARY)
        group = st.pills(
            "About",
            groups,
            default=groups[0],
            required=True,
            key="glossary_group",
            wrap=True,
            help="Shows the terms of one subject.",
        )
        found = list(GLOSSARY[group])
    else:
        found = list(search(words))
    if not found:
        st.caption("No term has these words. Try one word, or fewer letters of it.")
    for term in found:
        _draw(term)


def _draw(term: Term) -> None:
    """The plain reading, then the formula or how to read it, then other names."""
    st.markdown(f"**{plain(term.name)}**  \n{plain(term.plain)}")
    also = f"Also: {', '.join(term.also)}." if term.also else ""
    if term.reading or also:
        st.caption(plain(f"{term.reading} {also}".strip()))
