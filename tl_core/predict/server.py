"""A bundle behind HTTP: answers for other programs, with limits, metrics, and an orderly end.

`python -m tl_core serve BUNDLE`. Overload is said at once (429) instead of being queued without
end; on SIGTERM no new connection is taken and what was accepted is answered.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, FastAPI, File, HTTPException, Request, Response, UploadFile
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from tl_core.data.preparation import Preparation
from tl_core.errors import DataError
from tl_core.log import setup_logging
from tl_core.models.classifier import load_classifier
from tl_core.predict import contract
from tl_core.predict.batcher import Batcher, Full
from tl_core.predict.carried import preparation_of
from tl_core.predict.contract import ITEMS, Answer, Answers, Asked, Ready, Refusal
from tl_core.predict.threshold import read_threshold

log = logging.getLogger(__name__)
_BEARER = HTTPBearer(auto_error=False)


@dataclass(frozen=True)
class Serving:
    """How a bundle is served."""

    folder: str
    token: str = ""
    batch: int = 32
    wait_ms: float = 4.0
    room: int = 1024
    seconds: float = 30.0
    body_mb: int = 32


class _Metrics:
    """Counts and times in the words of Prometheus."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "graft_requests",
            "Requests by path and status",
            ("path", "status"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "graft_request_seconds", "Seconds of a request", ("path",), registry=self.registry
        )
        self.items = Counter("graft_items", "Items that were classified", registry=self.registry)
        self.accepted = self.answered = 0
        self.waiting = Gauge(
            "graft_waiting_items", "Items that wait to be computed", registry=self.registry
        )


