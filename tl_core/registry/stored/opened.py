"""The store of this home, opened once, and folders that a reader needs whole."""

from __future__ import annotations

import logging
import threading
from functools import lru_cache
from pathlib import Path

from sqlalchemy import Engine

from tl_core.artifacts.bucket import open_bucket
from tl_core.artifacts.folder_store import FolderStore
from tl_core.artifacts.notes import Notes
from tl_core.errors import NotFoundError, UserError
from tl_core.registry.run import ENDED, Run
from tl_core.registry.stored.store_rows import claim
from tl_core.registry.stored.turns_of_store import TurnsOfStore
from tl_core.settings import Settings

log = logging.getLogger(__name__)
_PATIENCE = 5.0  # seconds


def open_store(settings: Settings, engine: Engine) -> FolderStore | None:
    """The store that TL_STORE names; None where there is none.

    Raises:
        ConfigError: when TL_STORE cannot be one.
        StoreError: when it does not answer, or belongs to another installation.
    """
    return _opened(settings, engine) if settings.store else None


@lru_cache(maxsize=4)
def _opened(settings: Settings, engine: Engine) -> FolderStore:
    bucket = open_bucket(settings)
    claim(engine, bucket)
    return FolderStore(bucket, settings.home_path, TurnsOfStore(engine).uploading)


def store_new(settings: Settings, engine: Engine, place: Path) -> None:
    """Store a folder that another machine may need at once. Where that fails, or takes longer than
    somebody who queues a run should wait, it is done later, and nobody is stopped by it.
    """
    if not settings.store:
        return

    def push() -> None:
        try:
            _opened(settings, engine).push(place.relative_to(settings.home_path).as_posix())
        except UserError as error:
            log.warning("%s could not be stored yet: %s", place.name, error)

    thread = threading.Thread(target=push, name="store new", daemon=True)
    thread.start()
    thread.join(_PATIENCE)
    if thread.is_alive():
        log.warning("%s is not stored yet: the store takes its time", place.name)


def see_run(settings: Settings, engine: Engine, run: Run) -> None:
    """See that the folder of an ended run is here whole; nothing happens without a store.

    Raises:
        NotFoundError: when it was done elsewhere and is not in the store yet.
        StoreError: when the store does not answer, or holds it damaged.
    """
    if not settings.store or run.status not in ENDED:
        return
    made = run.status == "done"
    here = (run.folder / ("manifest.json" if made else "events.jsonl")).is_file()
    try:
        _see(settings, engine, run.folder, here=here)
    except NotFoundError:
        if made:
            raise


def see_dataset(settings: Settings, engine: Engine, folder: Path) -> None:
    """The same of a dataset version."""
    if settings.store:
        _see(settings, engine, folder, here=(folder / "version.json").is_file())


def _see(settings: Settings, engine: Engine, place: Path, *, here: bool) -> None:
    folder = place.relative_to(settings.home_path).as_posix()
    notes = Notes(settings.home_path)
    note = notes.read(folder)
    if here and (note is None or note.whole):
        if note is not None:
            notes.touch(folder)
        return
    store = _opened(settings, engine)
    store.pull(folder, fresh=not here)
