"""Folders of a home in a bucket, and back.

Pieces are uploaded first and the manifest last, so that a folder is in the store whole or not at
all. A folder that both this machine and another one have changed is refused: nobody's work is
overwritten.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from tl_core.artifacts.bucket import Bucket, StoreError
from tl_core.artifacts.manifests import (
    Manifest,
    Stamps,
    StoredFile,
    describe,
    piece_sizes,
    read_manifest,
    read_pieces,
    stamps_of,
)
from tl_core.artifacts.notes import Note, Notes
from tl_core.artifacts.receiving import READS, Receiver, piece_name
from tl_core.errors import NotFoundError
from tl_core.json_files import find_object
from tl_core.progress import Progress
from tl_core.storage import remove_tree

SMALL_BYTES = 1 << 18  # files up to this size always stay: lists and reports read them
Beat = Callable[[], None]


@contextmanager
def _nobody_collects() -> Iterator[Beat]:
    yield lambda: None


@dataclass(frozen=True)
class Stored:
    """What storing a folder took: bytes of its files, and of the pieces that were new."""

    folder: str
    bytes: int
    sent: int


class FolderStore:
    """The folders of one home and their copies in a bucket.

    Args:
        bucket: where copies are.
        home: of this machine.
        uploading: held while a folder is uploaded, so that nothing is collected meanwhile; gives
            what shows a sign of life.
    """

    def __init__(
        self,
        bucket: Bucket,
        home: Path,
        uploading: Callable[[], AbstractContextManager[Beat]] = _nobody_collects,
    ) -> None:
        self.bucket, self.home, self.notes = bucket, home, Notes(home)
        self._uploading = uploading

    def push(self, folder: str, *, again: bool = False) -> Stored | None:
        """Store a folder, or what has changed in it; None where the store has it as it is.

        Args:
            folder: such as `runs/3f9a0c12de`.
            again: send every piece, whatever the store seems to have, over what it has.

        Raises:
            StoreError: when another machine has changed it as well, a file changes meanwhile, or
                the store does not answer.
            NotFoundError: when it is not on this machine.
        """
        place = self.home / folder
        with self._alone(folder):
            if not place.is_dir():
                raise NotFoundError(f"{folder} is not on this machine.")
            note, stamps = self.notes.read(folder), stamps_of(place)
            if note is not None and not again and note.stamps == stamps:
                return None
            known = {} if note is None or again else _unchanged(note, stamps)
            files = {name: known.get(name) or describe(place / name) for name in stamps}
            manifest = Manifest(folder, {**_away(note), **files}, _about(place, folder))
            with self._uploading() as beat:
                there = not again and self._is_there(manifest, note)
                before = self.bucket.sent
                for name in () if there else stamps:
                    self._send(place / name, files[name], beat, again=again)
                if stamps_of(place) != stamps:
                    raise _changing(folder)
                self.bucket.put(object_name(folder, manifest.about), manifest.as_bytes())
            self.notes.write(Note(manifest, stamps))
            return Stored(folder, manifest.total, self.bucket.sent - before)

    def _is_there(self, manifest: Manifest, note: Note | None) -> bool:
        """Whether the store has just this, and so all its pieces. Another machine may have stored
        the folder since this one last looked: that is refused.
        """
        try:
            stored = self.manifest(manifest.folder, object_name(manifest.folder, manifest.about))
        except NotFoundError:
            return False
        if stored.digest != manifest.digest and (
            note is None or stored.digest != note.manifest.digest
        ):
            raise _conflict(manifest.folder)
        return stored.digest == manifest.digest

    def _send(self, path: Path, file: StoredFile, beat: Beat, *, again: bool) -> None:
        """Upload the pieces of a file that the bucket does not have."""
        names = [piece_name(piece) for piece in file.pieces]
        missing = [
            again or self.bucket.size(name) != size
            for name, size in zip(names, piece_sizes(file.bytes), strict=True)
        ]
        beat()
        if not any(missing):
            return
        pieces = zip(file.pieces, names, missing, read_pieces(path), strict=False)  # it may change
        for piece, name, wanted, content in pieces:
            beat()
            if hashlib.sha256(content).hexdigest() != piece:
                raise _changing(path.name)
            if wanted:
                self.bucket.put(name, content)

    def manifest(self, folder: str, name: str = "") -> Manifest:
        """What the store says of a folder; `name` is that of the object where it is known.

        Raises:
            NotFoundError: when it has none.
        """
        try:
            for _ in range(READS - 1):
                content = self.bucket.get(name or object_name(folder))
                with suppress(StoreError):  # what was cut short on its way comes whole again
                    return read_manifest(content, folder)
                self.bucket.retried += 1
            return read_manifest(self.bucket.get(name or object_name(folder)), folder)
        except NotFoundError as error:
            raise NotFoundError(
                f"{folder} is not in the store.",
                "The machine that has it may not have stored it yet.",
                "Try again in a moment.",
            ) from error

    def pull(
        self,
        folder: str,
        progress: Progress | None = None,
        *,
        fresh: bool = False,
        small: bool = False,
        name: str = "",
    ) -> int:
        """See that a folder is here; gives the bytes that were fetched.

        Args:
            folder: such as `datasets/5c1d0a7b2f`.
            progress: told how many bytes have come; its `Cancelled` keeps what has.
            fresh: ask the store whether another machine has changed it meanwhile.
            small: fetch small files alone, as lists show them.
            name: of its manifest among the objects, where that follows from more than the folder.

        Raises:
            NotFoundError: when the store does not have it.
            StoreError: when a piece is damaged or missing, both sides have changed, the disk has no
                room, or the store does not answer.
        """
        place, progress = self.home / folder, progress or Progress()
        with self._alone(folder):
            note = self.notes.read(folder) if place.is_dir() else None
            if note is not None and (note.whole or small) and not fresh:
                self.notes.touch(folder)
                return 0
            stored, before = self.manifest(folder, name), self.bucket.received
            if note is None:
                self._replace(stored, progress, small=small)
            elif note.manifest.digest == stored.digest:
                self._complete(note, progress, small=small)
            elif stamps_of(place) == note.stamps:
                self._replace(stored, progress, small=small)
            else:
                raise _conflict(folder)
            self.notes.touch(folder)
            return self.bucket.received - before

    def _replace(self, stored: Manifest, progress: Progress, *, small: bool) -> None:
        """Put the stored folder in the place of what is here, which waits for the next cleaning."""
        place = self.home / stored.folder
        wanted = {
            name: file
            for name, file in stored.files.items()
            if not small or file.bytes <= SMALL_BYTES
        }
        aside = self._aside(stored.folder)
        Receiver(self.bucket, stored.folder, aside, place).fetch(wanted, progress)
        place.parent.mkdir(parents=True, exist_ok=True)
        self._put_aside(place)
        aside.replace(place)
        self.notes.write(Note(stored, _stamps(place, wanted)))

    def _complete(self, note: Note, progress: Progress, *, small: bool) -> None:
        """Bring the large files back that made room; what is here stays as it is."""
        folder, missing = note.manifest.folder, {} if small else _away(note)
        if not missing:
            return
        aside, place = self._aside(folder), self.home / folder
        Receiver(self.bucket, folder, aside, place).fetch(missing, progress)
        for name in missing:
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (aside / name).replace(place / name)
        remove_tree(aside)
        self.notes.write(Note(note.manifest, {**note.stamps, **_stamps(place, missing)}))

    def _aside(self, folder: str) -> Path:
        return self.home / "store" / "arriving" / folder.replace("/", "-")

    def make_room(self, folder: str) -> int:
        """Remove the large files of a folder that the store has as it is; gives the bytes. Nothing
        is removed of one that has changed.
        """
        place = self.home / folder
        with self._alone(folder):
            note = self.notes.read(folder)
            if note is None or stamps_of(place) != note.stamps:
                return 0
            large = {name: size for name, (size, _) in note.stamps.items() if size > SMALL_BYTES}
            kept = {name: stamp for name, stamp in note.stamps.items() if name not in large}
            used = self.notes.used(folder)
            self.notes.write(Note(note.manifest, kept))  # first: a kill leaves too much, not less
            os.utime(self.notes.path(folder), (used, used))
            for name in large:
                (place / name).unlink(missing_ok=True)
            return sum(large.values())

    def forget(self, folder: str) -> None:
        """Let go of a folder that nothing refers to any more; it waits for the next cleaning."""
        with self._alone(folder):
            self._put_aside(self.home / folder)
            self.notes.path(folder).unlink(missing_ok=True)

    def _put_aside(self, place: Path) -> None:
        if place.exists():
            old = self.home / "staging" / f"replaced-{secrets.token_hex(4)}"
            old.parent.mkdir(exist_ok=True)
            place.replace(old)
            os.utime(old)

    def _alone(self, folder: str) -> FileLock:
        """No other process of this machine stores, fetches or removes the folder meanwhile."""
        path = self.notes.path(folder)  # refuses what is no folder of ours
        locks = self.home / "store" / "locks"
        locks.mkdir(parents=True, exist_ok=True)
        return FileLock(locks / f"{path.parent.name}-{path.stem}")


def object_name(folder: str, about: Mapping[str, str] | None = None) -> str:
    """The object of a folder's manifest; those of features begin with the items they are of."""
    kind, _, name = folder.partition("/")
    inputs = (about or {}).get("inputs", "")
    return f"folders/{kind}/{f'{inputs[:16]}.' if inputs else ''}{name}.json"


