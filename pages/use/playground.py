"""What does it predict for new items? One at once, or several: typed, pasted, dropped,
recorded or photographed.
"""

import streamlit as st

from pages.sections.items.item_pages import Content
from pages.sections.use import asked, model_card
from pages.shell import ask, frame

frame.title("Predict", "What does it predict for new items?")
model, content = model_card.beside()
if not ask.is_about("warm", model.run.id):
    ask.send("warm", "warm", model.run.id, folder=str(model.folder))

given: list[tuple[Content, str]] = []
with content:
    left, right = st.columns(2, gap="medium")
    with left:
        model.own.show_input(
            model.kept, model.run.id, lambda value, name: given.append((value, name))
        )
        asked.send(model, given)
    with right:
        pairs = asked.show_one(model)
        if not asked.is_any():
            st.caption(
                "The answer stands here: the class, its probability, and the runners-up."
                " *Why?* then shows what speaks for it."
            )
    asked.explain_one(model, pairs)
    asked.show_several(model, given)
    st.page_link(
        "pages/use/batch.py",
        label="A whole file",
        icon=":material/table_view:",
        help="Any number of items: a table or a zip, answered in the background.",
        query_params={"run": model.run.id},
    )
