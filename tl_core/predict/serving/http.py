"""Bundles behind HTTP: answers for other programs, with limits, metrics, and an orderly end.

`python -m tl_core serve BUNDLE...`. Overload is said at once (503 with Retry-After) instead of
being queued without end; on SIGTERM no new connection is taken and what was accepted is answered.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from tl_core.log import setup_logging
from tl_core.modalities import MODALITIES
from tl_core.predict.serving import contract
from tl_core.predict.serving.model_paths import ModelPath, ModelPaths
from tl_core.predict.serving.routes import model_routes
from tl_core.predict.serving.service import Metrics, Served, Serving
from tl_core.predict.serving.status_routes import status_routes
from tl_core.settings import read_settings

log = logging.getLogger(__name__)


def create_app(serving: Serving) -> FastAPI:
    """The application. One model is opened when it starts, several when they are first asked."""
    metrics = Metrics()
    paths = ModelPaths(serving, metrics)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        paths.start()
        if paths.only:  # a model that cannot be opened is said by every answer, and by /ready
            with suppress(HTTPException):
                async with paths.using(paths.only):
                    pass
        yield
        await paths.close()
        log.info(
            "ended: %d requests were accepted, %d of them answered",
            metrics.accepted,
            metrics.answered,
        )

    app = FastAPI(
        title="Graft Studio bundle" if paths.only else "Graft Studio bundles",
        description=_description(paths),
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

    @app.exception_handler(404)
    async def say_what_there_is(_request: Request, error: HTTPException) -> JSONResponse:
        return JSONResponse({"detail": paths.paths_in_words}, 404, error.headers)

    _limit_and_count(app, serving, metrics)
    for path in paths.all:
        app.include_router(model_routes(paths, path, serving.token))
    app.include_router(status_routes(paths, metrics))
    if paths.only:
        _say_what_it_reads(app, paths.only)
    return app


def _description(paths: ModelPaths) -> str:
    any_items = " or ".join(modality.items for modality in MODALITIES.values())
    if not paths.only:
        return f"Answers of {len(paths.all)} classifiers; {paths.paths_in_words}"
    preparation = paths.only.first.preparation
    reads = contract.needs(preparation) if preparation.columns else any_items
    return f"Answers of one classifier, which reads {reads}."


def _say_what_it_reads(app: FastAPI, path: ModelPath) -> None:
    """Let the OpenAPI document say what this very model needs."""
    document, preparation = app.openapi(), path.first.preparation  # made once and kept
    document["components"]["schemas"]["Asked"] = contract.described(preparation)
    document["info"]["x-model"] = {
        "columns": list(preparation.columns),
        "pixels": list(preparation.pixels),
    }


def _limit_and_count(app: FastAPI, serving: Serving, metrics: Metrics) -> None:
    """Refuse bodies that are too large or of unknown length before they are read; count every
    request and its time.
    """
    largest = serving.body_mb

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


def from_environment() -> FastAPI:
    """The application of a worker process, whose settings `run` put into TL_SERVING."""
    setup_logging(as_json=read_settings().json_log)
    given = json.loads(os.environ["TL_SERVING"])
    models = tuple(Served(**one) for one in given.pop("models"))
    return create_app(Serving(**given, models=models))


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
