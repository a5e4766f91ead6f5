"""The router: page setup, session defaults, navigation. Everything else stands in the pages."""

import streamlit as st

from pages.sections.home import tour
from pages.shell import bar, known, navigation, problems, state

st.set_page_config(page_title="Graft Studio", page_icon="pages/shell/icon.png", layout="wide")
state.set_defaults()
page = st.navigation(navigation.pages(), position="hidden")
bar.style()
with problems.defects(), problems.told():
    known.need_somebody()
    if not state.only_reads():
        place, tab = navigation.place_of(page)
        bar.show(place, tab)
        tour.show(tab)
    page.run()
