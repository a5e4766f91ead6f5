"""Everything of a home that cannot be computed again, and its database, as one archive.

The archive is a zip without a size limit. Its `manifest.json` names every file with its SHA-256; a
file that several dataset versions share lies in it once.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from tl_core import __version__
from tl_core.artifacts.notes import Notes
from tl_core.errors import StateError
from tl_core.progress import Progress
from tl_core.services.database_copy import copy_database
from tl_core.settings import Settings

FORMAT = 1
MANIFEST, DATABASE = "manifest.json", "database"
KEPT = ("datasets", "runs", "models", "looks", "uploads", "tensorboard", "stored", "served")
LEFT = (
    "features",  # caches, computed or fetched again
    "downloads",
    "hub",
    "starters",
    "static",
    "store",  # what is on its way from a bucket, and locks
    "staging",  # work that has not ended
    "notices",  # of ends that somebody was still to be told
    "cookie_secret",  # a new one is made: sessions of before are over
    "dispatcher.log",
    "migrate.lock",
    "graft.db",  # as the copy of the database
    "graft.db-wal",
    "graft.db-shm",
    "lost+found",
    "backups",
)
"""What a home may hold besides what is kept; a test looks for names that are in neither."""
BLOCK = 1 << 20
_PACKED = (".json", ".jsonl", ".csv", ".txt", ".log", ".html", ".md")  # others are dense already


class FileFacts(TypedDict):
    """Of one file in the archive."""

    bytes: int
    sha256: str


class Manifest(TypedDict):
    """What an archive says of itself.

    `links` are files with the content of another, by its name; `left_out` are names that vanished
    while the archive was made, are no plain files, or lie in a home and are not known there.
    """

    format: int
    program: str
    created: float
    database: dict[str, object]
    files: dict[str, FileFacts]
    links: dict[str, str]
    left_out: list[str]


@dataclass(frozen=True)
class Saved:
    """What has been saved; `fingerprint` is the SHA-256 of the manifest, and so of everything."""

    files: int
    bytes: int
    left_out: list[str]
    fingerprint: str


def back_up(settings: Settings, target: Path, progress: Progress | None = None) -> Saved:
    """Write the archive `target`, while the studio is at work or not.

    The database is copied first: what is made later is missing in both, and files that were deleted
    meanwhile are found missing when it is restored.

    Raises:
        StateError: when `target` exists or lies inside of what is saved, the disk has no room, or
            the database cannot be copied.
    """
    progress, home = progress or Progress(), settings.home_path
    target = target.absolute()
    if target.exists():
        raise StateError(f"{target.name} is there already.", "", "Name another file.")
    if any(target.is_relative_to(home / name) for name in KEPT):
        raise StateError(f"{target} would have to hold itself.", "", "Name a file elsewhere.")
    if not target.parent.is_dir():
        raise StateError(f"There is no folder {target.parent}.", "", "Make it first.")
    half = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        saved = _write(settings, half, progress)
        os.replace(half / "archive", target)
    except OSError as error:
        raise StateError(
            "The backup could not be written.", f"{error}.", "Free some room."
        ) from error
    finally:
        shutil.rmtree(half, ignore_errors=True)
    return saved


def _write(settings: Settings, half: Path, progress: Progress) -> Saved:
    progress.stage("Copying the database")
    database = copy_database(settings, half / "database")
    found = list(_files(settings.home_path))
    needed, free = _size(found), shutil.disk_usage(half).free
    if free < needed:
        raise StateError(
            f"The backup may need {needed / 1e9:,.1f} GB, and {free / 1e9:,.1f} GB are free.",
            "",
            "Name a file on another disk.",
        )
    progress.stage("Copying files", len(found))
    manifest = Manifest(
        format=FORMAT,
        program=__version__,
        created=time.time(),
        database=database,
        files={},
        links={},
        left_out=[
            path.name
            for path in sorted(settings.home_path.iterdir())
            if path.name not in KEPT + LEFT
        ],
    )
    manifest["left_out"] += _away(settings.home_path)
    with (
        open(os.open(half / "archive", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b") as handle,
        zipfile.ZipFile(handle, "w", allowZip64=True) as archive,
    ):
        manifest["files"][DATABASE] = _add(archive, half / "database", DATABASE)
        _add_all(archive, settings.home_path, found, manifest, progress)
        content = json.dumps(manifest, ensure_ascii=False, indent=1).encode()
        archive.writestr(MANIFEST, content, zipfile.ZIP_DEFLATED)
        archive.close()
        handle.flush()
        os.fsync(handle.fileno())
    return Saved(
        len(manifest["files"]) + len(manifest["links"]) - 1,
        sum(one["bytes"] for one in manifest["files"].values()),
        manifest["left_out"],
        hashlib.sha256(content).hexdigest(),
    )


def _add_all(
    archive: zipfile.ZipFile,
    home: Path,
    found: list[Path],
    manifest: Manifest,
    progress: Progress,
) -> None:
    """Add files of a home in turn, each content once."""
    first: dict[tuple[int, int], str] = {}
    for number, path in enumerate(found):
        name = path.relative_to(home).as_posix()
        try:
            facts = path.lstat()
            known = first.get((facts.st_dev, facts.st_ino)) if facts.st_nlink > 1 else None
            if path.is_symlink() or not path.is_file() or not _is_text(name):
                manifest["left_out"].append(name.encode(errors="replace").decode())
            elif known:
                manifest["links"][name] = known
            else:
                manifest["files"][name] = _add(archive, path, name)
                first[facts.st_dev, facts.st_ino] = name
        except FileNotFoundError:  # deleted just now
            manifest["left_out"].append(name)
        progress.batch(number + 1, len(found))


def _away(home: Path) -> list[str]:
    """Folders whose large files have made room, and lie in the store of artifacts alone."""
    notes = Notes(home)
    read = ((folder, notes.read(folder)) for folder in notes.folders())
    return [f"{one} (large files)" for one, note in read if note is not None and not note.whole]


def _files(home: Path) -> Iterator[Path]:
    """All that lies below the folders that are kept; links are not followed, but for the folders
    themselves, which may lie on another disk.
    """
    for name in KEPT:
        for folder, folders, files in os.walk(home / name):
            folders.sort()
            links = [one for one in folders if (Path(folder) / one).is_symlink()]
            for file in sorted([*files, *links]):
                yield Path(folder) / file


def _size(found: list[Path]) -> int:
    """Bytes that the files take, those that share their content once."""
    sizes = {}
    for path in found:
        with suppress(FileNotFoundError):
            facts = path.lstat()
            sizes[facts.st_dev, facts.st_ino] = facts.st_size
    return sum(sizes.values())


def _is_text(name: str) -> bool:
    """Whether a name can be written down; those from other systems may have been bytes."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _add(archive: zipfile.ZipFile, path: Path, name: str) -> FileFacts:
    """Copy a file into the archive as far as it goes now: a run may still be writing to it."""
    entry = zipfile.ZipInfo(name, time.localtime()[:6])
    entry.compress_type = zipfile.ZIP_DEFLATED if path.suffix in _PACKED else zipfile.ZIP_STORED
    entry.external_attr = 0o600 << 16
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as source, archive.open(entry, "w", force_zip64=True) as copy:
        while block := source.read(BLOCK):
            digest.update(block)
            size += len(block)
            copy.write(block)
    return {"bytes": size, "sha256": digest.hexdigest()}
