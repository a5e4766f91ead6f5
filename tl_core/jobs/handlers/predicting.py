"""Predictions for a whole file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tl_core.config import RunConfig
from tl_core.data.store import DatasetVersion
from tl_core.jobs.events import EventLog
from tl_core.jobs.handlers.inputs import run_folder
from tl_core.registry.database import open_database
from tl_core.registry.datasets import DatasetStore
from tl_core.settings import Settings


def predict(
    config: RunConfig, folder: Path, settings: Settings, events: EventLog
) -> tuple[str, dict[str, Any]]:
    """Answer every item of a file, or of a dataset's unlabelled ones."""
    from tl_core.predict import carried
    from tl_core.predict.batch import predict_source

    asked = config.options
    model = run_folder(config, settings) / "model"
    source, own = Path(asked.get("source", "")), bool(asked.get("prepared"))
    kept = carried.preparation_of(model)
    if kept is None or own:
        store = DatasetStore(open_database(settings), config.owner, settings.home_path)
        version = DatasetVersion(store.get(config.dataset).folder)
        kept = kept or carried.of_version(version.info)
        source, kept = carried.unlabelled(version, kept) if own else (source, kept)
    out = folder / f"predictions.{asked.get('format', 'csv')}"
    counts = predict_source(
        model,
        source,
        out,
        settings,
        progress=events,
        spreadsheet=bool(asked.get("spreadsheet")),
        text_column=str(asked.get("text_column", "")),
        title_column=str(asked.get("title_column", "")),
        preparation=kept,
        prepared=own,
    )
    events.log(f"Computed in {counts['precision']}.")
    return f"{counts['rows']:,} predicted, {counts['errors']:,} could not be read", {
        **counts,
        "file": out.name,
    }
