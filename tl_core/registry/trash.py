"""What has been kept for long enough goes for good, rows and folders."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Engine, select
from sqlalchemy import delete as sql_delete

from tl_core.database.tables import answers, claims, datasets, label_queues, runs
from tl_core.registry.run import ENDED
from tl_core.settings import Settings
from tl_core.storage import remove_tree


def expired(engine: Engine, home: Path, before: float) -> list[Path]:
    """Remove the rows of what was deleted before a time (seconds since 1970), runs before the
    datasets that they read, and give their folders.
    """
    folders = []
    with engine.begin() as connection:
        versions = select(datasets.c.id).where(datasets.c.deleted < before)
        for table in (answers, claims, label_queues):  # what people said of their rows
            connection.execute(sql_delete(table).where(table.c.dataset.in_(versions)))
        for table in (runs, datasets):
            old = [table.c.deleted < before]
            if table is runs:
                old.append(runs.c.status.in_(ENDED))
            gone = connection.execute(sql_delete(table).where(*old).returning(table.c.folder))
            folders += [home / str(folder) for folder in gone.scalars()]
    return folders


def old_checkpoints(engine: Engine, home: Path, before: float) -> Iterator[Path]:
    """Folders of checkpoints of runs that ended before a time (seconds since 1970), each looked at
    when it is asked for, so that none is of a run that has been resumed meanwhile.
    """
    ended = (runs.c.status.in_(ENDED), runs.c.finished < before)
    with engine.connect() as connection:
        rows = connection.execute(select(runs.c.id, runs.c.folder).where(*ended)).all()
    for row in rows:
        for folder in list((home / str(row.folder)).rglob("checkpoints")):
            with engine.connect() as connection:
                query = select(runs.c.id).where(runs.c.id == row.id, *ended)
                still = connection.execute(query).first() is not None
            if still and folder.is_dir():  # whoever takes it holds no connection of ours
                yield folder


def empty_trash(engine: Engine, settings: Settings) -> int:
    """Remove for good what has lain in the trash for `TL_TRASH_DAYS` days; gives how much."""
    limit = time.time() - settings.number("trash_days") * 86_400
    return sum(remove_tree(folder) for folder in expired(engine, settings.home_path, limit))


def remove_checkpoints(engine: Engine, settings: Settings) -> int:
    """Remove the checkpoints of runs that ended `TL_CHECKPOINT_DAYS` days ago; gives of how many
    trainings.
    """
    limit = time.time() - settings.number("checkpoint_days") * 86_400
    return sum(remove_tree(folder) for folder in old_checkpoints(engine, settings.home_path, limit))
