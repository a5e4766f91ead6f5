"""The router: page setup, session defaults, navigation. Everything else stands in the pages."""

import streamlit as st

from pages.components import chrome, problems, state

st.set_page_config(page_title="Graft Studio", page_icon=":material/psychiatry:", layout="centered")
state.set_defaults()
page = st.navigation(
    chrome.sections(), expanded=True, position="hidden" if state.only_reads() else "sidebar"
)
if not state.only_reads():
    chrome.show_sidebar()
with problems.defects():
    page.run()
