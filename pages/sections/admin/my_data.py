"""What this server holds of somebody: to take away, and to be erased."""

from __future__ import annotations

import io

import streamlit as st

from pages.shell import dialogs, problems, services
from pages.shell.words import plain, size
from tl_core.access.people import Person
from tl_core.errors import StateError
from tl_core.services.personal_data import PersonalData

_LARGEST = 500 << 20  # bytes of files that go through a browser at once


def _data() -> PersonalData:
    return PersonalData(services.database(), services.settings().home_path, services.principal())


@st.cache_data(max_entries=100, ttl=60, show_spinner="Measuring your files…")
def _size(_data: PersonalData, owner: str, database: str) -> int:
    del owner, database  # whose files they are, and where
    return _data.size()


def show(person: Person) -> None:
    """Both, folded away."""
    box = st.expander(
        "My data: download or erase it", icon=":material/shield_person:", key="my_data",
        on_change="rerun",
    )  # fmt: skip
    if not box.open:
        return
    left, right = box.columns(2, gap="large")
    with left, problems.caught():
        _download(person)
    with right:
        _offer_erasure(person)


def _download(person: Person) -> None:
    """A zip, made when somebody asks for it."""
    data = _data()
    bytes_ = _size(data, person.id, services.settings().database)
    st.markdown("**Download what is held of you**")
    st.caption(
        "A zip with your profile, what you share, your tokens without their secrets, your presets,"
        " everything that you did, and the list of your datasets, runs and models with their files."
    )
    files = False
    if bytes_ <= _LARGEST:
        files = st.toggle(f"With the files themselves ({size(bytes_)})", key="my_files")
    else:
        st.caption(
            f"The files themselves are too large for one download ({size(bytes_)}): take data away"
            " on *Versions* and models on *Bundle*."
        )
    st.download_button(
        "Download my data",
        lambda: _zipped(data, files=files),
        f"my-data-{person.handle}.zip",
        "application/zip",
        on_click="ignore",
        icon=":material/download:",
    )


def _zipped(data: PersonalData, *, files: bool) -> bytes:
    # made when somebody clicks, outside any run of the page: nothing of the session may be read
    target = io.BytesIO()
    data.export(target, files=files)
    return target.getvalue()


def _offer_erasure(person: Person) -> None:
    st.markdown("**Erase my account**")
    st.caption(
        "Everything of yours goes for good, past the trash: datasets, runs, models, tokens,"
        " sharing, presets. The log of activity keeps an id that leads nowhere any more."
    )
    if st.button(
        "Erase my account",
        icon=":material/delete_forever:",
        type="tertiary",
        key="erase",
        help="Asks once more, and for your handle.",
        on_click=dialogs.opened,
    ):
        _erase(person)


@st.dialog("Erase your account?", icon=":material/delete_forever:")
def _erase(person: Person) -> None:
    dialogs.begin()
    with problems.caught():
        kinds = [thing.kind for thing in _data().things()]
    st.markdown(
        f"{kinds.count('datasets'):,} dataset versions, {kinds.count('runs'):,} runs and"
        f" {kinds.count('models'):,} models will be gone, with what others made in your projects."
        " **This cannot be undone.** Hand projects over first that others shall keep."
    )
    with st.form("form_erase", border=False):
        st.text_input(f"Type {plain(person.handle)} to confirm", key="erase_typed")
        st.form_submit_button(
            "Erase it for good", type="primary", on_click=_gone, args=(person.handle,)
        )


def _gone(handle: str) -> None:
    def step() -> None:
        if str(st.session_state["erase_typed"]).strip() != handle:
            raise StateError("Nothing was erased.", "What was typed is not your handle.")
        _data().erase()

    dialogs.act(step, last=True)
