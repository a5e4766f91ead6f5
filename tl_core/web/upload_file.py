"""The file of an unfinished upload while more of it comes: written, checked, noted."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass

from tl_core.errors import DataError
from tl_core.registry.uploads import Upload, UploadStore
from tl_core.web.file_kinds import HEAD, UnfitFileError, check_kind

_COMMIT = 64 << 20  # bytes after which a long body is noted although it has not ended


class ChecksumError(DataError):
    """What arrived is not what was sent."""


@dataclass(frozen=True)
class Checksum:
    """What a part shall have: the algorithm by its name in `hashlib`, and the digest."""

    algorithm: str
    digest: bytes


class UploadFile:
    """Whoever has it must hold the upload's lock. What is not kept is cut off when it is closed.

    Args:
        store: of who writes.
        upload_id: their upload.
        checksum: of the part that comes; without one, what has come of a part can be kept.

    Raises:
        NotFoundError: when there is no such upload of theirs.
        FileNotFoundError: when somebody has removed its file.
    """

    def __init__(self, store: UploadStore, upload_id: str, checksum: Checksum | None) -> None:
        self._store, self._checksum = store, checksum
        self.upload = store.get(upload_id)
        self._file = self.upload.path.open("r+b", buffering=0)
        there = os.fstat(self._file.fileno()).st_size
        if there < self.upload.received:  # a disk that lost what it had said to be written
            self.upload = store.advance(self.upload, there)
        self._file.truncate(self.upload.received)
        self.position = self._file.seek(0, os.SEEK_END)
        self._hash = hashlib.new(checksum.algorithm) if checksum else None

    def write(self, block: bytes) -> None:
        """Write at the end; long bodies without a checksum are noted now and then."""
        rest = memoryview(block)
        while rest:
            rest = rest[self._file.write(rest) :]
        self.position += len(block)
        if self._hash:
            self._hash.update(block)
        elif self.position - self.upload.received >= _COMMIT and self.position < self.upload.size:
            self.keep()

    def keep(self) -> Upload:
        """Note what has been written; with the last byte the upload is finished.

        Raises:
            ChecksumError: when it does not have the checksum; the upload itself is thrown away when
                that was the one of the whole file.
            UnfitFileError: when the file is not what its name says; the upload is thrown away.
            NotFoundError: when it was cancelled meanwhile.
        """
        if self._hash and self._checksum and self._hash.digest() != self._checksum.digest:
            raise ChecksumError("A part of the file was damaged on its way.", "", "Send it again.")
        os.fsync(self._file.fileno())
        upload, whole = self.upload, self.position == self.upload.size
        if upload.received < HEAD and (whole or self.position >= HEAD):
            self._check_kind()
        if whole and upload.finished is None:
            self.upload = self._store.finish(upload, self._whole_digest())
        elif self.position > upload.received:
            self.upload = self._store.advance(upload, self.position)
        return self.upload

    def _check_kind(self) -> None:
        self._file.seek(0)
        head = self._file.read(HEAD)
        self._file.seek(self.position)
        try:
            check_kind(self.upload.name, head)
        except UnfitFileError:
            self._store.delete(self.upload.id)
            raise

    def _whole_digest(self) -> str:
        self._file.seek(0)
        found = hashlib.file_digest(self._file, "sha256").hexdigest()
        if self.upload.sha256 not in ("", found):
            self._store.delete(self.upload.id)
            raise ChecksumError(
                "The file that arrived is not the one that was announced.",
                "Its SHA-256 is another one; it may have been changed meanwhile.",
                "Choose it again.",
            )
        return found

    def close(self) -> None:
        """Cut off what was not kept."""
        self._file.truncate(self.upload.received)
        self._file.close()