def create_app(serving: Serving) -> FastAPI:
    """The application; the model is opened when it starts."""
    metrics, least = _Metrics(), read_threshold(Path(serving.folder))
    kept = preparation_of(Path(serving.folder)) or Preparation()

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        classifier = await asyncio.get_running_loop().run_in_executor(
            None, load_classifier, Path(serving.folder)
        )

        def compute(items: list[Any]) -> list[Answer]:
            found = classifier.probabilities(items)
            metrics.items.inc(len(items))
            return [
                Answer(
                    label=classifier.labels[int(row.argmax())],
                    confidence=float(row.max()),
                    abstain=bool(row.max() < least),
                    probabilities=dict(zip(classifier.labels, row.tolist(), strict=True)),
                )
                for row in found
            ]

        app.state.classifier = classifier
        app.state.batcher = Batcher(compute, serving.batch, serving.wait_ms / 1000, serving.room)
        app.state.batcher.start()
        app.state.ready = True
        yield
        app.state.ready = False
        await app.state.batcher.stop()
        log.info(
            "ended: %d requests were accepted, %d of them answered",
            metrics.accepted,
            metrics.answered,
        )

    app = FastAPI(
        title="Graft Studio bundle",
        description=(
            "Answers of one classifier, which reads "
            f"{contract.needs(kept) if kept.columns else 'texts or pictures'}."
        ),
        lifespan=life,
        version="1.0.0",
    )
    app.state.ready = False

    def allowed(given: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]) -> None:
        if serving.token and not (given and hmac.compare_digest(given.credentials, serving.token)):
            raise HTTPException(
                401,
                "Send the server's token as: Authorization: Bearer TOKEN.",
                {"WWW-Authenticate": "Bearer"},
            )

    @app.middleware("http")
    async def watch(request: Request, go: Callable[[Request], Awaitable[Response]]) -> Response:
        started = time.perf_counter()
        length = request.headers.get("content-length", "")
        if request.method == "POST" and not length.isdigit():
            answer: Response = JSONResponse(
                {"detail": "Say how long the body is (Content-Length)."}, 411
            )
        elif length.isdigit() and int(length) > serving.body_mb << 20:
            answer = JSONResponse({"detail": f"At most {serving.body_mb} MB at once."}, 413)
        else:
            metrics.accepted += request.method == "POST"
            answer = await go(request)
            metrics.answered += request.method == "POST"
        path = getattr(request.scope.get("route"), "path", "other")
        metrics.requests.labels(path, str(answer.status_code)).inc()
        metrics.seconds.labels(path).observe(time.perf_counter() - started)
        return answer

    async def ask(items: list[Any]) -> Answers:
        if not app.state.ready:
            raise HTTPException(
                503, "The model is not open, or the server is ending.", {"Retry-After": "2"}
            )
        try:
            async with asyncio.timeout(serving.seconds):
                return Answers(answers=await app.state.batcher.answers(items))
        except Full as error:
            raise HTTPException(
                429, "Too many items wait. Try again in a moment.", {"Retry-After": "1"}
            ) from error
        except TimeoutError as error:
            raise HTTPException(
                503, f"It took longer than {serving.seconds:g} seconds.", {"Retry-After": "5"}
            ) from error

    def of_kind(modality: str, other: str) -> None:
        if app.state.ready and app.state.classifier.modality != modality:
            raise HTTPException(
                422, f"This model reads {app.state.classifier.modality}s: POST {other}."
            )

    refusals: dict[int | str, dict[str, Any]] = {
        code: {"description": text, "model": Refusal}
        for code, text in (
            (400, "not readable"),
            (401, "token missing or wrong"),
            (411, "length missing"),
            (413, "too large"),
            (422, "not what this model reads"),
            (429, "too many wait"),
            (503, "not ready, or too slow"),
        )
    }

    @app.exception_handler(RequestValidationError)
    async def say_what_is_wrong(_request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part != "body")
        return JSONResponse(
            {"detail": f"{where or 'The body'}: {first['msg'].removeprefix('Value error, ')}"}, 422
        )

    @app.post("/predict", responses=refusals, dependencies=[Depends(allowed)])
    async def predict(asked: Asked) -> Answers:
        """Classify texts, or rows of a table that are prepared as in training."""
        if not kept.pixels:
            of_kind("text", "/predict/files")
        try:
            return await ask(
                (contract.pictures_of if kept.pixels else contract.texts_of)(asked, kept)
            )
        except DataError as error:
            raise HTTPException(422, str(error)) from error

    @app.post("/predict/files", responses=refusals, dependencies=[Depends(allowed)])
    async def predict_files(files: Annotated[list[UploadFile], File(max_length=ITEMS)]) -> Answers:
        """Classify pictures, sent as files of a form; one answer a page where training took each
        page as a picture.
        """
        of_kind("image", "/predict")
        try:
            return await ask(
                contract.files_of(
                    [(await file.read(), Path(file.filename or "").suffix) for file in files], kept
                )
            )
        except DataError as error:
            raise HTTPException(422, str(error)) from error

    @app.get("/health")
    async def health() -> dict[str, str]:
        """Whether the process lives."""
        return {"status": "alive"}

    @app.get("/ready", responses={503: {"description": "not yet, or no more", "model": Refusal}})
    async def ready() -> Ready:
        """Whether it answers, which classes it knows, and what it reads."""
        if not app.state.ready:
            raise HTTPException(503, "The model is not open, or the server is ending.")
        return Ready(
            status="ready",
            labels=app.state.classifier.labels,
            columns=list(kept.columns),
            pixels=list(kept.pixels),
        )

    @app.get("/metrics", response_class=PlainTextResponse)
    async def show_metrics() -> Response:
        """Figures for Prometheus."""
        metrics.waiting.set(app.state.batcher.waiting if app.state.ready else 0)
        return Response(generate_latest(metrics.registry), media_type="text/plain; version=0.0.4")

    _describe(app, kept)
    return app


def _describe(app: FastAPI, kept: Preparation) -> None:
    """Let the OpenAPI document say what this very model needs."""
    usual = app.openapi

    def told() -> dict[str, Any]:
        document = usual()
        document["components"]["schemas"]["Asked"] = contract.described(kept)
        document["info"]["x-model"] = {"columns": list(kept.columns), "pixels": list(kept.pixels)}
        return document

    app.openapi = told  # type: ignore[method-assign]


def from_environment() -> FastAPI:
    """The application of a worker process, told by `run`."""
    setup_logging()
    return create_app(Serving(**_read()))


def _read() -> dict[str, Any]:
    import json

    told: dict[str, Any] = json.loads(os.environ["TL_SERVING"])
    return told


def run(serving: Serving, host: str, port: int, workers: int, drain: int = 30) -> None:
    """Serve until SIGTERM; then answer what was accepted, for at most `drain` seconds."""
    import json
    from dataclasses import asdict

    import uvicorn

    os.environ["TL_SERVING"] = json.dumps(asdict(serving))
    uvicorn.run(
        "tl_core.predict.server:from_environment",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        timeout_graceful_shutdown=drain,
        access_log=False,
        log_level="warning",
    )
