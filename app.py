"""The router: page setup, session defaults, navigation. Everything else stands in the pages."""

import streamlit as st

from pages.shell import bar, navigation, problems, state

st.set_page_config(page_title="Graft Studio", page_icon=":material/psychiatry:", layout="wide")
state.set_defaults()
page = st.navigation(navigation.pages(), position="hidden")
bar.style()
if not state.only_reads():
    bar.show(*navigation.place_of(page))
with problems.defects():
    page.run()
