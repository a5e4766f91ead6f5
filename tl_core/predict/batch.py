"""Predicting whole files: streamed in bounded memory, gone on with after a kill, errors kept in
their place.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypedDict

import numpy as np

from tl_core.backbones.sources.model_folder import weights_hash
from tl_core.data.preparation import Preparation
from tl_core.data.sources.plan import Plan, PlanFacts
from tl_core.errors import DataError, QuotaError
from tl_core.predict.answers import SUFFIXES, Answers
from tl_core.predict.carried import preparation_of
from tl_core.predict.one_item import Inputs, Item
from tl_core.predict.predicted_items import predicted_items_of
from tl_core.predict.predictor import Predictor
from tl_core.predict.sources import fingerprint, open_source
from tl_core.predict.spread_out import fill_elsewhere, holds_texts
from tl_core.predict.table_rows import ColumnChoice
from tl_core.progress import Progress
from tl_core.settings import Settings, spread_by
from tl_core.storage import staging_folder
from tl_core.tasks.kept_thresholds import thresholds_of


class Predicted(TypedDict):
    """How many rows there were and how many of them have no answer, in which number format they
    were computed and why, and what was read as what.
    """

    rows: int
    errors: int
    precision: str
    plan: PlanFacts


def predict_source(
    model: Path,
    source: Path,
    out: Path,
    settings: Settings,
    *,
    progress: Progress | None = None,
    spreadsheet: bool = False,
    text_column: str = "",
    title_column: str = "",
    precision: str = "auto",
    preparation: Preparation | None = None,
    prepared: bool = False,
    strict: bool = False,
    most: int | None = None,
    processes: int = 1,
) -> Predicted:
    """Predict everything in `source` and write the answers to `out`, a CSV or Parquet file.

    Each row is prepared as training prepared its rows. Columns: `row` or `file`, `label`,
    `confidence`, `abstain` (less sure than the model's kept threshold), `p:<class>` for each class,
    `error`, then the input's own columns but pixels. One bad row never stops the rest, and after a
    kill the same call goes on after the windows in `<out>.parts`.

    Args:
        model: a trained Hugging Face folder or bundle.
        source: table, image, folder or zip; with `prepared` also the folder of a dataset version.
        out: the file; its suffix chooses the format; renamed into its place at the end.
        settings, progress: bounds for unpacking; told after each window.
        spreadsheet: put an apostrophe before cells that a spreadsheet would run as a formula.
        text_column, title_column: the column to read, the one before it; empty: as in training.
        precision: see `Predictor`.
        preparation: what training did to a row; None: what the model carries.
        prepared: the rows are a dataset's own, which has joined and repaired them already.
        strict: refuse where a column had to be guessed.
        most: refuse more rows than that; None for no limit.
        processes: how many answer texts at the same time where a cluster does the work.

    Raises:
        DataError: when it cannot be read, or written, as asked; QuotaError: above `most` rows.
    """
    _check_paths(source, out)
    progress, plan = progress or Progress(), Plan()
    columns = ColumnChoice(text_column, title_column, prepared)
    kept = preparation or preparation_of(model)
    progress.stage("Opening the model", share=0.05)
    with Predictor(model, precision) as predictor, staging_folder(settings) as staging:
        progress.stage("Reading the file", share=0.05)
        opened = open_source(source, staging, settings, columns, plan)
        inputs = predicted_items_of(predictor.modality).inputs(opened, kept)
        _check_inputs(inputs, plan, progress, strict=strict, most=most)
        files = {"source": fingerprint(source), "weights": weights_hash(model)}
        identity = files | _conditions(inputs, predictor, text_column, precision)
        notes = plan.as_dict(inputs.skipped, sample=inputs.sample())
        answers = Answers(out, identity, inputs.key, predictor)
        _fill(answers, inputs, predictor, (model, out), processes, progress)
        progress.stage("Writing the file", share=0.05)
        counts = answers.write(spreadsheet=spreadsheet)
    precision = predictor.reason or "float32"
    return {"rows": counts.rows, "errors": counts.errors, "precision": precision, "plan": notes}


def _check_paths(source: Path, out: Path) -> None:
    if out.suffix.lower() not in SUFFIXES:
        raise DataError(
            f"{out.name!r} is neither a CSV nor a Parquet file.",
            "",
            "Call it answers.csv, for example.",
        )
    if not source.exists():
        raise DataError(
            f"There is no file or folder {source.name!r}.",
            "It may have been removed.",
            "Check the spelling, or bring it again.",
        )


def _conditions(
    inputs: Inputs, predictor: Predictor, text_column: str, precision: str
) -> dict[str, object]:
    """What else decides an answer: windows of other conditions are not gone on with."""
    return {
        "column": text_column,
        "precision": precision,
        "preparation": inputs.preparation.as_dict(),
        "labels": predictor.labels,
        "threshold": predictor.least,
        "thresholds": thresholds_of(predictor.decision),
    }


def _check_inputs(
    inputs: Inputs, plan: Plan, progress: Progress, *, strict: bool, most: int | None
) -> None:
    """Refuse more rows than are allowed, and guesses where none are wanted; tell the others."""
    if most is not None and inputs.total > most:
        raise QuotaError(
            f"There are {inputs.total:,} rows to predict.",
            f"The limit is {most:,} rows at once.",
            "Split the file, or ask an administrator for more.",
        )
    doubts = plan.uncertain()
    if doubts and strict:
        raise DataError(
            "It is not sure what is to be read.",
            " ".join(doubts),
            "Name the column with --text-column, or leave --strict out.",
        )
    for doubt in doubts:
        progress.log(doubt)


def _fill(
    answers: Answers,
    inputs: Inputs,
    predictor: Predictor,
    files: tuple[Path, Path],
    processes: int,
    progress: Progress,
) -> None:
    """Compute the windows that are missing, here or on a cluster."""
    progress.stage("Predicting", inputs.total, share=0.85)
    if processes > 1 and spread_by() and holds_texts(inputs):
        fill_elsewhere(answers, inputs, predictor, files, processes, progress)
    else:
        _fill_here(answers, inputs, predictor, progress)


def _fill_here(answers: Answers, inputs: Inputs, predictor: Predictor, progress: Progress) -> None:
    """The same by this process."""
    done = end = 0
    if chosen := answers.number_format:
        predictor.choose(**chosen)

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
                predictor.settle(values, inputs.total)
                answers.keep_format(predictor.chosen)
            scores = np.zeros((len(items), len(predictor.labels)))
            scores[places], wrong = predictor.probabilities(values, tick)
            for place, reason in zip(places, wrong, strict=True):
                errors[place] = reason
            answers.keep(number, items, scores, errors)
        done = end
        progress.batch(done, inputs.total)


def _ahead(windows: Iterator[list[Item]]) -> Iterator[list[Item]]:
    """The same windows, the next of them read while this one is computed."""
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(next, windows, None)
        while (window := coming.result()) is not None:
            coming = reader.submit(next, windows, None)
            yield window
