"""What nobody refers to any more leaves the store.

A folder goes when its row has gone, features when nobody has used them for `TL_KEEP_DAYS` days, a
piece when no folder consists of it. Nothing younger than a day goes, and nothing while anybody
uploads (`turns_of_store`). Where one manifest cannot be read nothing goes at all: its pieces would
look like pieces of nobody.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, fields

from sqlalchemy import Engine

from tl_core.artifacts.bucket import Bucket, Entry
from tl_core.artifacts.folder_store import folder_of
from tl_core.artifacts.manifests import read_manifest
from tl_core.errors import NotFoundError
from tl_core.registry.stored.store_rows import claim, living
from tl_core.registry.stored.turns_of_store import TurnsOfStore
from tl_core.settings import Settings

GRACE_SECONDS = 86_400.0
_READERS, _TOGETHER = 8, 100  # threads, and manifests that are in memory
_LAST = "collected.json"


@dataclass(frozen=True)
class Collected:
    """What a collection found and removed; `at` is in seconds since 1970."""

    at: float
    folders: int
    pieces: int
    bytes: int
    removed_folders: int
    removed_pieces: int
    removed_bytes: int


def collect(
    bucket: Bucket,
    engine: Engine,
    settings: Settings,
    *,
    grace: float = GRACE_SECONDS,
    clock: Callable[[], float] = time.time,
    turns: TurnsOfStore | None = None,
) -> Collected:
    """Remove what nobody refers to and say what stays.

    Args:
        bucket: the store.
        engine: of the registry that it belongs to.
        settings: for how long features are kept.
        grace: seconds for which nothing is removed that is new.
        clock: seconds since 1970.
        turns: of the store.

    Raises:
        StoreError: when the store belongs to another registry, holds a damaged manifest, or does
            not answer; then nothing, or a part of what would go, has gone. Also when another
            collection or uploads do not end.
    """
    claim(engine, bucket)
    with (turns or TurnsOfStore(engine)).collecting() as beat:
        now = clock()
        manifests = bucket.find("folders/")
        keep_days = settings.number("keep_days")
        rows = living(engine)  # after the listing: a row is there before its folder is stored
        gone = [
            name
            for name, entry in manifests.items()
            if _is_over(name, entry, rows, now - grace, now - keep_days * GRACE_SECONDS)
        ]
        used = _pieces_of(bucket, sorted(set(manifests) - set(gone)), beat)
        pieces = bucket.find("pieces/")
        unused = [
            name
            for name, entry in pieces.items()
            if name.rpartition("/")[2] not in used and entry.written < now - grace
        ]
        bucket.remove(gone, beat)  # manifests first: none may be left without its pieces
        bucket.remove(unused, beat)
        removed = sum(pieces[name].bytes for name in unused)
        result = Collected(
            now,
            len(manifests) - len(gone),
            len(pieces) - len(unused),
            sum(entry.bytes for entry in pieces.values()) - removed,
            len(gone),
            len(unused),
            removed,
        )
        bucket.put(_LAST, json.dumps(asdict(result)).encode())
    return result


def last_collection(bucket: Bucket) -> Collected | None:
    """What the last collection found; None before the first."""
    try:
        return read_collected(json.loads(bucket.get(_LAST)))
    except (NotFoundError, ValueError):
        return None


def read_collected(stored: object) -> Collected | None:
    """The same as it was written down; None for anything else."""
    if not isinstance(stored, dict):
        return None
    try:
        return Collected(**{one.name: stored[one.name] for one in fields(Collected)})
    except KeyError:
        return None


def _is_over(name: str, entry: Entry, rows: set[str], young: float, unused: float) -> bool:
    """Whether a folder belongs to no row any more."""
    if entry.written >= young:
        return False
    folder = folder_of(name)
    return entry.written < unused if folder.startswith("features/") else folder not in rows


def _pieces_of(bucket: Bucket, names: list[str], beat: Callable[[], None]) -> set[str]:
    """The pieces that the named manifests consist of."""
    used: set[str] = set()
    with ThreadPoolExecutor(_READERS) as pool:
        for start in range(0, len(names), _TOGETHER):
            some = names[start : start + _TOGETHER]
            for name, content in zip(some, pool.map(bucket.get, some), strict=True):
                used |= read_manifest(content, folder_of(name)).pieces
                beat()
    return used
