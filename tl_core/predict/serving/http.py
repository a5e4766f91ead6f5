"""A bundle behind HTTP: answers for other programs, with limits, metrics, and an orderly end.

`python -m tl_core serve BUNDLE`. Overload is said at once (429) instead of being queued without
end; on SIGTERM no new connection is taken and what was accepted is answered.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI, File, HTTPException, Request, Response, UploadFile
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import generate_latest

from tl_core.errors import DataError
from tl_core.log import setup_logging
from tl_core.modalities import MODALITIES
from tl_core.predict.serving import contract
from tl_core.predict.serving.contract import ITEMS, Answers, Asked, Ready, Refusal
from tl_core.predict.serving.service import Service, Serving
from tl_core.settings import read_settings

_REFUSALS = {
    400: "not readable",
    401: "token missing or wrong",
    411: "length missing",
    413: "too large",
    422: "not what this model reads",
    429: "too many wait",
    503: "not ready, or too slow",
}


def create_app(serving: Serving) -> FastAPI:
    """The application; the model is opened when it starts."""
    service = Service(serving)
    preparation = service.preparation

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await service.open()
        yield
        await service.close()

    any_items = " or ".join(modality.items for modality in MODALITIES.values())
    reads = contract.needs(preparation) if preparation.columns else any_items
    app = FastAPI(
        title="Graft Studio bundle",
        description=f"Answers of one classifier, which reads {reads}.",
        lifespan=lifespan,
        version="1.0.0",
    )

    @app.exception_handler(RequestValidationError)
    async def say_what_is_wrong(_request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part != "body")
        return JSONResponse(
            {"detail": f"{where or 'The body'}: {first['msg'].removeprefix('Value error, ')}"}, 422
        )

    _limit_and_count(app, service)
    app.include_router(_prediction_routes(service))
    app.include_router(_status_routes(service))
    document = app.openapi()  # made once and kept; it says what this very model needs
    document["components"]["schemas"]["Asked"] = contract.described(preparation)
    document["info"]["x-model"] = {
        "columns": list(preparation.columns),
        "pixels": list(preparation.pixels),
    }
    return app


def _limit_and_count(app: FastAPI, service: Service) -> None:
    """Refuse bodies that are too large or of unknown length before they are read; count every
    request and its time.
    """
    metrics, largest = service.metrics, service.serving.body_mb

    @app.middleware("http")
    async def watch(request: Request, go: Callable[[Request], Awaitable[Response]]) -> Response:
        started = time.perf_counter()
        length = request.headers.get("content-length", "")
        if request.method == "POST" and not length.isdigit():
            answer: Response = JSONResponse(
                {"detail": "Say how long the body is (Content-Length)."}, 411
            )
        elif length.isdigit() and int(length) > largest << 20:
            answer = JSONResponse({"detail": f"At most {largest} MB at once."}, 413)
        else:
            metrics.accepted += request.method == "POST"
            answer = await go(request)
            metrics.answered += request.method == "POST"
        path = getattr(request.scope.get("route"), "path", "other")
        metrics.count(path, answer.status_code, time.perf_counter() - started)
        return answer


def _prediction_routes(service: Service) -> APIRouter:
    """The paths that classify; they need the server's token."""
    preparation = service.preparation
    router = APIRouter(
        dependencies=[Depends(service.authorise)],
        responses={
            code: {"description": text, "model": Refusal} for code, text in _REFUSALS.items()
        },
    )

    @router.post("/predict")
    async def predict(body: Asked) -> Answers:
        """Classify texts, or rows of a table that are prepared as in training."""
        try:
            return await service.answers(service.reads.from_json(body, preparation))
        except DataError as error:
            raise HTTPException(422, str(error)) from error

    @router.post("/predict/files")
    async def predict_files(files: Annotated[list[UploadFile], File(max_length=ITEMS)]) -> Answers:
        """Classify pictures or recordings, sent as files of a form; one answer a page where
        training took each page as a picture.
        """
        reads = service.reads
        encoded = [(await file.read(), Path(file.filename or "").suffix) for file in files]
        try:
            return await service.answers(reads.from_files(encoded, preparation))
        except DataError as error:
            raise HTTPException(422, str(error)) from error

    return router


def _status_routes(service: Service) -> APIRouter:
    """What machines ask about the server itself; open to everybody."""
    router, preparation = APIRouter(), service.preparation

    @router.get("/health")
    async def health() -> dict[str, str]:
        """Whether the process lives."""
        return {"status": "alive"}

    @router.get("/ready", responses={503: {"description": "not yet, or no more", "model": Refusal}})
    async def ready() -> Ready:
        """Whether it answers, which classes it knows, and what it reads."""
        return Ready(
            status="ready",
            labels=service.labels,
            columns=list(preparation.columns),
            pixels=list(preparation.pixels),
        )

    @router.get("/metrics", response_class=PlainTextResponse)
    async def show_metrics() -> Response:
        """Figures for Prometheus."""
        service.metrics.waiting.set(service.waiting)
        figures = generate_latest(service.metrics.registry)
        return Response(figures, media_type="text/plain; version=0.0.4")

    return router


def from_environment() -> FastAPI:
    """The application of a worker process, whose settings `run` put into TL_SERVING."""
    setup_logging(as_json=read_settings().json_log)
    return create_app(Serving(**json.loads(os.environ["TL_SERVING"])))


def run(serving: Serving, host: str, port: int, workers: int, drain: int = 30) -> None:
    """Serve until SIGTERM; then answer what was accepted, for at most `drain` seconds."""
    import uvicorn

    os.environ["TL_SERVING"] = json.dumps(asdict(serving))
    uvicorn.run(
        "tl_core.predict.serving.http:from_environment",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        timeout_graceful_shutdown=drain,
        access_log=False,
        log_level="warning",
    )
