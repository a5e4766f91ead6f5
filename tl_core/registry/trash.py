"""What has lain in the trash for long enough goes for good: rows here, folders by the caller."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine, select
from sqlalchemy import delete as sql_delete

from tl_core.database.tables import datasets, runs
from tl_core.registry.run import ENDED


def expired(engine: Engine, home: Path, before: float) -> list[Path]:
    """Remove the rows of what was deleted before a time (seconds since 1970), runs before the
    datasets that they read, and give their folders.
    """
    folders = []
    with engine.begin() as connection:
        for table in (runs, datasets):
            old = [table.c.deleted < before]
            if table is runs:
                old.append(runs.c.status.in_(ENDED))
            rows = connection.execute(select(table.c.id, table.c.folder).where(*old)).all()
            connection.execute(sql_delete(table).where(table.c.id.in_([row.id for row in rows])))
            folders += [home / str(row.folder) for row in rows]
    return folders
