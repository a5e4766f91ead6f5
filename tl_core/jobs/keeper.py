"""Stores what is complete on this machine, keeps the rest of its home within bounds, and collects
once a day: a thread beside the dispatcher's turns, which wait for no network.

What the store refused is tried again; `state.json` in the home's folder `store` tells the System
page how it stands.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from sqlalchemy import Engine, select

from tl_core.artifacts.bucket import StoreError
from tl_core.artifacts.folder_store import FolderStore
from tl_core.artifacts.room import kept_bytes, make_room
from tl_core.config import RunConfig
from tl_core.database.away import NO_ANSWER
from tl_core.database.tables import runs
from tl_core.errors import NotFoundError, UserError
from tl_core.json_files import find_object, write_json
from tl_core.places import inside
from tl_core.registry.run import ACTIVE
from tl_core.registry.stored.collection import collect, last_collection
from tl_core.registry.stored.opened import open_store
from tl_core.registry.stored.run_inputs import folders_of
from tl_core.registry.stored.store_rows import living, ready_here
from tl_core.settings import Settings

_TURN_SECONDS = 2.0
_WHOLE_SECONDS = 600.0  # between two looks at everything; in between only at what is new
_COLLECT_SECONDS = 86_400.0
_MARGIN = 60.0  # seconds by which clocks of machines may differ
_AFTER_TROUBLE = 30.0
log = logging.getLogger(__name__)


class Keeper:
    """The thread; `turn` is one round of it.

    Args:
        opened: gives the store of this home.
        engine: of the registry.
        settings: of this process.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        opened: Callable[[], FolderStore],
        engine: Engine,
        settings: Settings,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._opened, self._engine, self._settings = opened, engine, settings
        self._clock = clock
        self._looked = self._whole = 0.0
        self._troubles: dict[str, str] = {}  # by folder; "" for the store itself
        self._again = 0.0
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name="keeper", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """End after the folder that is being stored."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join(timeout=60)

    def _go_on(self) -> None:
        while not self._ending.wait(_AFTER_TROUBLE if "" in self._troubles else _TURN_SECONDS):
            try:
                self.turn()
            except (UserError, *NO_ANSWER, OSError) as error:
                log.warning("the store could not be kept up: %s", error)
                self._troubles[""] = str(error)
                write_state(self._settings.home_path, list(self._troubles.values()))

    def turn(self) -> None:
        """Store what is new, and now and then everything that has changed; make room; collect.

        Raises:
            UserError: when the store does not answer or is not this registry's.
        """
        store, now = self._opened(), self._clock()
        everything = now - self._whole > _WHOLE_SECONDS
        since = 0.0 if everything else self._looked - _MARGIN
        for folder in self._due(ready_here(self._engine, self._settings.home_path, since), now):
            if self._ending.is_set():
                return
            self._push(store, folder)
        self._looked = now
        if everything:
            self._whole = now
            self._let_go(store)
            self._bound(store)
            self._collect(store, now)
        told = bool(self._troubles.pop("", "")) or everything or bool(self._troubles)
        if told:
            write_state(self._settings.home_path, list(self._troubles.values()), store)

    def _due(self, found: list[str], now: float) -> list[str]:
        """What is to be stored now; what made trouble waits for a while."""
        if now < self._again:
            return [folder for folder in found if folder not in self._troubles]
        self._again = now + _AFTER_TROUBLE
        return list(dict.fromkeys([*found, *(one for one in self._troubles if one)]))

    def _push(self, store: FolderStore, folder: str) -> None:
        """Store a folder; what concerns it alone does not keep others waiting."""
        try:
            store.push(folder)
            self._troubles.pop(folder, None)
        except NotFoundError:  # deleted just now
            self._troubles.pop(folder, None)
        except StoreError as error:
            log.warning("%s could not be stored: %s", folder, error)
            self._troubles[folder] = str(error)

    def _let_go(self, store: FolderStore) -> None:
        """Forget folders whose rows have gone, on whichever machine they were removed."""
        noted = set(store.notes.folders())
        rows = living(self._engine)  # after the look: a row is there before its folder is noted
        for folder in noted - rows:
            if not folder.startswith("features/") or not (store.home / folder).exists():
                store.forget(folder)

    def _bound(self, store: FolderStore) -> None:
        most = self._settings.limit("store_cache_mb")
        if most is not None:
            make_room(store, most << 20, _in_use(self._engine, self._settings.home_path))

    def _collect(self, store: FolderStore, now: float) -> None:
        last = last_collection(store.bucket)
        if last is None or now - last.at > _COLLECT_SECONDS:
            collect(store.bucket, self._engine, self._settings, clock=self._clock)


def start_keeper(engine: Engine, settings: Settings) -> Keeper:
    """A keeper of the store that TL_STORE names, at work unless there is none."""

    def opened() -> FolderStore:
        store = open_store(settings, engine)
        if store is None:
            raise StoreError("There is no store.")
        return store

    keeper = Keeper(opened, engine, settings)
    if settings.store:
        keeper.start()
    return keeper


def write_state(home: Path, troubles: list[str], store: FolderStore | None = None) -> None:
    """Write how the store stands, for whoever shows it; without `store` it does not answer, and
    what was known of it before stays.
    """
    path = home / "store" / "state.json"
    path.parent.mkdir(exist_ok=True)
    state = find_object(path)
    if store is not None:
        last = last_collection(store.bucket)
        state |= {
            "kept_bytes": kept_bytes(store),
            "folders": sum(1 for _ in store.notes.folders()),
            "collection": asdict(last) if last else None,
        }
    write_json(path, {**state, "at": time.time(), "troubles": troubles})


def _in_use(engine: Engine, home: Path) -> set[str]:
    """The folders of runs that wait or run, and what they read."""
    with engine.connect() as connection:
        query = select(runs.c.folder).where(runs.c.status.in_(ACTIVE))
        folders = [home / str(folder) for folder in connection.execute(query).scalars()]
    used = {inside(folder, home) for folder in folders}
    for folder in folders:
        if (folder / "config.json").is_file():
            used.update(folders_of(RunConfig.read(folder), engine, home))
    return used
