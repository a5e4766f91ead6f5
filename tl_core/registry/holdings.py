"""How much each person has, for administrators: counts and folders, never what is in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, select

from tl_core.access.policy import Policy
from tl_core.access.principal import Principal
from tl_core.database.tables import datasets, models, runs


@dataclass(frozen=True)
class Holding:
    """What somebody has: projects and runs outside the trash, and the folders of everything, the
    trash included, since that takes up space.
    """

    projects: int
    runs: int
    folders: Sequence[Path]


def holdings(engine: Engine, principal: Principal, home: Path) -> Mapping[str, Holding]:
    """What everybody has, by their id; who has nothing is not in it.

    Raises:
        AccessError: for everybody but administrators.
    """
    Policy(engine, principal).require_admin()
    projects: dict[str, set[str]] = {}
    counts: dict[str, int] = {}
    folders: dict[str, list[Path]] = {}
    with engine.connect() as connection:
        for table in (datasets, runs, models):
            columns = (table.c.owner, table.c.folder, table.c.deleted, table.c.project)
            for row in connection.execute(select(*columns)).all():
                folders.setdefault(row.owner, []).append(home / row.folder)
                if row.deleted is None and table is datasets:
                    projects.setdefault(row.owner, set()).add(row.project)
                if row.deleted is None and table is runs:
                    counts[row.owner] = counts.get(row.owner, 0) + 1
    return {
        owner: Holding(len(projects.get(owner, ())), counts.get(owner, 0), found)
        for owner, found in folders.items()
    }
