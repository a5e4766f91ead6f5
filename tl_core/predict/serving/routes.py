"""The addresses of one model: questions, the labels that come back, and what it reads."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, File, HTTPException, Response, UploadFile
from pydantic import BaseModel, Field

from tl_core.data.label_sets import as_cell
from tl_core.errors import DataError
from tl_core.predict.serving.canary import Canary
from tl_core.predict.serving.contract import ITEMS, Answers, Asked, Ready, Refusal
from tl_core.predict.serving.model_paths import ModelPath, ModelPaths
from tl_core.predict.serving.service import token_check

_REFUSALS = {
    400: "not readable",
    401: "token missing or wrong",
    411: "length missing",
    413: "too large",
    422: "not what this model reads",
    503: "not ready, too many wait, or too slow; Retry-After says when to come again",
}


class Labels(BaseModel):
    """What the items of a request really were, in their order: a class each, or a list of them
    where an item may have several; null where it is not known.
    """

    request: str = Field(min_length=1, max_length=64)
    labels: list[str | list[str] | None] = Field(min_length=1, max_length=ITEMS)


class Noted(BaseModel):
    """How many labels were noted."""

    noted: int


def model_routes(paths: ModelPaths, path: ModelPath, token: str) -> APIRouter:
    """The paths of one model; but for `ready` they need the server's token."""
    router = APIRouter(
        prefix=path.prefix,
        dependencies=[Depends(token_check(token))],
        responses={
            code: {"description": text, "model": Refusal} for code, text in _REFUSALS.items()
        },
    )
    _predictions(router, paths, path)
    if path.canary:
        _labels(router, path.canary)
    whole = APIRouter()
    whole.include_router(router)
    whole.include_router(_readiness(paths, path))
    return whole


def _predictions(router: APIRouter, paths: ModelPaths, path: ModelPath) -> None:
    preparation = path.first.preparation
    column = preparation.columns[0] if preparation.columns else "text"

    @router.post("/predict")
    async def predict(body: Asked, response: Response) -> Answers:
        """Classify texts, or rows of a table that are prepared as in training."""
        async with paths.using(path):
            try:
                items = path.first.reads.from_json(body, preparation)
            except DataError as error:
                raise HTTPException(422, str(error)) from error
            said = await paths.answers(path, items)
            if path.first.watcher:
                await asyncio.to_thread(
                    path.first.watcher.keep_rows, body, column, said.answers.answers
                )
        response.headers.update(said.headers)
        return said.answers

    @router.post("/predict/files")
    async def predict_files(
        files: Annotated[list[UploadFile], File(max_length=ITEMS)], response: Response
    ) -> Answers:
        """Classify pictures or recordings, sent as files of a form; one answer a page where
        training took each page as a picture.
        """
        encoded = [(await file.read(), Path(file.filename or "").suffix) for file in files]
        async with paths.using(path):
            try:
                items = path.first.reads.from_files(encoded, preparation)
            except DataError as error:
                raise HTTPException(422, str(error)) from error
            said = await paths.answers(path, items)
            if path.first.watcher:
                await asyncio.to_thread(
                    path.first.watcher.keep_files, encoded, said.answers.answers
                )
        response.headers.update(said.headers)
        return said.answers


def _labels(router: APIRouter, canary: Canary) -> None:
    @router.post("/labels")
    async def label(body: Labels) -> Noted:
        """Say what the items of a request really were, whose id its answer had in the header
        X-Graft-Request.
        """
        cells = [
            as_cell(sorted(one)) if isinstance(one, list) else one or "" for one in body.labels
        ]
        try:
            await asyncio.to_thread(canary.pairs.label, body.request, cells)
        except DataError as error:
            raise HTTPException(422, str(error)) from error
        return Noted(noted=sum(map(bool, cells)))


def _readiness(paths: ModelPaths, path: ModelPath) -> APIRouter:
    router = APIRouter(prefix=path.prefix)

    @router.get("/ready", responses={503: {"description": "not yet, or no more", "model": Refusal}})
    async def ready() -> Ready:
        """Whether it answers, which classes it knows, and what it reads; a model among several is
        opened for it.
        """
        async with paths.using(path):
            preparation = path.first.preparation
            return Ready(
                status="ready",
                labels=path.first.labels,
                columns=list(preparation.columns),
                pixels=list(preparation.pixels),
            )

    return router
