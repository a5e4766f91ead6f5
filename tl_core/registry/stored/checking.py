"""Whether a store works, and holds what it says: every piece of every folder."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from sqlalchemy import Engine

from tl_core.artifacts.bucket import Bucket, StoreError
from tl_core.artifacts.folder_store import folder_of
from tl_core.artifacts.manifests import piece_sizes, read_manifest
from tl_core.artifacts.receiving import piece_name
from tl_core.errors import NotFoundError
from tl_core.progress import Progress
from tl_core.registry.stored.store_rows import claim, living


@dataclass(frozen=True)
class StoreCheck:
    """What was found: how many folders and bytes lie in the store, which rows it has no folder of
    yet, and which folders are damaged and why.
    """

    store: str
    folders: int
    bytes: int
    not_stored: list[str]
    damaged: dict[str, str]


def check(
    bucket: Bucket, engine: Engine, progress: Progress | None = None, *, content: bool = False
) -> StoreCheck:
    """Try the store out, and compare what it says with what it has.

    Args:
        bucket: the store.
        engine: of its registry.
        progress: told how many folders are looked at.
        content: whether every piece is read and its hash compared, not its size alone.

    Raises:
        StoreError: when it does not answer, refuses, or is another registry's.
    """
    progress = progress or Progress()
    claim(engine, bucket)
    _try_out(bucket)
    manifests = bucket.find("folders/")
    pieces = bucket.find("pieces/")
    damaged: dict[str, str] = {}
    sound: set[str] = set()
    progress.stage("Comparing", len(manifests))
    for number, name in enumerate(manifests):
        folder = folder_of(name)
        try:
            manifest = read_manifest(bucket.get(name), folder)
        except NotFoundError:  # collected just now
            continue
        except StoreError as error:
            damaged[folder] = error.why
            continue
        for file, one in manifest.files.items():
            for piece, size in zip(one.pieces, piece_sizes(one.bytes), strict=True):
                entry = pieces.get(piece_name(piece))
                if entry is None or entry.bytes != size:
                    damaged[folder] = f"{file}: a piece is missing or cut short."
                elif content and piece not in sound:
                    if hashlib.sha256(bucket.get(piece_name(piece))).hexdigest() == piece:
                        sound.add(piece)
                    else:
                        damaged[folder] = f"{file}: a piece is not what was stored."
        progress.batch(number + 1, len(manifests))
    stored = {folder_of(name) for name in manifests}
    return StoreCheck(
        bucket.root,
        len(manifests),
        sum(entry.bytes for entry in pieces.values()),
        sorted(living(engine) - stored),
        damaged,
    )


def _try_out(bucket: Bucket) -> None:
    """Write, read, list and remove an object."""
    name, content = f"tried/{secrets.token_hex(6)}", secrets.token_bytes(1000)
    bucket.put(name, content)
    if bucket.get(name) != content or name not in bucket.find("tried/"):
        raise StoreError(
            f"The store {bucket.root} does not give back what was written.",
            "",
            "Use a server that reads its own writes, as S3 does.",
        )
    bucket.remove([name])
    if bucket.size(name) != -1:
        raise StoreError(
            f"The store {bucket.root} does not remove objects.", "", "Allow deletion there."
        )
