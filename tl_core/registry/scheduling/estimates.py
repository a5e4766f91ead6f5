"""How long a run will probably take: as it says itself, as was measured for it, or as long as
others like it took.
"""

from __future__ import annotations

from pathlib import Path
from statistics import median

from sqlalchemy import Connection, select

from tl_core.config import RunConfig
from tl_core.database.tables import runs, stints
from tl_core.errors import UserError
from tl_core.registry.scheduling.ledger import Need

UNKNOWN_SECONDS = 1800.0  # held for a run whose duration neither experience nor a limit tells
_MEASURED, _ALIKE = 5, 20  # newest rows that are looked at


def need_of(
    connection: Connection, config: RunConfig, project: str, home: Path, longest: float | None
) -> Need:
    """What a run is expected to take.

    Args:
        connection: to the registry.
        config: of the run.
        project: that it is about.
        home: TL_HOME.
        longest: seconds after which a run is ended; None without a limit.
    """
    gpus = max(1, int(config.options.get("processes", 1)))
    seconds = _own_budget(config) or _measured(connection, config, project, home)
    seconds = seconds or _of_its_like(connection, config, project)
    if seconds is None:
        return Need(longest or UNKNOWN_SECONDS, False, gpus)
    return Need(seconds if longest is None else min(seconds, longest), True, gpus)


def _own_budget(config: RunConfig) -> float | None:
    """An automatic search takes what it is given."""
    if config.kind != "train" or config.recipe != "auto":
        return None
    return 60.0 * float(config.settings.budget_minutes)


def _measured(connection: Connection, config: RunConfig, project: str, home: Path) -> float | None:
    """What an estimate of the same settings on the same data has found."""
    if config.kind != "train":
        return None
    rows = connection.execute(
        select(runs.c.folder, runs.c.summary)
        .where(
            runs.c.kind == "preflight",
            runs.c.status == "done",
            runs.c.project == project,
            runs.c.dataset == config.dataset.rpartition("/")[2],
            runs.c.recipe == config.recipe,
            runs.c.backbone == config.backbone,
        )
        .order_by(runs.c.finished.desc())
        .limit(_MEASURED)
    ).all()
    for row in rows:
        minutes = (row.summary or {}).get("minutes")
        if isinstance(minutes, int | float) and _options(home / row.folder) == config.options:
            return 60.0 * minutes
    return None


def _options(folder: Path) -> dict[str, object] | None:
    try:
        return RunConfig.read(folder).options
    except (OSError, ValueError, UserError):
        return None


def _of_its_like(connection: Connection, config: RunConfig, project: str) -> float | None:
    """The median of the last finished ones: on the same data, else with the same backbone, else of
    that kind.
    """
    kind = (runs.c.kind == config.kind, stints.c.recipe == config.recipe)
    backbone = (*kind, runs.c.backbone == config.backbone)
    dataset = runs.c.dataset == config.dataset.rpartition("/")[2]
    for about in ((*backbone, runs.c.project == project, dataset), backbone, kind):
        rows = connection.execute(
            select(stints.c.started, stints.c.ended)
            .join(runs, runs.c.id == stints.c.run)
            .where(*about, runs.c.status == "done", stints.c.started.is_not(None))
            .order_by(stints.c.ended.desc())
            .limit(_ALIKE)
        ).all()
        if rows:
            return float(median(row.ended - row.started for row in rows))
    return None
