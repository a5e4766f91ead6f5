"""Files that similar items are looked for by: kept under a hash of their content, so that a link to
what was found shows the same, and forgotten with the uploads, `TL_KEEP_DAYS` after the last use.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from tl_core.errors import DataError, NotFoundError
from tl_core.settings import Settings

MEGABYTES = 30
_FILE, _SIGNS = "example", 40


def keep_example(settings: Settings, content: bytes) -> str:
    """Keep a file, and give the key that leads to it.

    Raises:
        DataError: when there is nothing in it, or more than anybody searches by.
    """
    if not content:
        raise DataError("The file to search by is empty.", "", "Choose another one.")
    if len(content) > MEGABYTES << 20:
        raise DataError(
            f"The file to search by has {len(content) / 1e6:,.0f} MB.",
            f"The limit is {MEGABYTES} MB.",
            "Choose a smaller one.",
        )
    key = hashlib.sha256(content).hexdigest()[:_SIGNS]
    place = _place(settings, key)
    place.parent.mkdir(parents=True, exist_ok=True)
    if not place.exists():
        half = place.with_name(f"{_FILE}.{os.getpid()}.part")
        half.write_bytes(content)
        half.replace(place)
    return key


def example(settings: Settings, key: str) -> bytes:
    """The file that was kept under a key; reading it counts as use.

    Raises:
        NotFoundError: when there is none, or it was forgotten.
    """
    place = _place(settings, key)
    try:
        content = place.read_bytes()
        os.utime(place)
    except OSError as error:
        raise NotFoundError(
            "The file that was searched by is no longer kept.",
            f"Such files are forgotten {settings.number('keep_days')} days after their last use.",
            "Bring the file again.",
        ) from error
    return content


def _place(settings: Settings, key: str) -> Path:
    if not (key.isascii() and key.isalnum()):
        raise NotFoundError("There is no such file.", "", "Bring the file again.")
    return settings.home_path / "uploads" / f"example-{key}" / _FILE
