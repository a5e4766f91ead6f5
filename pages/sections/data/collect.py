"""Items gathered class by class, from files, the webcam or the microphone, in a folder of their own
until they become a dataset.
"""

from __future__ import annotations

import csv
import secrets
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from pages.shell import problems, services, uploads
from pages.shell.words import plain
from tl_core.data.sounds.decoding import RATE, decoded
from tl_core.data.sources.file_kind import FILE_KINDS, PICTURES, SOUNDS
from tl_core.errors import DataError
from tl_core.modalities import items_of, modality_of
from tl_core.storage import new_upload_folder

_LISTING, _NAME, _OWNER, _PARAMETER = "metadata.csv", "my-collection", "owner", "collection"
_ENOUGH = 2  # classes


@dataclass(frozen=True)
class _Taken:
    """One item of the collection."""

    file: str
    label: str

    @property
    def modality(self) -> str:
        ending = Path(self.file).suffix
        return next(name for name, kind in FILE_KINDS.items() if ending in kind.suffixes)


def _folder() -> Path:
    """The collection in hand, made with the first item; the address names it, so that it is still
    there when the page is loaded anew.
    """
    if not _in_hand():
        place = new_upload_folder(services.settings())
        folder = place / _NAME
        folder.mkdir()
        (folder / _LISTING).write_text("file_name,label\n")
        (place / _OWNER).write_text(services.user())
        st.session_state["collection"] = str(folder)
        st.query_params[_PARAMETER] = place.name
    return Path(st.session_state["collection"])


def _in_hand() -> bool:
    """Whether there is a collection: the session's, or the one in the address if it is this
    person's.
    """
    named = st.query_params.get(_PARAMETER, "")
    if not st.session_state["collection"] and named.isalnum():
        place = services.settings().home_path / "uploads" / named
        owner = place / _OWNER
        if owner.is_file() and owner.read_text() == services.user() and (place / _NAME).is_dir():
            st.session_state["collection"] = str(place / _NAME)
    return bool(st.session_state["collection"])


def forget() -> None:
    """No collection is in hand any more."""
    st.session_state["collection"] = ""
    st.query_params.pop(_PARAMETER, None)


def _rows(folder: Path) -> list[_Taken]:
    with (folder / _LISTING).open(encoding="utf-8", newline="") as handle:
        return [_Taken(*row) for row in list(csv.reader(handle))[1:]]


def add(label: str, files: list[UploadedFile], ending: str) -> None:
    """Put files into the collection under `label`.

    Args:
        label: their class.
        files: what was brought.
        ending: of those whose name has none that is known.

    Raises:
        DataError: without a class name, when the collection would outgrow the upload limit, or
            when it holds items of another kind.
    """
    label = label.strip()
    if not label:
        raise DataError("The items need a class name.", "", "Type what they are, such as 'ripe'.")
    folder, limit = _folder(), services.settings().number("upload_mb") << 20
    used = sum(path.stat().st_size for path in folder.iterdir())
    known = {suffix for kind in FILE_KINDS.values() for suffix in kind.suffixes}
    names = [Path(file.name).suffix.lower() for file in files]
    new = [
        _Taken(f"{secrets.token_hex(6)}{suffix if suffix in known else ending}", label)
        for suffix in names
    ]
    kinds = {one.modality for one in (*_rows(folder), *new)}
    if len(kinds) > 1:
        first, second = sorted(map(items_of, kinds))
        raise DataError(
            f"A dataset holds {first} or {second}, not both.",
            "",
            "Save what you have, or remove its classes.",
        )
    with (folder / _LISTING).open("a", encoding="utf-8", newline="") as handle:
        for file, taken in zip(files, new, strict=True):
            used += file.size
            if used > limit:
                raise DataError(
                    "The collection is full.",
                    f"It may hold {limit >> 20:,} MB.",
                    "Save it as a dataset and add more to it, or upload a zip.",
                )
            with (folder / taken.file).open("wb") as sink:
                sink.write(file.getbuffer())
            csv.writer(handle).writerow([taken.file, label])


def remove(label: str) -> None:
    """Take a class out of the collection."""
    _keep([one for one in _rows(_folder()) if one.label != label])


