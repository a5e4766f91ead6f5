"""Predictions for a whole file."""

from __future__ import annotations

from pathlib import Path

from tl_core.config.specs import PredictSpec
from tl_core.data.versions.store import DatasetVersion
from tl_core.jobs.context import Outcome, RunContext


def predict(run: RunContext) -> Outcome:
    """Answer every item of a file, or of a dataset's unlabelled ones."""
    from tl_core.predict import carried
    from tl_core.predict.batch import predict_source

    spec = PredictSpec.from_dict(run.config.options)
    model, source = run.folder_of(spec.run) / "model", Path(spec.source)
    preparation = carried.preparation_of(model)
    if preparation is None or spec.prepared:
        version = DatasetVersion(run.datasets.get(run.config.dataset).folder)
        preparation = preparation or carried.of_version(version.info)
        if spec.prepared:
            source, preparation = carried.unlabelled(version, preparation)
    out = run.folder / f"predictions.{spec.format}"
    counts = predict_source(
        model,
        source,
        out,
        run.settings,
        progress=run.events,
        spreadsheet=spec.spreadsheet,
        text_column=spec.text_column,
        title_column=spec.title_column,
        preparation=preparation,
        prepared=spec.prepared,
        processes=spec.processes,
        most=run.quotas.limit(run.config.owner, "prediction_rows"),
    )
    run.events.log(f"Computed in {counts['precision']}.")
    return Outcome(
        f"{counts['rows'] - counts['errors']:,} predicted, {counts['errors']:,} could not be read",
        {**counts, "file": out.name},
    )
