"""A file, or several, from the browser to the disk of this server: resumable and of any size where
the server runs as ours, else by Streamlit's own field, which is for small ones.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.shell import problems, services, uploads

_HTML = """
<div>
  <span class="label" aria-hidden="true"></span>
  <label class="drop">
    <input type="file" aria-describedby="hint">
    <span class="ask"></span>
    <span class="hint" id="hint"></span>
  </label>
  <ul class="list"></ul>
  <p class="said" role="status"></p>
</div>
"""
_HERE = Path(__file__)
_SCRIPTS = ("uploader.js", "uploader_view.js")
_resumable = st.components.v2.component(
    "graft_uploader",
    html=_HTML,
    css=_HERE.with_name("uploader.css").read_text(encoding="utf-8"),
    js="\n".join(_HERE.with_name(name).read_text(encoding="utf-8") for name in _SCRIPTS),
)


def brought(place: str, label: str, help: str = "", *, several: bool = False) -> Path | None:
    """Draw the field; gives what has arrived: a file, or a folder of several, in a folder of its
    own below TL_HOME. None as long as there is nothing. Once it has given something, the field is a
    new one when the page is drawn again.

    Args:
        place: what the file is for; what is unfinished is remembered for this place.
        label: above the field.
        help: about what is wanted; the limit is added.
        several: whether more than one file can be brought together.
    """
    limit = services.settings().number("upload_mb")
    hint = " ".join(part for part in (help, f"Up to {limit:,} MB.") if part)
    key = f"{place}_{st.session_state['upload_key']}"
    if uploads.are_resumable():
        about = {"place": place, "label": label, "hint": hint, "several": several}
        about |= {"who": services.user()}
        found = _resumable(key=key, data=about, on_finished_change=_nothing).finished
    else:
        found = st.file_uploader(label, key=key, max_upload_size=limit, help=hint)
    if not found:
        return None
    uploads.reset("upload_key")
    with problems.caught():
        return uploads.arrived(found) if uploads.are_resumable() else uploads.keep(found)


def _nothing() -> None:
    """What has arrived is seen when the page is drawn; Streamlit wants a function all the same."""
