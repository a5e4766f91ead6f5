"""New items for a trained model: brought as files, photographed, recorded, typed, or pasted as a
list.
"""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from pages.shell import ask, problems
from pages.shell.words import plain
from pages.widgets import sound_player
from tl_core.data.preparation import Preparation
from tl_core.data.sounds.decoding import RATE
from tl_core.data.sounds.decoding import SUFFIXES as SOUND_SUFFIXES
from tl_core.errors import UserError
from tl_core.predict.picture_files import open_page

MOST_FILES = 12  # at once; a browser's upload stays in the server's memory
MOST_LINES = 200
TOPICS = tuple(f"answer {place}" for place in range(MOST_FILES))
"""Questions about several items: one for each file, the first alone for a list of texts."""
_MEGABYTES = 30
_WIDTH = 220  # pixels of a picture
_SIGNS = 20_000
_ONE, _LIST = "One text", "A list"


def forget() -> None:
    """Drop what was said about earlier items."""
    ask.forget("answer", "explanation", *TOPICS)


def picture(kept: Preparation, ask_about: Callable[[bytes, str], None]) -> None:
    """Upload or camera. One new picture is asked about once; several are named each time, and who
    asks remembers them.
    """
    way = st.segmented_control(
        "From",
        ["File", "Camera"],
        default="File",
        label_visibility="collapsed",
        help="Drop files, or take a photo with this device.",
    )
    if way == "Camera":
        one = st.camera_input("Take a photo")
        taken = [one] if one else []
    else:
        taken = st.file_uploader(
            "A photo",
            accept_multiple_files=True,
            max_upload_size=_MEGABYTES,
            help=f"One picture or several, up to {_MEGABYTES} MB each.",
        )
    _files(
        taken,
        lambda encoded: st.image(open_page(encoded, 0, kept), width=_WIDTH, alt="The photo"),
        ask_about,
    )


def sound(ask_about: Callable[[bytes, str], None]) -> None:
    """Microphone or upload. One new recording is asked about once; several as with pictures."""
    way = st.segmented_control(
        "From",
        ["Microphone", "File"],
        default="Microphone",
        label_visibility="collapsed",
        help="Record with this device, or drop files.",
    )
    if way == "File":
        taken = st.file_uploader(
            "A recording",
            accept_multiple_files=True,
            type=sorted(ending.lstrip(".") for ending in SOUND_SUFFIXES),
            max_upload_size=_MEGABYTES,
            help=f"One recording or several, up to {_MEGABYTES} MB each.",
        )
    else:
        one = st.audio_input("Record something", sample_rate=RATE)
        taken = [one] if one else []
    _files(taken, lambda encoded: sound_player.large(encoded, 2 * _WIDTH), ask_about)


def one_picture() -> bytes | None:
    """The photo to search by, if one was brought."""
    one = st.file_uploader("A photo", key="example_photo", max_upload_size=_MEGABYTES)
    return one.getvalue() if one else None


def one_sound() -> bytes | None:
    """The recording to search by, if one was brought or made."""
    one = st.file_uploader(
        "A recording",
        key="example_recording",
        type=sorted(ending.lstrip(".") for ending in SOUND_SUFFIXES),
        max_upload_size=_MEGABYTES,
    ) or st.audio_input("Or record one", sample_rate=RATE, key="example_microphone")
    return one.getvalue() if one else None


def _files(
    taken: list[UploadedFile],
    draw: Callable[[bytes], object],
    ask_about: Callable[[bytes, str], None],
) -> None:
    """One file is drawn and asked about once; several are named each time."""
    if not taken:
        forget()
    elif len(taken) > 1:
        if len(taken) > MOST_FILES:
            st.caption(f"The first {MOST_FILES} are asked about. Batch takes any number, as a zip.")
        for file in taken[:MOST_FILES]:
            ask_about(file.getvalue(), f"{file.file_id}/{file.name}")
    else:
        _one_file(taken[0].getvalue(), taken[0].file_id, draw, ask_about)


def _one_file(
    encoded: bytes,
    name: str,
    draw: Callable[[bytes], object],
    ask_about: Callable[[bytes, str], None],
) -> None:
    try:
        draw(encoded)
    except UserError as error:
        problems.show(error)
        forget()
        return
    if not ask.is_about("answer", name):
        ask_about(encoded, name)


def text(kept: Preparation, key: str, ask_about: Callable[[str, str], None]) -> None:
    """A box for each column that the model reads, or a list of texts; asked about when the button
    is pressed.
    """
    way = st.segmented_control(
        "How many",
        [_ONE, _LIST],
        default=_ONE,
        label_visibility="collapsed",
        required=True,
        help=f"One text, or a list with one text on each line, at most {MOST_LINES}.",
    )
    with st.form("one", border=False):
        if way == _LIST:
            texts = _rows(kept, key) if kept.joined else _lines(kept)
        else:
            texts = [_columns(kept, key) if kept.joined else _one_box(kept)]
        if not st.form_submit_button("Predict", type="primary"):
            return
        given = [one for one in texts if one]
        if not given:
            st.warning("Write something first.")
        elif len(given) > MOST_LINES:
            st.caption(f"The first {MOST_LINES} are asked about. Batch takes any number.")
        for number, one in enumerate(given[:MOST_LINES], 1):
            ask_about(one, str(number) if len(given) > 1 else "")


def _one_box(kept: Preparation) -> str:
    return kept.one_text(
        st.text_area("A text", height=140, max_chars=_SIGNS, placeholder="Write or paste one here")
    )


def _lines(kept: Preparation) -> list[str]:
    """Texts of one line each."""
    written = st.text_area(
        "Texts, one on each line",
        height=240,
        max_chars=MOST_LINES * 2000,
        placeholder="Paste a column of a spreadsheet, or write one text on each line",
        help=f"Empty lines are left out. At most {MOST_LINES} texts at once.",
    )
    return [kept.one_text(line) for line in written.splitlines()]


def _rows(kept: Preparation, key: str) -> list[str]:
    """Rows of the columns that the model reads together."""
    table = st.data_editor(
        pd.DataFrame({name: [""] for name in kept.columns}),
        num_rows="dynamic",
        hide_index=True,
        key=f"rows {key}",
        column_config={
            name: st.column_config.TextColumn(plain(name), max_chars=_SIGNS)
            for name in kept.columns
        },
    )
    st.caption("Paste rows from a spreadsheet. The model was trained on these columns together.")
    cells = table[list(kept.columns)].fillna("").astype(str).to_numpy()
    return [kept.text(dict(zip(kept.columns, row, strict=True))) for row in cells]


def _columns(kept: Preparation, key: str) -> str:
    """A box for each column, joined as in training."""
    row = {
        name: st.text_area(
            plain(name),
            height=100 if name == kept.columns[-1] else 68,
            max_chars=_SIGNS,
            key=f"one {key} {name}",
        )
        for name in kept.columns
    }
    st.caption("The model was trained on these columns together.")
    return kept.text(row)
