"""Pictures gathered class by class, from files or the webcam, in a folder of their own until they
become a dataset.
"""

from __future__ import annotations

import csv
import secrets
from collections import Counter
from pathlib import Path

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from pages.shell import problems, services, uploads
from pages.shell.words import plain
from tl_core.data.pictures.images import SUFFIXES
from tl_core.errors import DataError
from tl_core.storage import new_upload_folder

_LISTING = "metadata.csv"


def _folder() -> Path:
    """The session's collection, made with the first picture."""
    if not st.session_state["collection"]:
        folder = new_upload_folder(services.settings()) / "my-photos"
        folder.mkdir()
        (folder / _LISTING).write_text("file_name,label\n")
        st.session_state["collection"] = str(folder)
    return Path(st.session_state["collection"])


def _rows(folder: Path) -> list[list[str]]:
    with (folder / _LISTING).open(encoding="utf-8", newline="") as handle:
        return list(csv.reader(handle))[1:]


def add(label: str, pictures: list[UploadedFile]) -> None:
    """Put pictures into the collection under `label`.

    Raises:
        DataError: without a class name, or when the collection would outgrow the upload limit.
    """
    label = label.strip()
    if not label:
        raise DataError("The photos need a class name.", "", "Type what they show, such as 'ripe'.")
    folder, limit = _folder(), services.settings().number("upload_mb") << 20
    used = sum(path.stat().st_size for path in folder.iterdir())
    with (folder / _LISTING).open("a", encoding="utf-8", newline="") as handle:
        for picture in pictures:
            used += picture.size
            if used > limit:
                raise DataError(
                    "The collection is full.",
                    f"It may hold {limit >> 20:,} MB.",
                    "Save it as a dataset and add more to it, or upload a zip.",
                )
            ending = Path(picture.name).suffix.lower()
            name = f"{secrets.token_hex(6)}{ending if ending in SUFFIXES else '.jpg'}"
            with (folder / name).open("wb") as sink:
                sink.write(picture.getbuffer())
            csv.writer(handle).writerow([name, label])


def remove(label: str) -> None:
    """Take a class out of the collection."""
    folder = _folder()
    rows = _rows(folder)
    for name, own in rows:
        if own == label:
            (folder / name).unlink(missing_ok=True)
    with (folder / _LISTING).open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle).writerows(
            [["file_name", "label"], *(row for row in rows if row[1] != label)]
        )


def take() -> None:
    """Go on with the collection as the source."""
    st.session_state["upload"] = st.session_state["collection"]


def show_files() -> None:
    """Several pictures at once with a class name typed in."""
    limit = services.settings().number("upload_mb")
    st.caption("Choose all photos of one class, type its name, add them; then the next class.")
    label = st.text_input("Class of these photos", key="files_label", placeholder="such as ripe")
    files = st.file_uploader(
        "Pictures",
        key=f"pictures_{st.session_state['upload_key']}",
        accept_multiple_files=True,
        type=sorted(ending.lstrip(".") for ending in SUFFIXES),
        max_upload_size=min(limit, uploads.IN_MEMORY_MB),
        help=f"Up to {limit:,} MB together. Larger sets: a zip of class folders.",
    )
    if st.button("Add these photos", disabled=not files, icon=":material/add_photo_alternate:"):
        with problems.caught():
            add(label, files)
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
            add(label, [shot])
        uploads.reset("upload_key")
        st.rerun()
    _show()


def _show() -> None:
    """What has been gathered so far."""
    if not st.session_state["collection"]:
        return
    counts = Counter(label for _, label in _rows(_folder()))
    place = st.session_state["upload_key"]
    for label, count in counts.items():
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{plain(label)}** · {count:,} pictures", width="stretch")
            st.button(
                "Remove",
                key=f"remove_{label}_{place}_{st.session_state['way']}",
                on_click=remove,
                args=(label,),
                type="tertiary",
            )
    enough = len(counts) >= 2
    st.button(
        "Use these photos",
        type="primary",
        on_click=take,
        disabled=not enough,
        key=f"take_{place}",
        help=None if enough else "At least two classes are needed.",
    )
