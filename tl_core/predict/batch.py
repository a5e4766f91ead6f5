"""Predicting whole files: streamed in bounded memory, gone on with after a kill, errors kept in their place."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from tl_core.errors import DataError
from tl_core.models.references import weights_hash
from tl_core.predict.answers import SUFFIXES, Answers
from tl_core.predict.inputs import Inputs, Item, fingerprint, open_inputs
from tl_core.predict.predictor import Predictor
from tl_core.progress import Progress
from tl_core.settings import Settings
from tl_core.storage import staging_folder


def predict_source(model: Path, source: Path, out: Path, settings: Settings, *, progress: Progress | None = None,
                   spreadsheet: bool = False, text_column: str = "", precision: str = "auto") -> dict[str, Any]:
    """Predict everything in `source` with the model folder `model` and write a CSV or Parquet file to `out`.

    Columns: `row` or `file`, `label`, `confidence`, `abstain` (less sure than the model's kept threshold),
    `p:<class>` for each class, `error`, then the input's own columns. One bad row never stops the rest. After a kill
    the same call goes on where it was: finished windows lie in `<out>.parts` until the file is whole.

    Args:
        model: a trained Hugging Face folder or bundle.
        source: table, image, folder or zip.
        out: the file; its suffix chooses the format; renamed into its place at the end.
        settings: bounds for unpacking.
        progress: told after each window.
        spreadsheet: put an apostrophe before input cells that a spreadsheet would run as a formula.
        text_column: the column to read; guessed when empty or absent.
        precision: see `Predictor`.

    Returns:
        Counts `rows` and `errors`, and `precision`, the number format with its reason.

    Raises:
        DataError: when the source holds nothing that this model reads, or `out` is neither CSV nor Parquet.
    """
    progress = progress or Progress()
    if out.suffix.lower() not in SUFFIXES:
        raise DataError(f"{out.name!r} is neither a CSV nor a Parquet file.", "", "Call it answers.csv, for example.")
    if not source.exists():
        raise DataError(f"There is no file or folder {source.name!r}.", "It may have been removed.",
                        "Check the spelling, or bring it again.")
    progress.stage("Opening the model", share=0.05)
    with Predictor(model, precision) as predictor, staging_folder(settings) as staging:
        progress.stage("Reading the file", share=0.05)
        inputs = open_inputs(source, predictor.modality, staging, settings, text_column)
        identity = {"source": fingerprint(source), "weights": weights_hash(model), "column": text_column,
                    "labels": predictor.labels, "threshold": predictor.least, "precision": precision}
        out.parent.mkdir(parents=True, exist_ok=True)
        answers = Answers(out, identity, inputs.key, predictor.labels, predictor.least)
        progress.stage("Predicting", inputs.total, share=0.85)
        _fill(answers, inputs, predictor, progress)
        progress.stage("Writing the file", share=0.05)
        return {**answers.write(spreadsheet=spreadsheet), "precision": predictor.reason or "float32"}


def _fill(answers: Answers, inputs: Inputs, predictor: Predictor, progress: Progress) -> None:
    """Compute the windows that are missing."""
    done = end = 0
    if "chosen" in answers.noted:
        predictor.choose(**answers.noted["chosen"])

    def tick(more: int) -> None:
        nonlocal done
        done += more
        progress.batch(done, inputs.total)

    for number, items in enumerate(_ahead(inputs.windows())):
        end += len(items)
        if not answers.has(number):
            errors = [item.error for item in items]
            places = [place for place, error in enumerate(errors) if not error]
            values = [items[place].value for place in places]
            if values and not predictor.reason:
                predictor.settle(values, inputs.total, inputs.read)
                answers.note(chosen=predictor.chosen)
            found = np.zeros((len(items), len(predictor.labels)))
            found[places], wrong = predictor.probabilities(values, inputs.read, tick)
            for place, reason in zip(places, wrong, strict=True):
                errors[place] = reason
            answers.keep(number, items, found, errors)
        done = end
        progress.batch(done, inputs.total)


def _ahead(windows: Iterator[list[Item]]) -> Iterator[list[Item]]:
    """The same windows, the next of them read while this one is computed."""
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(next, windows, None)
        while (window := coming.result()) is not None:
            coming = reader.submit(next, windows, None)
            yield window
