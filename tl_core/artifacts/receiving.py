"""A stored folder on its way to this machine: assembled aside, every piece and file verified."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from tl_core.artifacts.bucket import Bucket, StoreError
from tl_core.artifacts.manifests import StoredFile, describe, piece_sizes
from tl_core.errors import NotFoundError
from tl_core.progress import Progress

READS = 5  # of what is not what its hash says, before it counts as damaged
_SPARE_BYTES = 1 << 30  # that fetching leaves free on the disk


class Receiver:
    """Fetches files of one folder into another one aside.

    Args:
        bucket: where they are.
        folder: as the store calls it, for what people are told.
        aside: where they are assembled; what an interrupted try left there is gone on with.
        here: the folder in its place, if there is one: what it has need not come again.
    """

    def __init__(self, bucket: Bucket, folder: str, aside: Path, here: Path) -> None:
        self._bucket, self._folder, self._aside, self._here = bucket, folder, aside, here

    def fetch(self, wanted: Mapping[str, StoredFile], progress: Progress) -> None:
        """Bring the files; `progress` counts bytes.

        Raises:
            StoreError: when a piece is damaged or missing, or the disk has no room.
        """
        total, done = sum(file.bytes for file in wanted.values()), 0
        self._check_room(total)
        self._aside.mkdir(parents=True, exist_ok=True)
        for name, file in wanted.items():
            target = self._aside / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if not self._adopt(name, file, target):

                def tell(more: int, done: int = done) -> None:
                    progress.batch(done + more, total)

                self._receive(file, target, tell)
            done += file.bytes
            progress.batch(done, total)
        self._prune(wanted)

    def _prune(self, wanted: Mapping[str, StoredFile]) -> None:
        """Remove what an interrupted try left there of files that are not wanted any more."""
        for path in list(self._aside.rglob("*")):
            if path.is_file() and path.relative_to(self._aside).as_posix() not in wanted:
                path.unlink()

    def _adopt(self, name: str, file: StoredFile, target: Path) -> bool:
        """Take a file over that has come before, or lies in the folder that is here."""
        if target.is_file():
            if describe(target) == file:
                return True
            target.unlink()
        here = self._here / name
        if here.is_file() and here.stat().st_size == file.bytes and describe(here) == file:
            shutil.copy2(here, target)
            return describe(target) == file
        return False

    def _receive(self, file: StoredFile, target: Path, tell: Callable[[int], None]) -> None:
        """Fetch the pieces of a file; those that came before a kill are kept."""
        half = target.with_name(f"{target.name}.part")
        half.touch()
        whole = hashlib.sha256()
        with half.open("r+b") as handle:
            for piece, size in zip(file.pieces, piece_sizes(file.bytes), strict=True):
                start = handle.tell()
                content = handle.read(size)
                if hashlib.sha256(content).hexdigest() != piece:
                    tell(start)
                    content = self._piece(piece)
                    handle.seek(start)
                    handle.write(content)
                    handle.truncate()
                whole.update(content)
            handle.truncate()
            handle.flush()
            os.fsync(handle.fileno())
        if whole.hexdigest() != file.sha256 or half.stat().st_size != file.bytes:
            raise self._damaged(f"{target.name} is not what its pieces should make.")
        half.replace(target)

    def _piece(self, piece: str) -> bytes:
        """The content of a piece, verified."""
        for number in range(READS):
            try:
                content = self._bucket.get(piece_name(piece))
            except NotFoundError as error:
                raise self._damaged(f"The piece {piece[:12]} is missing.") from error
            if hashlib.sha256(content).hexdigest() == piece:
                return content
            self._bucket.retried += number + 1 < READS
        raise self._damaged(f"The piece {piece[:12]} is not what was stored.")

    def _check_room(self, needed: int) -> None:
        place = next(one for one in self._aside.parents if one.is_dir())
        free = shutil.disk_usage(place).free
        if free < needed + _SPARE_BYTES:
            raise StoreError(
                f"{self._folder} needs {needed / 1e9:,.2f} GB, and {free / 1e9:,.2f} GB are free.",
                f"Fetching leaves {_SPARE_BYTES / 1e9:,.0f} GB free.",
                "Free some room, or lower TL_STORE_CACHE_MB.",
            )

    def _damaged(self, why: str) -> StoreError:
        return StoreError(
            f"{self._folder} is damaged in the store.",
            why,
            "Store it again from a machine that has it: "
            f"python -m tl_core store push {self._folder} --again",
        )


def piece_name(piece: str) -> str:
    """The object of a piece."""
    return f"pieces/{piece[:2]}/{piece}"
