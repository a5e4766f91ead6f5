"""Brings what a run reads to this machine, then becomes its worker.

`python -m tl_core.jobs.courier RUN_FOLDER` is started in a worker's place where something may lie
in the store alone. It alone has the store's credentials: the worker that it turns into gets a new
environment without them, and no store.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Engine, select

from tl_core.artifacts.bucket import StoreError
from tl_core.artifacts.folder_store import FolderStore
from tl_core.artifacts.notes import Notes
from tl_core.config import CONFIG_FILE, RunConfig
from tl_core.data.versions.store import DatasetVersion
from tl_core.database.engine import open_database
from tl_core.database.tables import stints
from tl_core.errors import CANCELLED, Cancelled, NotFoundError, UserError
from tl_core.jobs import sandbox
from tl_core.log import about_process, quiet_libraries, setup_logging
from tl_core.places import inside
from tl_core.progress import Progress
from tl_core.registry.queue import RunWriter
from tl_core.registry.stored.opened import open_store
from tl_core.registry.stored.run_inputs import folders_of
from tl_core.settings import Settings, read_settings

_PATIENCE_SECONDS = 60.0  # for the folder of a run that was queued on another machine just now
_LOOK_SECONDS = 1.0
_BEAT_SECONDS = 2.0
log = logging.getLogger(__name__)


class _Fetching(Progress):
    """Shows a sign of life for a run that has not begun, and hears when it is cancelled."""

    def __init__(self, writer: RunWriter, run_id: str) -> None:
        self._writer, self._run, self._last = writer, run_id, 0.0

    def batch(self, done: int, total: int) -> None:
        del done, total
        if time.monotonic() - self._last > _BEAT_SECONDS:
            self._last = time.monotonic()
            if self._writer.beat(self._run, 0.0) == "cancel":
                raise Cancelled


def main(arguments: list[str]) -> int:
    """Entry point; see the module."""
    quiet_libraries()
    folder, settings = Path(arguments[0]), read_settings()
    setup_logging(as_json=settings.json_log)
    about_process(run=folder.name)
    engine = open_database(settings)
    writer = RunWriter(engine)
    if not writer.take_over(folder.name):
        log.warning("run %s is not this process's any more", folder.name)
        return 1
    try:
        bring(folder, settings, engine, _Fetching(writer, folder.name))
    except Cancelled:
        writer.finish(folder.name, "cancelled", reason=CANCELLED)
        return 1
    except UserError as error:
        writer.finish(folder.name, "failed", reason=error.as_dict())
        return 1
    _become_worker(folder, settings)
    return 0


def is_needed(folder: Path, settings: Settings) -> bool:
    """Whether the run in `folder` may have to be fetched, or something that it reads: it is not
    here, another machine has tried it before, or what it reads is not here whole.
    """
    if not settings.store:
        return False
    if not (folder / CONFIG_FILE).is_file():
        return True
    engine, home = open_database(settings), settings.home_path
    with engine.connect() as connection:
        about = (stints.c.run == folder.name, stints.c.ended.is_not(None))
        if connection.execute(select(stints.c.id).where(*about).limit(1)).first():
            return True
    notes = Notes(home)
    for one in folders_of(RunConfig.read(folder), engine, home):
        note = notes.read(one)
        if not is_here(home / one) or (note is not None and not note.whole):
            return True
    return False


def is_here(place: Path) -> bool:
    """Whether a folder of a run, a model or a dataset version is complete on this machine."""
    marks = ("manifest.json", "version.json") if place.parent.name != "models" else (CONFIG_FILE,)
    return any((place / mark).is_file() for mark in marks)


def bring(
    folder: Path,
    settings: Settings,
    engine: Engine,
    progress: Progress,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Bring the folder of a run and what it reads, as the store has it now.

    Raises:
        NotFoundError: when the store does not have it, nor this machine.
        StoreError: when it is damaged there, or the store does not answer.
    """
    store, home = open_store(settings, engine), settings.home_path
    if store is None:
        return
    _await(lambda: _see(store, inside(folder, home), progress), progress, pause)
    config = RunConfig.read(folder)
    for one in folders_of(config, engine, home):
        _see(store, one, progress)
    if config.dataset_dir:
        _bring_features(store, config, progress)


def _await(step: Callable[[], None], progress: Progress, pause: Callable[[float], None]) -> None:
    """Try until the folder is there; it was queued elsewhere just now."""
    end = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return step()
        except NotFoundError:
            if time.monotonic() > end:
                raise
        progress.batch(0, 0)
        pause(_LOOK_SECONDS)


def _see(store: FolderStore, folder: str, progress: Progress) -> None:
    """Bring a folder in its newest state; what only this machine has is as good."""
    try:
        store.pull(folder, progress, fresh=True)
    except NotFoundError:
        place = store.home / folder
        if not is_here(place) and not (place / CONFIG_FILE).is_file():
            raise


def _bring_features(store: FolderStore, config: RunConfig, progress: Progress) -> None:
    """Features that other machines have computed of these items by the run's backbones. They are
    computed here where that fails.
    """
    inputs = DatasetVersion(Path(config.dataset_dir)).info.inputs_fingerprint
    try:
        for name in store.bucket.find("folders/features/"):
            file = name.rpartition("/")[2]
            folder = f"features/{file.removesuffix('.json').rpartition('.')[2]}"
            if not file.startswith(f"{inputs[:16]}.") or (store.home / folder).exists():
                continue
            if store.manifest(folder, name).about.get("backbone") in config.backbones():
                store.pull(folder, progress, name=name)
    except (StoreError, NotFoundError) as error:
        log.warning("features are computed anew: %s", error)


def _become_worker(folder: Path, settings: Settings) -> None:
    """Go on as the run's worker, under the same process id, without the store's credentials."""
    config = RunConfig.read(folder)
    needs = sandbox.needs_of(config, settings)
    environment = sandbox.without_store(sandbox.scrubbed(os.environ, needs.secrets))
    if config.options.get("processes", 1) != 1:  # which have all GPUs
        environment.pop("CUDA_VISIBLE_DEVICES", None)
    target = os.open(folder / "worker.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream in (1, 2):  # the folder may be another one now
        os.dup2(target, stream)
    os.close(target)
    command = [sys.executable, "-m", "tl_core.jobs.worker", str(folder)]
    os.execve(sys.executable, command, environment)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
