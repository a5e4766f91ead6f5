"""How do other programs ask the model? The server of a bundle, code to copy, and how to secure
it.
"""

import streamlit as st

from pages.sections.use import model_card, securing
from pages.shell import frame, run_panel
from pages.shell.words import plain
from pages.widgets import snippets
from tl_core.data.item_kind import kind_of
from tl_core.export.exported_items import exported_items_of
from tl_core.predict.serving.client_code import client_code

frame.title("Server", "How do other programs ask the model?")
model, content = model_card.beside()
made = run_panel.of_run(model.run.id, "export", "done")
bundle = str((made.summary or {})["folder"]) if made else "my-bundle"

with content:
    st.markdown(
        "`serve` answers other programs over HTTP: one item or up to 256 at once, with the class,"
        " the probabilities, and whether a person should decide. It runs where this program is"
        " installed, or in its container, and needs nothing but the bundle."
    )
    if made:
        st.caption(f"Code for the bundle {plain(bundle)}. Unpack its zip where the server runs.")
    else:
        st.caption(
            "There is no bundle of this model yet; the code calls it *my-bundle* until there is."
        )
        st.page_link(
            "pages/use/bundle.py",
            label="Make the bundle",
            icon=":material/inventory_2:",
            query_params={"run": model.run.id},
        )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        port = st.number_input(
            "Port",
            1,
            65_535,
            8000,
            key="serve_port",
            width=140,
            help="Where the server listens; change it when another program has this one.",
        )
        closed = st.toggle(
            "With a token",
            value=True,
            key="serve_closed",
            help="Whoever asks must send the token. Switch it off only where nobody else can reach"
            " the port.",
        )
    code = client_code(
        bundle,
        model.kept,
        model.labels,
        by_file="csv" not in kind_of(model.modality).formats,
        file=exported_items_of(model.modality).card_words(model.kept)["example"],
        port=port,
        closed=closed,
    )
    left, right = st.columns(2, gap="medium")
    with left:
        st.subheader("Start it")
        st.code(code.serve, language="bash", wrap_lines=True)
        st.caption(
            f"Its own pages are at http://localhost:{port}/docs; `/ready` says what the model"
            " reads, `/health` whether it lives, `/metrics` has figures for Prometheus."
        )
        securing.show(port)
    with right:
        st.subheader("Ask it")
        snippets.show_requests(code)
