"""Files on their way in: those that came by the resumable uploads of this server, and small ones
that leave Streamlit's buffer for the disk at once, in chunks, under a name that cannot harm.
"""

from __future__ import annotations

import shutil
import threading
from itertools import chain, count
from pathlib import Path

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from pages.shell import services
from tl_core.errors import DataError
from tl_core.registry.uploads import UploadStore, safe_name
from tl_core.storage import new_upload_folder
from tl_core.web.file_kinds import HEAD, check_kind

IN_MEMORY_MB = 100
"""Largest file that Streamlit's own fields take: they hold it in memory until it is used."""

_TOGETHER = "my-files"
_resumable = threading.Event()


def offer_resumable() -> None:
    """Say that this process has the addresses of resumable uploads."""
    _resumable.set()


def are_resumable() -> bool:
    """Whether large files can come to this process, without ever being whole in memory."""
    return _resumable.is_set()


def arrived(ids: object) -> Path:
    """The file of a finished upload of the acting person, or one folder with those of several.

    Args:
        ids: as the browser says them; whose they are, and whether they are, is asked here.

    Raises:
        NotFoundError: when one of them is none of theirs, or was used already.
        StateError: when one has not arrived as a whole.
    """
    store = UploadStore(services.database(), services.principal(), services.settings())
    named = list(dict.fromkeys(map(str, ids))) if isinstance(ids, list) else [str(ids)]
    paths = [store.path(name) for name in named]
    if len(paths) == 1:
        return paths[0]
    folder = new_upload_folder(services.settings()) / _TOGETHER
    folder.mkdir()
    for path in paths:
        names = (f"{path.stem}-{number}{path.suffix}" for number in count(2))
        free = (name for name in chain([path.name], names) if not (folder / name).exists())
        path.rename(folder / next(free))
    return folder


def keep(upload: UploadedFile) -> Path:
    """Copy an upload to its own folder below TL_HOME and give the file's path.

    Raises:
        DataError: when it is larger than the server allows, or not what its name says.
    """
    limit = services.settings().number("upload_mb")
    if upload.size > limit << 20:
        raise DataError(
            f"The file has {upload.size / 1e6:,.0f} MB.",
            f"The limit is {limit:,} MB.",
            "Bring it as a folder on this server, or split it.",
        )
    name = safe_name(upload.name)
    upload.seek(0)
    check_kind(name, upload.read(HEAD))
    target = new_upload_folder(services.settings()) / name
    with target.open("wb") as sink:
        upload.seek(0)
        shutil.copyfileobj(upload, sink, 1 << 20)
    return target


def keep_text(text: str) -> Path:
    """Write a pasted table to its own folder below TL_HOME and give the file's path.

    Raises:
        DataError: when it is larger than the server allows.
    """
    limit = services.settings().number("upload_mb")
    if len(text) > limit << 20:
        raise DataError(
            "The pasted text is too long.", f"The limit is {limit:,} MB.", "Bring it as a file."
        )
    target = new_upload_folder(services.settings()) / "pasted.csv"
    target.write_text(text, encoding="utf-8")
    return target


def reset(key: str) -> None:
    """Give the upload widget a new identity, so that its buffer is freed."""
    st.session_state[key] += 1


def allowed_folder(text: str) -> Path:
    """A server folder or file that pages may read.

    Raises:
        DataError: when it lies outside TL_DATA_DIRS.
    """
    path = Path(text.strip()).expanduser().resolve()
    roots = [root.resolve() for root in services.settings().data_folders]
    if not any(path.is_relative_to(root) for root in roots):
        shown = ", ".join(map(str, roots)) or "none"
        raise DataError(
            "The pages may not read this path.",
            f"Open folders: {shown}.",
            "Ask whoever runs this server to add it to TL_DATA_DIRS.",
        )
    if not path.exists():
        raise DataError(f"There is no {str(path)!r} on this server.", "", "Check the spelling.")
    return path
