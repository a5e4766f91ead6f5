"""Recordings on a page: drawn, and with a player."""

from __future__ import annotations

import base64

import streamlit as st

from pages.widgets import gallery
from tl_core.data.sounds.decoding import decoded
from tl_core.data.sounds.drawing import as_wave_file, preview_sound, sound_thumbnail

_LARGE = (560, 240)
_SECONDS = 5.0  # of a recording that is played among others
_LENGTH = 4  # bytes that say where the picture ends
_TILE = 168  # pixels of one in a row of several


@st.cache_data(max_entries=400, ttl=3600, show_spinner=False)
def small(encoded: bytes) -> bytes:
    """A recording among others: a JPEG of it, behind whose end its beginning stands as MP3. For
    whatever draws it as a picture it is one.

    Raises:
        DataError: when it cannot be decoded.
    """
    sound = decoded(encoded)
    picture, played = sound_thumbnail(sound), preview_sound(sound, _SECONDS)
    return picture + played + len(picture).to_bytes(_LENGTH, "big")


def picture_of(content: bytes) -> bytes:
    """The picture of what `small` gave."""
    return content[: _end_of_picture(content)]


def _end_of_picture(content: bytes) -> int:
    return int.from_bytes(content[-_LENGTH:], "big")


def tile(content: bytes) -> None:
    """What `small` gave, as wide as its place. It stands in the page itself, with no address from
    which others could fetch it.
    """
    sound = base64.b64encode(content[_end_of_picture(content) : -_LENGTH]).decode()
    st.html(
        f'<img alt="A recording" src="{gallery.data_url(picture_of(content))}"'
        ' style="display: block; width: 100%; border-radius: 0.5rem">'
        f'<audio controls preload="metadata" aria-label="The recording"'
        f' src="data:audio/mpeg;base64,{sound}"'
        ' style="display: block; width: 100%; height: 2rem; margin-top: 0.25rem"></audio>'
    )


def tiles(contents: list[bytes], captions: list[str]) -> None:
    """Several side by side, wrapping; captions are shown as plain text."""
    with st.container(horizontal=True, gap="small"):
        for place, content in enumerate(contents):
            with st.container(width=_TILE, gap=None):
                tile(content)
                if captions[place]:
                    st.text(captions[place][:20])


@st.cache_data(max_entries=50, ttl=3600, show_spinner=False)
def _whole(encoded: bytes) -> tuple[bytes, bytes]:
    """A large picture of a recording, and the recording as every browser plays it."""
    sound = decoded(encoded)
    return sound_thumbnail(sound, *_LARGE), as_wave_file(sound)


def large(encoded: bytes, width: int) -> None:
    """A recording as a model hears it: its spectrogram, its wave and a player.

    Raises:
        DataError: when it cannot be decoded.
    """
    picture, sound = _whole(encoded)
    with st.container(width=width, gap="xsmall"):
        st.image(picture, width="stretch", alt="The recording by time and pitch, its wave below")
        st.audio(sound, format="audio/wav")
