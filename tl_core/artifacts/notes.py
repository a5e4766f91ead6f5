"""What a machine remembers of the folders that it has stored or fetched, beside them in its home.

The time of change of a note says when its folder was last used.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tl_core.artifacts.bucket import StoreError
from tl_core.artifacts.manifests import Manifest, Stamps, read_manifest
from tl_core.json_files import write_json

KINDS = ("datasets", "runs", "models", "features")


@dataclass(frozen=True)
class Note:
    """A folder as this machine and the store agreed on it.

    Args:
        manifest: what the store says of it.
        stamps: size and time of change of each file that is here.
    """

    manifest: Manifest
    stamps: Stamps

    @property
    def whole(self) -> bool:
        """Whether all of it is here; large files may have made room."""
        return len(self.stamps) == len(self.manifest.files)

    @property
    def bytes(self) -> int:
        """Bytes of it that are here."""
        return sum(size for size, _ in self.stamps.values())


class Notes:
    """The notes of one home."""

    def __init__(self, home: Path) -> None:
        self._root = home / "stored"

    def path(self, folder: str) -> Path:
        kind, _, name = folder.partition("/")
        if kind not in KINDS or not name or "/" in name or name.startswith("."):
            raise StoreError(
                f"{folder!r} is no folder that is stored.",
                f"Stored are folders of {', '.join(KINDS)}.",
                "Write it as runs/ID or datasets/ID.",
            )
        return self._root / kind / f"{name}.json"

    def read(self, folder: str) -> Note | None:
        """The note of a folder; None where there is none, or it was damaged."""
        try:
            stored = json.loads(self.path(folder).read_text(encoding="utf-8"))
            manifest = read_manifest(stored["manifest"].encode(), folder)
            stamps = {str(name): (int(a), int(b)) for name, (a, b) in stored["stamps"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, StoreError):
            return None
        return Note(manifest, stamps)

    def write(self, note: Note) -> None:
        path = self.path(note.manifest.folder)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, {"manifest": note.manifest.as_bytes().decode(), "stamps": note.stamps})

    def remove(self, folder: str) -> None:
        self.path(folder).unlink(missing_ok=True)

    def touch(self, folder: str) -> None:
        """The folder is used now."""
        os.utime(self.path(folder))

    def used(self, folder: str) -> float:
        """When the folder was last used, in seconds since 1970; 0 without a note."""
        try:
            return self.path(folder).stat().st_mtime
        except FileNotFoundError:
            return 0.0

    def folders(self) -> Iterator[str]:
        """Every folder that has a note."""
        for path in sorted(self._root.glob("*/*.json")):
            yield f"{path.parent.name}/{path.stem}"
