"""Files on their way to a server and back."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from tl_core.errors import DataError, StateError

Told = Callable[[int, int], None]
_PACKED_ALREADY = {".png", ".jpg", ".jpeg", ".webp", ".gif", ".zip", ".parquet"}


class Sent:
    """A file that is read while it is sent, and tells how much of it."""

    def __init__(self, handle: BinaryIO, told: Told) -> None:
        self._handle, self._told, self._done = handle, told, 0
        self._total = handle.seek(0, 2)
        handle.seek(0)

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        piece = self._handle.read(size)
        self._done += len(piece)
        self._told(self._done, self._total)
        return piece

    def seek(self, place: int, whence: int = 0) -> int:
        """Go to a place; the count begins there."""
        self._done = self._handle.seek(place, whence)
        return self._done

    def tell(self) -> int:
        """Where it is."""
        return self._handle.tell()

    def fileno(self) -> int:
        """That of the file, by which its size is known."""
        return self._handle.fileno()


@contextmanager
def as_file(source: str) -> Iterator[Path]:
    """A file at hand, or a folder as a zip in a temporary folder.

    Raises:
        DataError: when there is neither.
    """
    path = Path(source).expanduser()
    if path.is_file():
        yield path
        return
    if not path.is_dir():
        raise DataError(f"There is no file or folder {source!r}.", "", "Check the spelling.")
    with TemporaryDirectory(prefix="graft-") as folder:
        name = path.resolve().name or "folder"
        packed = Path(folder) / f"{name}.zip"
        with zipfile.ZipFile(packed, "w") as archive:
            for one in sorted(path.rglob("*")):
                if one.is_file() and not one.is_symlink():
                    plain = one.suffix.lower() in _PACKED_ALREADY
                    how = zipfile.ZIP_STORED if plain else zipfile.ZIP_DEFLATED
                    archive.write(one, one.relative_to(path).as_posix(), how)
        yield packed


def unpack_bundle(archive: Path, target: Path) -> None:
    """The folder that a zip holds, under another name.

    Raises:
        StateError: when the zip holds something else.
    """
    with zipfile.ZipFile(archive) as packed, TemporaryDirectory(dir=target.parent) as folder:
        packed.extractall(folder)  # which lets no name lead out of the folder
        found = list(Path(folder).iterdir())
        if len(found) != 1 or not found[0].is_dir():
            raise StateError("The server sent no bundle.", "", "Export it again.")
        found[0].rename(target)
