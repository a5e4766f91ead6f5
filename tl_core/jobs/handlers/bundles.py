"""Bundles: made, and put on the Hub."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tl_core.config import RunConfig
from tl_core.data.store import DatasetVersion, write_json
from tl_core.jobs.events import EventLog
from tl_core.jobs.handlers.inputs import run_folder
from tl_core.settings import Settings
from tl_core.storage import remove_tree


def export(
    config: RunConfig, folder: Path, settings: Settings, events: EventLog
) -> tuple[str, dict[str, Any]]:
    """Make a bundle, prove it, pack it."""
    from tl_core.export.bundle import export
    from tl_core.export.wishes import Wishes
    from tl_core.storage import zip_folder

    asked = config.options
    target = folder / str(asked["name"])
    remove_tree(target)  # of a try before
    found = export(
        run_folder(config, settings),
        target,
        Wishes(**asked["wishes"]),
        DatasetVersion(Path(config.dataset_dir)),
        events,
    )
    events.stage("Packing", 0)
    archive = zip_folder(target)
    write_json(folder / "export.json", found)
    return (
        f"A bundle of {found['bytes'] / 1e6:,.1f} MB, verified",
        {"run": asked["run"], "folder": target.name, "file": archive.name, "bytes": found["bytes"]},
    )


def push(
    config: RunConfig, _folder: Path, settings: Settings, events: EventLog
) -> tuple[str, dict[str, Any]]:
    """Put a bundle on the Hub."""
    from tl_core.export.push import push, token_of

    asked = config.options
    bundle = run_folder(config, settings) / Path(str(asked["folder"])).name
    done = push(
        bundle,
        str(asked["repository"]),
        token_of(settings),
        events,
        public=bool(asked.get("public")),
    )
    return f"{done['repository']} is on the Hub", done
