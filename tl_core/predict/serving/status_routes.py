"""What machines ask about the server itself; open to everybody."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import generate_latest
from pydantic import BaseModel

from tl_core.predict.serving.contract import Refusal
from tl_core.predict.serving.model_paths import ModelPaths
from tl_core.predict.serving.service import Metrics


class ModelState(BaseModel):
    """One of several models: where it answers, whether it is in memory, how large its weights are,
    and why it cannot be opened, if so.
    """

    name: str
    path: str
    state: str
    megabytes: float
    reason: str


def status_routes(paths: ModelPaths, metrics: Metrics) -> APIRouter:
    """Liveness, readiness and figures."""
    router = APIRouter()

    @router.get("/health")
    async def health() -> dict[str, str]:
        """Whether the process lives."""
        return {"status": "alive"}

    @router.get("/metrics", response_class=PlainTextResponse)
    async def show_metrics() -> Response:
        """Figures for Prometheus."""
        metrics.waiting.set(paths.waiting)
        metrics.open_models.set(paths.open_models)
        figures = generate_latest(metrics.registry)
        return Response(figures, media_type="text/plain; version=0.0.4")

    if not paths.only:
        _of_several(router, paths)
    return router


def _of_several(router: APIRouter, paths: ModelPaths) -> None:
    @router.get("/ready", responses={503: {"description": "no more", "model": Refusal}})
    async def ready() -> dict[str, str]:
        """Whether it takes requests; each model has a `ready` of its own."""
        if paths.is_ending:
            raise HTTPException(503, "The server is ending.", {"Retry-After": "2"})
        return {"status": "ready"}

    @router.get("/models")
    async def models() -> list[ModelState]:
        """Every model, and which of them are in memory."""
        return [
            ModelState(
                name=path.first.name,
                path=f"{path.prefix}/predict",
                state=path.state,
                megabytes=round(path.first.bytes / 1e6, 1),
                reason=path.first.reason,
            )
            for path in paths.all
        ]
