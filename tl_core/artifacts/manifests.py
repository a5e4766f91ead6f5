"""What a stored folder consists of: each file with its size, its SHA-256, and the pieces it is cut
into.

A piece is named by its own SHA-256, so that equal content lies in the bucket once, a half-finished
transfer goes on where it stopped, and whoever reads a piece knows whether it is whole.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath

from tl_core.artifacts.bucket import StoreError

FORMAT = 1
PIECE_BYTES = 16 << 20  # a part of the format
_HEX = frozenset("0123456789abcdef")
_NOT_STORED = ("lock",)  # files that coordinate processes of one machine


@dataclass(frozen=True)
class StoredFile:
    """One file: `sha256` is that of the whole, `pieces` those of its parts in order."""

    bytes: int
    sha256: str
    pieces: tuple[str, ...]


@dataclass(frozen=True)
class Manifest:
    """A stored folder. `folder` is its place inside a home, such as `runs/3f9a0c12de`; `about` says
    of features whose they are.
    """

    folder: str
    files: Mapping[str, StoredFile]
    about: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """The SHA-256 of everything that is said."""
        return hashlib.sha256(json.dumps(self._content(), sort_keys=True).encode()).hexdigest()

    @property
    def total(self) -> int:
        """Bytes of all files."""
        return sum(file.bytes for file in self.files.values())

    @property
    def pieces(self) -> set[str]:
        return {piece for file in self.files.values() for piece in file.pieces}

    def _content(self) -> dict[str, object]:
        files = {name: {**asdict(one), "pieces": list(one.pieces)} for name, one in self._sorted()}
        return {
            "format": FORMAT,
            "folder": self.folder,
            "about": dict(self.about),
            "files": files,
        }

    def _sorted(self) -> list[tuple[str, StoredFile]]:
        return sorted(self.files.items())

    def as_bytes(self) -> bytes:
        content = {**self._content(), "digest": self.digest}
        return json.dumps(content, ensure_ascii=False, indent=1).encode()


def read_manifest(content: bytes, folder: str) -> Manifest:
    """The manifest that `as_bytes` wrote.

    Raises:
        StoreError: when it is damaged, of another folder, or written by a newer version.
    """
    try:
        stored = json.loads(content)
        if stored["format"] > FORMAT:
            raise StoreError(
                f"A newer version stored {folder}.", "", "Update this program on this machine."
            )
        files = {
            str(name): StoredFile(
                int(one["bytes"]), str(one["sha256"]), tuple(str(p) for p in one["pieces"])
            )
            for name, one in stored["files"].items()
        }
        manifest = Manifest(str(stored["folder"]), files, dict(stored["about"]))
        whole = manifest.digest == stored["digest"] and manifest.folder == folder
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(folder, "It cannot be read.") from error
    if not whole or not all(map(_is_sound, files.items())):
        raise _damaged(folder, "It is not what was written.")
    return manifest


def _damaged(folder: str, why: str) -> StoreError:
    return StoreError(
        f"What the store says of {folder} is damaged.",
        why,
        f"Store it again from a machine that has it: python -m tl_core store push {folder} --again",
    )


def _is_sound(named: tuple[str, StoredFile]) -> bool:
    """Whether a file lies below its folder, and its pieces are names of pieces."""
    name, file = named
    parts = PurePosixPath(name).parts
    inside = bool(parts) and "/".join(parts) == name and not {"..", "/"} & set(parts)
    plain = "\\" not in name and "\0" not in name
    hexes = all(len(one) == 64 and set(one) <= _HEX for one in (file.sha256, *file.pieces))
    cut = file.bytes >= 0 and len(file.pieces) == len(piece_sizes(file.bytes))
    return inside and plain and hexes and cut


Stamps = dict[str, tuple[int, int]]  # size and time of change (nanoseconds) of each file


def stamps_of(folder: Path) -> Stamps:
    """The files that are stored of a folder: plain ones, but those that are being written, and
    locks.
    """
    found: Stamps = {}
    for where, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            path = Path(where, name)
            if name in _NOT_STORED or name.endswith((".tmp", ".part")) or path.is_symlink():
                continue
            try:
                facts = path.stat()
            except FileNotFoundError:
                continue
            found[path.relative_to(folder).as_posix()] = (facts.st_size, facts.st_mtime_ns)
    return found


def piece_sizes(size: int) -> list[int]:
    """Bytes of each piece of a file of `size` bytes; an empty one has none."""
    whole, rest = divmod(size, PIECE_BYTES)
    return [PIECE_BYTES] * whole + ([rest] if rest else [])


def read_pieces(path: Path) -> Iterator[bytes]:
    """The content of a file, piece by piece."""
    with path.open("rb") as source:
        while piece := source.read(PIECE_BYTES):
            yield piece


def describe(path: Path) -> StoredFile:
    """Size and hashes of a file as it is now."""
    whole, size, pieces = hashlib.sha256(), 0, []
    for piece in read_pieces(path):
        whole.update(piece)
        size += len(piece)
        pieces.append(hashlib.sha256(piece).hexdigest())
    return StoredFile(size, whole.hexdigest(), tuple(pieces))
