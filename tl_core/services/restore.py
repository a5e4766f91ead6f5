"""A home and its database from a backup, each file compared with the manifest before anything of it
counts.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
import zipfile
import zlib
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import cast

from sqlalchemy import Engine, literal, select, update
from sqlalchemy import delete as sql_delete

from tl_core.database.engine import HEAD, open_database
from tl_core.database.tables import datasets, locks, models, runs, sessions, uploads, users
from tl_core.errors import DataError, StateError
from tl_core.progress import Progress
from tl_core.registry.scheduling.ledger import settle
from tl_core.services.backup import BLOCK, DATABASE, FORMAT, KEPT, MANIFEST, Manifest
from tl_core.services.database_copy import bring_back, check_empty
from tl_core.settings import Settings

_LARGEST_MANIFEST = 1 << 30
_HALF = ".restoring"
# the last two: a name in it is both a file and a folder
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    FileExistsError,
    NotADirectoryError,
)
_THERE_ANYHOW = {"lost+found"}  # of a disk that is a home
_RESTORED = {
    "code": "interrupted",
    "what": "It was running when the backup was made.",
    "why": "Its process is not part of a backup.",
    "try_this": "Resume it; finished parts are kept.",
}


@dataclass(frozen=True)
class Restored:
    """What has been restored.

    Args:
        files: number of files.
        interrupted: runs that were running.
        missing: rows whose folder had been deleted while the backup was made, and are left out.
        created: when the backup was made, in seconds since 1970.
        fingerprint: that `back_up` told.
    """

    files: int
    interrupted: int
    missing: int
    created: float
    fingerprint: str


def restore(
    archive: Path, home: Path, settings: Settings, progress: Progress | None = None
) -> Restored:
    """Make a home from an archive, with all sessions ended; nobody stays signed in.

    Args:
        archive: file that `back_up` wrote.
        home: folder that is made; it may be there, but must be empty.
        settings: whose TL_DATABASE_URL names an empty database, for a backup of PostgreSQL.
        progress: told how far it is.

    Raises:
        StateError: when home or database are not empty, the disk has no room, or a newer version
            wrote the archive.
        DataError: when the archive is damaged or was tampered with; nothing is left of it then.
    """
    progress, home = progress or Progress(), home.absolute()
    there = {path.name for path in home.iterdir()} - _THERE_ANYHOW if home.is_dir() else set()
    if there or (home.exists() and not home.is_dir()):
        raise StateError(
            f"{home} is not empty.",
            f"It holds {min(there, default='no files, but is one')}.",
            "Name a folder that is empty, or none yet.",
        )
    half = home / _HALF
    settings = replace(settings, home=str(half))
    try:
        with zipfile.ZipFile(archive) as opened:
            manifest, fingerprint = _checked(opened)
            check_empty(settings, manifest["database"])
            _check_room(manifest, home)
            half.mkdir(parents=True)
            _unpack(opened, manifest, half, progress)
        progress.stage("Restoring the database")
        bring_back(settings, half / DATABASE, manifest["database"])
        (half / DATABASE).unlink(missing_ok=True)
        engine = open_database(settings)
        interrupted, missing = _settle(engine, half)
        engine.dispose()
        _move(half, home)
    except _DAMAGED as error:
        raise _damaged(f"{error}.") from error
    except OSError as error:
        raise StateError(
            "The home could not be written.", f"{error}.", "Free some room."
        ) from error
    finally:
        shutil.rmtree(half, ignore_errors=True)
    files = len(manifest["files"]) + len(manifest["links"]) - 1
    return Restored(files, interrupted, missing, manifest["created"], fingerprint)


def _damaged(why: str) -> DataError:
    return DataError(
        "The backup is damaged, or no backup.", why, "Take another one; nothing was changed."
    )


def _checked(opened: zipfile.ZipFile) -> tuple[Manifest, str]:
    """The manifest of an archive that holds what it says, and its fingerprint."""
    names = opened.namelist()
    if MANIFEST not in names or opened.getinfo(MANIFEST).file_size > _LARGEST_MANIFEST:
        raise _damaged("It has no manifest.")
    content = opened.read(MANIFEST)
    try:
        manifest = cast(Manifest, json.loads(content))
        if manifest["format"] > FORMAT or str(manifest["database"]["schema"]) > HEAD:
            raise StateError(
                f"A newer version ({manifest['program']}) wrote the backup.",
                "",
                "Update this program.",
            )
        stored = sorted([*manifest["files"], MANIFEST])
        for name in (*manifest["files"], *manifest["links"]):
            _check_name(name)
        whole = DATABASE in manifest["files"] and stored == sorted(names)
        linked = set(manifest["links"].values()) <= set(manifest["files"]) - {DATABASE}
        if not whole or not linked or set(manifest["links"]) & set(manifest["files"]):
            raise _damaged("Its files are not those of its manifest.")
        for name, facts in manifest["files"].items():
            if opened.getinfo(name).file_size != facts["bytes"]:
                raise _damaged(f"{name} is not as long as it was.")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged("Its manifest cannot be read.") from error
    return manifest, hashlib.sha256(content).hexdigest()


def _check_name(name: str) -> None:
    """Refuse what would lie anywhere else than below one of the folders of a home."""
    parts = PurePosixPath(name).parts
    inside = (
        len(parts) > 1
        and parts[0] in KEPT
        and not {"..", "."} & set(parts)
        and "/".join(parts) == name
        and not any(sign in name for sign in ("\\", "\0"))
    )
    if name != DATABASE and not inside:
        raise _damaged(f"A name in it leads elsewhere: {name[:100]!r}.")


def _check_room(manifest: Manifest, home: Path) -> None:
    existing = next(folder for folder in (home, *home.parents) if folder.is_dir())
    needed = sum(facts["bytes"] for facts in manifest["files"].values())
    free = shutil.disk_usage(existing).free
    if free < needed:
        raise StateError(
            f"The backup needs {needed / 1e9:,.1f} GB, and {free / 1e9:,.1f} GB are free.",
            "",
            "Name a folder on another disk.",
        )


def _unpack(opened: zipfile.ZipFile, manifest: Manifest, half: Path, progress: Progress) -> None:
    """Write every file and compare it."""
    progress.stage("Unpacking", len(manifest["files"]))
    for number, (name, facts) in enumerate(manifest["files"].items()):
        target = half / name
        target.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        with opened.open(name) as source, target.open("xb") as copy:
            while block := source.read(BLOCK):
                digest.update(block)
                copy.write(block)
        if digest.hexdigest() != facts["sha256"]:
            raise _damaged(f"{name} is not what it was.")
        progress.batch(number + 1, len(manifest["files"]))
    for name, known in manifest["links"].items():
        target = half / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(half / known, target)
        except OSError:  # a file system without links
            shutil.copyfile(half / known, target)


def _settle(engine: Engine, home: Path) -> tuple[int, int]:
    """Let the rows tell what is true of this home; gives how many runs were interrupted, and how
    many rows had no folder.
    """
    now, missing = time.time(), 0
    with engine.begin() as connection:
        running = connection.execute(
            select(runs.c.id, runs.c.heartbeat).where(runs.c.status == "running")
        ).all()
        connection.execute(
            update(runs)
            .where(runs.c.id.in_([run.id for run in running]))
            .values(status="interrupted", finished=now, reason=_RESTORED)
        )
        for run in running:  # nobody knows what it took after its last sign of life
            settle(connection, run.id, min(now, run.heartbeat or now))
        connection.execute(sql_delete(locks))
        # who was signed out or disabled after the backup shall not be signed in again by it
        connection.execute(sql_delete(sessions))
        connection.execute(update(users).values(sessions_valid_after=now))
        for table, place in (
            (runs, runs.c.folder),
            (datasets, datasets.c.folder),
            (models, models.c.folder),
            (uploads, literal("uploads/") + uploads.c.id),
        ):
            rows = connection.execute(select(table.c.id, place.label("place"))).all()
            gone = [row.id for row in rows if not (home / row.place).is_dir()]
            connection.execute(sql_delete(table).where(table.c.id.in_(gone)))
            missing += len(gone)
            for one in gone if table is runs else ():
                settle(connection, one, now)
    return len(running), missing


def _move(half: Path, home: Path) -> None:
    """Bring what is complete to its place, the database last."""
    for path in sorted(half.iterdir(), key=lambda path: path.name == "graft.db"):
        if path.name != "migrate.lock":
            path.replace(home / path.name)
