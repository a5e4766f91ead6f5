"""A training started again from the settings of an earlier one, of this server or of another."""

from collections.abc import Callable

import streamlit as st

from pages.shell import problems, rights, services
from pages.shell.words import plain
from tl_core.config import RunConfig
from tl_core.export.reproduce import from_saved
from tl_core.registry.datasets import DatasetRecord


def show(record: DatasetRecord, start: Callable[[RunConfig], None]) -> None:
    """Upload saved settings, see what they say, and start with them."""
    with st.expander("Start from saved settings"):
        upload = st.file_uploader(
            "Settings (JSON)",
            type="json",
            max_upload_size=1,
            key="saved_settings",
            help="The file that Export gives under *Settings (JSON)*.",
        )
        if upload is None:
            return
        with problems.caught():
            config = from_saved(
                upload.getvalue(), services.user(), record.reference, str(record.folder)
            )
        st.markdown(
            f"**{plain(config.recipe)}** on {plain(config.backbone or 'no backbone')}, with the"
            f" data **{plain(record.reference)}**"
        )
        st.dataframe(
            [{"setting": name, "value": str(value)} for name, value in config.options.items()],
            hide_index=True,
            height="content" if len(config.options) < 8 else 300,
        )
        why = rights.against(rights.WORK, record)
        if st.button(
            "Start with these",
            icon=":material/play_arrow:",
            disabled=bool(why),
            help=why or None,
        ):
            start(config)