def _remove_last() -> None:
    """Take the newest item out of the collection."""
    _keep(_rows(_folder())[:-1])


def _keep(rows: list[_Taken]) -> None:
    """These alone stay in the collection."""
    folder, kept = _folder(), {one.file for one in rows}
    for one in _rows(folder):
        if one.file not in kept:
            (folder / one.file).unlink(missing_ok=True)
    with (folder / _LISTING).open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle).writerows(
            [["file_name", "label"], *([one.file, one.label] for one in rows)]
        )


def take() -> None:
    """Go on with the collection as the source."""
    st.session_state["upload"] = st.session_state["collection"]


def show_files() -> None:
    """Several files at once with a class name typed in."""
    limit = services.settings().number("upload_mb")
    st.caption(
        "Choose all photos (or all recordings) of one class, type its name, add them; then the next"
        " class."
    )
    label = st.text_input("Class of these files", key="files_label", placeholder="such as ripe")
    suffixes = PICTURES.suffixes | SOUNDS.suffixes
    files = st.file_uploader(
        "Photos or recordings",
        key=f"pictures_{st.session_state['upload_key']}",
        accept_multiple_files=True,
        type=sorted(ending.lstrip(".") for ending in suffixes),
        max_upload_size=min(limit, uploads.IN_MEMORY_MB),
        help=f"Up to {limit:,} MB together. Larger sets: a zip of class folders.",
    )
    if st.button("Add these files", disabled=not files, icon=":material/library_add:"):
        with problems.caught():
            add(label, files, ".jpg")
        uploads.reset("upload_key")
        st.rerun()
    _show()


def show_webcam() -> None:
    """Snapshots into classes."""
    st.caption(
        "Type a class, take photos of it from many sides, then go on with the next class. Every"
        " snapshot is kept under the class that stands here when it is taken."
    )
    label = st.text_input(
        "Class of the next snapshots", key="webcam_label", placeholder="such as thumb up"
    )
    shot = st.camera_input(
        "Webcam", key=f"camera_{st.session_state['upload_key']}", disabled=not label.strip()
    )
    if shot is not None:
        with problems.caught():
            add(label, [shot], ".jpg")
        uploads.reset("upload_key")
        st.rerun()
    _show()


def show_microphone() -> None:
    """Recordings into classes, one after the other."""
    st.caption(
        "Type a class, record it several times in different ways, then go on with the next class."
        " A model learns from a few clips of a second or two each; ten of each class and two or"
        " three voices are better."
    )
    label = st.text_input(
        "Class of the next recordings", key="record_label", placeholder="such as hello"
    )
    clip = st.audio_input(
        "Microphone",
        sample_rate=RATE,
        key=f"microphone_{st.session_state['upload_key']}",
        disabled=not label.strip(),
    )
    if clip is not None:
        with problems.caught():
            decoded(clip.getvalue())
            add(label, [clip], ".wav")
        uploads.reset("upload_key")
        st.rerun()
    _show()


def _show() -> None:
    """What has been gathered so far."""
    if not _in_hand():
        return
    rows = _rows(_folder())
    if rows and rows[-1].modality == SOUNDS.modality:
        _show_last(rows[-1])
    counts = Counter(one.label for one in rows)
    kind = modality_of(rows[-1].modality) if rows else None
    place = st.session_state["upload_key"]
    for label, count in counts.items():
        with st.container(horizontal=True, vertical_alignment="center"):
            noun = (kind.item if count == 1 else kind.items) if kind else ""
            st.markdown(f"**{plain(label)}** · {count:,} {noun}", width="stretch")
            st.button(
                "Remove",
                key=f"remove_{label}_{place}_{st.session_state['way']}",
                on_click=remove,
                args=(label,),
                type="tertiary",
            )
    enough = len(counts) >= _ENOUGH
    st.button(
        f"Use these {kind.items if kind else 'items'}",
        type="primary",
        on_click=take,
        disabled=not enough,
        key=f"take_{place}",
        help=None if enough else "At least two classes are needed.",
    )


def _show_last(one: _Taken) -> None:
    """The newest recording, to be heard again, or taken back."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.audio((_folder() / one.file).read_bytes())
        st.button("Not that one", on_click=_remove_last, icon=":material/undo:", type="tertiary")
