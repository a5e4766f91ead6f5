"""Uploads leave the browser's buffer for the disk at once, in chunks, under a name that cannot
harm.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from pages.shell import services
from tl_core.errors import DataError
from tl_core.storage import new_upload_folder


def keep(upload: UploadedFile) -> Path:
    """Copy an upload to its own folder below TL_HOME and give the file's path.

    Raises:
        DataError: when it is larger than the server allows.
    """
    limit = services.settings().number("upload_mb")
    if upload.size > limit << 20:
        raise DataError(
            f"The file has {upload.size / 1e6:,.0f} MB.",
            f"The limit is {limit:,} MB.",
            "Bring it as a folder on this server, or split it.",
        )
    name = re.sub(r"[^\w. -]", "_", Path(upload.name).name)[-120:].lstrip(".") or "upload"
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
