"""Datasets in, changed, and out as files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tl_core.config import RunConfig
from tl_core.data.store import DatasetVersion
from tl_core.jobs.events import EventLog
from tl_core.registry.database import open_database
from tl_core.registry.datasets import DatasetStore
from tl_core.settings import Settings
from tl_core.storage import remove_tree


def add(
    config: RunConfig, folder: Path, settings: Settings, events: EventLog
) -> tuple[str, dict[str, Any]]:
    """Make a dataset, or its next version, of a source."""
    from tl_core.data.schema import ImportOptions
    from tl_core.intake import add_dataset

    del folder
    asked = config.options
    store = DatasetStore(open_database(settings), config.owner, settings.home_path)
    record, info, is_new = add_dataset(
        store,
        settings,
        asked["source"],
        asked["name"],
        ImportOptions.from_dict(asked.get("options", {})),
        asked.get("test", ""),
        events,
        append=bool(asked.get("append")),
        shown=str(asked.get("shown", "")),
    )
    if asked.get("upload"):
        remove_tree(Path(asked["upload"]))
    return (
        f"{info.rows:,} items in {len(info.classes)} classes",
        {"dataset": record.reference, "new": is_new},
    )


def change(
    config: RunConfig, folder: Path, settings: Settings, events: EventLog
) -> tuple[str, dict[str, Any]]:
    """Make a version of another: a finding mended, labels decided on, an old state restored."""
    from tl_core.intake import fix_dataset, relabel_dataset, restore_dataset

    del folder
    asked = config.options
    store = DatasetStore(open_database(settings), config.owner, settings.home_path)
    events.stage("Making the new version", 0)
    record, info, is_new = (
        restore_dataset(store, config.dataset)
        if asked.get("restore")
        else (
            relabel_dataset(store, config.dataset)
            if asked.get("decisions")
            else fix_dataset(store, config.dataset, asked["finding"], asked["action"])
        )
    )
    return info.change, {"dataset": record.reference, "new": is_new}


def take_out(
    config: RunConfig, folder: Path, settings: Settings, events: EventLog
) -> tuple[str, dict[str, Any]]:
    """Write a version as files."""
    from tl_core.data.takeout import FORMATS, take_out

    record = DatasetStore(open_database(settings), config.owner, settings.home_path).get(
        config.dataset
    )
    kind = str(config.options["format"])
    events.stage("Writing the files", 0)
    out = folder / f"{record.name}-{record.version}{FORMATS[kind]}"
    count = take_out(DatasetVersion(record.folder), out, kind, events.batch)
    return f"{count:,} items written", {"file": out.name, "rows": count}
