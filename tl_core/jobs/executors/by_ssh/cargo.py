"""What a run needs on another machine: folders, rows of the registry, variables."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, Table, select

from tl_core.config import RunConfig
from tl_core.database.tables import datasets, runs
from tl_core.jobs.executors.asked import needs_of
from tl_core.places import inside
from tl_core.registry.datasets import DatasetStore
from tl_core.registry.elsewhere.executor_names import JOB_VARIABLE
from tl_core.registry.runs import RunStore
from tl_core.registry.stored.run_inputs import sources_of
from tl_core.settings import Settings

# the home there is another one, with a database of its own; the way there is no business of it
_STAY = ("TL_HOME", "TL_DATABASE_URL", "TL_EXECUTOR", "TL_DISPATCHER", JOB_VARIABLE)
_STAY_ALL = ("TL_SSH_", "TL_SLURM_", "TL_RAY_", "TL_OIDC_")
TOLD = ("events.jsonl", "worker.log")  # files that grow, and are told line by line
Row = dict[str, Any]


@dataclass(frozen=True)
class Cargo:
    """Folders that must be there, and rows by table."""

    paths: list[Path]
    rows: dict[str, list[Row]]


def cargo_of(folder: Path, engine: Engine, settings: Settings) -> Cargo:
    """What the run in `folder` reads.

    Raises:
        NotFoundError: when something has been deleted meanwhile.
    """
    config, home = RunConfig.read(folder), settings.home_path
    earlier = [RunStore(engine, config.owner, home).get(run).folder for run in config.begins_with()]
    data = [Path(config.dataset_dir)] if config.dataset_dir else []
    store = DatasetStore(engine, config.owner, home)
    also = [*([config.target] if config.target else []), *sources_of(config, store)]
    data += [store.get(reference).folder for reference in also]
    named = [reference.removeprefix("static:") for reference in config.backbones()]
    backbones = [
        Path(one.removeprefix("local:")) for one in named if one.startswith(("local:", "/"))
    ]
    return Cargo(
        [*earlier, *data, *backbones],
        {
            "datasets": _rows(engine, datasets, [inside(one, home) for one in data]),
            "runs": _rows(engine, runs, [inside(one, home) for one in (folder, *earlier)]),
        },
    )


def _rows(engine: Engine, table: Table, folders: list[str]) -> list[Row]:
    with engine.connect() as connection:
        found = connection.execute(select(table).where(table.c.folder.in_(folders))).all()
    return [dict(row._mapping) for row in found]


def variables_of(folder: Path, settings: Settings) -> dict[str, str]:
    """What must be set for the run there; secrets that it needs among them."""
    wanted = needs_of(folder.name, RunConfig.read(folder), settings).environment
    return {
        name: value
        for name, value in wanted.items()
        if name not in _STAY and not name.startswith(_STAY_ALL) and name in {**os.environ, **wanted}
    }
