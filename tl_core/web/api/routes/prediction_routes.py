"""Answers of trained models about a few items, at once."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from tl_core.data.preparation import JOIN, Preparation
from tl_core.errors import DataError, StateError
from tl_core.evaluate.report import load_report
from tl_core.modalities import items_of
from tl_core.predict.carried import preparation_of
from tl_core.predict.serving.contract import CHARS, Answer, Answers, answers_from
from tl_core.predict.serving.contract import needs as words_for
from tl_core.predict.threshold import read_threshold
from tl_core.tasks.kept_thresholds import decision_of_model
from tl_core.web.api.acting import Acting, Who, needs
from tl_core.web.api.schemas import Questions, RunId
from tl_core.web.asking import Asking

router = APIRouter(tags=["predictions"])
_TEXT = "text"
_Table = tuple[list[str], list[list[float]]]  # classes, and their probabilities for some items


class _Model(NamedTuple):
    folder: Path
    modality: str
    kept: Preparation
    least: float


@router.post("/predict/{run_id}", **needs("predict"))
async def predict(run_id: RunId, body: Questions, request: Request, acting: Who) -> Answers:
    """Answer up to 256 texts or rows, or 32 pictures or recordings. Whole files:
    `/runs/{run_id}/predictions`.
    """
    asking: Asking = request.app.state.asking
    model = await run_in_threadpool(_model, acting, run_id)
    folder = str(model.folder)
    if body.images or body.sounds:
        files = await run_in_threadpool(_files, body, model)
        found: list[Any] = [
            await asking.answer("predict_one", folder=folder, value=file) for file in files
        ]
        tables = [(list(one), [list(one.values())]) for one in map(dict, found)]
    else:
        said: Any = await asking.answer("predict_texts", folder=folder, texts=_texts(body, model))
        tables = [(said["labels"], said["probabilities"])]
    return Answers(answers=await run_in_threadpool(_answers, tables, model))


def _model(acting: Acting, run_id: str) -> _Model:
    """The model of a run that the acting person may look at."""
    run = acting.lent("runs:read").runs.get(run_id)
    folder = run.folder / "model"
    if run.status != "done" or not (folder / "config.json").is_file():
        raise StateError(
            f"Run {run.id} has no model to predict with.",
            f"It is a {run.recipe or run.kind} run and {run.status}.",
            "Choose a finished training that has one.",
        )
    kept = preparation_of(folder) or Preparation()
    return _Model(folder, load_report(run.folder)["modality"], kept, read_threshold(folder))


def _files(body: Questions, model: _Model) -> Sequence[bytes]:
    """The files of a question about pictures or recordings."""
    given, modality = (body.images, "image") if body.images else (body.sounds, "audio")
    if model.modality != modality:
        reads = words_for(model.kept) if model.modality == _TEXT else items_of(model.modality)
        raise DataError(f"This model reads {reads}, no {items_of(modality)}.")
    try:
        return [base64.b64decode(file, validate=True) for file in given]
    except (binascii.Error, ValueError) as error:
        raise DataError("A file is not in base64.", f"{error}.") from error


def _texts(body: Questions, model: _Model) -> Sequence[str]:
    """Texts as somebody would type them, the parts of a row joined; the helper prepares them."""
    if model.modality != _TEXT:
        raise DataError(f"This model reads {items_of(model.modality)}, no texts.")
    if body.texts and model.kept.joined:
        raise DataError(
            f"This model reads {words_for(model.kept)}, joined as in training; a text alone is not"
            " enough.",
            "",
            "Give rows.",
        )
    texts = list(body.texts) or [
        _joined(row, number, model.kept) for number, row in enumerate(body.rows, 1)
    ]
    for number, text in enumerate(texts, 1):
        if not text.strip() or len(text) > CHARS:
            raise DataError(
                f"Item {number} has {'no text' if not text.strip() else 'too long a text'}."
            )
    return texts


def _joined(row: Mapping[str, object], number: int, kept: Preparation) -> str:
    columns = kept.columns or (tuple(row) if len(row) == 1 else ("text",))
    for name in columns:
        if name not in row:
            raise DataError(f"Row {number} has no column {name!r}.")
    return JOIN.join("" if row[name] is None else str(row[name]) for name in columns)


def _answers(tables: Sequence[_Table], model: _Model) -> list[Answer]:
    """The answers that the model's thresholds make of its probabilities."""
    answers: list[Answer] = []
    for classes, lines in tables:
        scores = np.array(lines, dtype=np.float64)
        decision = decision_of_model(model.folder, classes)
        answers += answers_from(scores, classes, decision, model.least)
    return answers
