"""How good is it on items that it has not seen? Scores and baselines on top, tabs for everything
else.
"""

import streamlit as st

from pages.sections.evaluate import hero, subject
from pages.sections.evaluate.report_tabs import TABS
from pages.shell import frame

frame.title("Report", "How good is it on items that it has not seen?")
about = subject.of_page()
head = st.container()
tabs = st.tabs(list(TABS), key="tab", on_change="rerun", bind="query-params")
with head:
    hero.show(about, whole=bool(tabs[0].open))
for tab, draw in zip(tabs, TABS.values(), strict=True):
    if tab.open:
        with tab:
            draw(about)