def folder_of(name: str) -> str:
    """The folder whose manifest an object is."""
    kind, _, rest = name.removeprefix("folders/").partition("/")
    return f"{kind}/{rest.removesuffix('.json').rpartition('.')[2]}"


def _stamps(place: Path, names: Mapping[str, object]) -> Stamps:
    return {name: stamp for name, stamp in stamps_of(place).items() if name in names}


def _about(place: Path, folder: str) -> dict[str, str]:
    """Of features: the items and the backbone they were made of."""
    if not folder.startswith("features/"):
        return {}
    facts = find_object(place / "manifest.json")
    return {name: str(facts[name]) for name in ("inputs", "backbone") if name in facts}


def _away(note: Note | None) -> dict[str, StoredFile]:
    """The files of a folder that made room."""
    if note is None:
        return {}
    return {name: file for name, file in note.manifest.files.items() if name not in note.stamps}


def _unchanged(note: Note, stamps: Stamps) -> dict[str, StoredFile]:
    """The files that are as the note has them."""
    return {
        name: note.manifest.files[name]
        for name, stamp in stamps.items()
        if note.stamps.get(name) == stamp and name in note.manifest.files
    }


def _changing(name: str) -> StoreError:
    return StoreError(f"{name} changes while it is stored.", "", "It is tried again when it rests.")


def _conflict(folder: str) -> StoreError:
    return StoreError(
        f"{folder} was changed on this machine and on another one.",
        "Neither is overwritten by the other.",
        f"To keep what is here: python -m tl_core store push {folder} --again. To take what is "
        "stored: move the folder away, then fetch it.",
    )
