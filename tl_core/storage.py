"""Folders that come and go: staging, removal, and the ageing of caches."""

from __future__ import annotations

import logging
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tl_core.settings import Settings

_DAY = 86_400
log = logging.getLogger(__name__)


@contextmanager
def staging_folder(settings: Settings) -> Iterator[Path]:
    """A folder for files on their way in, removed afterwards whatever happens."""
    folder = settings.home_path / "staging" / secrets.token_hex(6)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        remove_tree(folder)


def new_upload_folder(settings: Settings) -> Path:
    """A folder for one upload; it is removed when the import ends, or after `TL_KEEP_DAYS`."""
    folder = settings.home_path / "uploads" / secrets.token_hex(6)
    folder.mkdir(parents=True)
    return folder


def remove_tree(folder: Path) -> bool:
    """Remove a folder, and say whether it has gone; what stays is logged, and left for the next
    cleaning.
    """
    shutil.rmtree(folder, ignore_errors=True)
    stays = folder.exists()
    if stays:
        log.warning("%s could not be removed: files in it are in use or not ours", folder)
    return not stays


def is_left(folder: Path, days: int = 1) -> bool:
    """Whether nobody has touched it for some days, so that it belongs to no work that is just
    beginning; no import takes a day.
    """
    try:
        return folder.stat().st_mtime < time.time() - days * _DAY
    except FileNotFoundError:  # somebody else is cleaning as well
        return False


def remove_expired(settings: Settings) -> int:
    """Remove feature caches and uploads that nobody used for `TL_KEEP_DAYS` days, and what killed
    imports left behind `TL_STAGING_DAYS` days ago; gives how many.
    """
    limit = time.time() - settings.number("keep_days") * _DAY
    days, removed = settings.number("staging_days"), 0
    for name, whole in (("datasets", "version.json"), ("staging", "-")):
        for folder in (settings.home_path / name).glob("*"):
            if not (folder / whole).exists() and is_left(folder, days):
                remove_tree(folder)
                removed += 1
    for name in ("features", "uploads"):
        for folder in (settings.home_path / name).glob("*"):
            if folder.is_dir():
                newest = max(
                    (path.stat().st_mtime for path in folder.glob("*")),
                    default=folder.stat().st_mtime,
                )
                if newest < limit:
                    remove_tree(folder)
                    removed += 1
    return removed


def zip_folder(folder: Path) -> Path:
    """`folder` as a zip beside it, which holds the folder itself; written aside and renamed."""
    half = Path(
        shutil.make_archive(
            str(folder.with_name(f"{folder.name}.part")), "zip", folder.parent, folder.name
        )
    )
    return half.rename(folder.with_name(f"{folder.name}.zip"))


def folder_size(folder: Path) -> int:
    """Bytes below a folder; files that vanish meanwhile do not count."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            continue
    return total
