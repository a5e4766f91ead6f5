"""Keeping what a home holds of the store within bounds: what nobody has used for longest makes
room.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection

from tl_core.artifacts.folder_store import FolderStore

IDLE_SECONDS = 3600.0  # a folder that was used since is taken to be looked at


def kept_bytes(store: FolderStore) -> int:
    """Bytes of stored folders that are on this machine."""
    notes = (store.notes.read(folder) for folder in store.notes.folders())
    return sum(note.bytes for note in notes if note is not None)


def make_room(
    store: FolderStore,
    most: int,
    in_use: Collection[str],
    clock: Callable[[], float] = time.time,
) -> int:
    """Remove large files of stored folders until at most `most` bytes are left, the least recently
    used first; gives the bytes that went.

    Args:
        store: of this home.
        most: bytes.
        in_use: folders that stay whatever happens, such as those that runs read.
        clock: seconds since 1970.
    """
    over = kept_bytes(store) - most
    removed = 0
    for folder in sorted(store.notes.folders(), key=store.notes.used):
        if removed >= over:
            break
        if folder not in in_use and store.notes.used(folder) < clock() - IDLE_SECONDS:
            removed += store.make_room(folder)
    return removed
