"""What monitors ask for: whether the server lives, whether it can work, and its figures."""

from __future__ import annotations

import hmac
import os
import time

import anyio.to_thread
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tl_core.access.principal import ADMIN, Principal
from tl_core.database.tables import datasets, locks, runs, users
from tl_core.registry.processes import is_alive
from tl_core.settings import Settings


class Health:
    """Answers of `/api/health`, `/api/ready` and `/api/metrics`."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        self._settings, self._engine = settings, engine

    def routes(self) -> list[Route]:
        """Where they stand."""
        return [
            Route("/api/health", self.health),
            Route("/api/ready", self.ready),
            Route("/api/metrics", self.metrics),
        ]

    async def health(self, _request: Request) -> Response:
        """The process answers; nothing else is looked at."""
        return JSONResponse({"status": "ok"})

    async def ready(self, _request: Request) -> Response:
        """Whether database and disk can be used; 503 where not, without saying more to anybody."""
        checks = await anyio.to_thread.run_sync(self._checks)
        well = all(checks.values())
        return JSONResponse({"ready": well, **checks}, 200 if well else 503)

    def _checks(self) -> dict[str, bool]:
        try:
            with self._engine.connect() as connection:
                connection.execute(select(func.count()).select_from(locks)).scalar_one()
            database = True
        except SQLAlchemyError:
            database = False
        return {"database": database, "disk": os.access(self._settings.home_path, os.W_OK)}

    async def metrics(self, request: Request) -> Response:
        """Figures for Prometheus, for administrators and for whoever brings `TL_METRICS_TOKEN`."""
        acting: Principal | None = request.scope.get("state", {}).get("principal")
        wanted = self._settings.metrics_token
        brought = request.headers.get("authorization", "").removeprefix("Bearer ")
        allowed = wanted and hmac.compare_digest(brought.encode(), wanted.encode())
        if not allowed and (acting is None or acting.role != ADMIN):
            return JSONResponse({"error": {"what": "Only administrators may do that."}}, 403)
        body = await anyio.to_thread.run_sync(self._figures)
        return Response(body, media_type=CONTENT_TYPE_LATEST)

    def _figures(self) -> bytes:
        registry = CollectorRegistry()
        by_status = Gauge("graft_runs", "Runs by status", ["status"], registry=registry)
        oldest = Gauge("graft_queue_oldest_seconds", "Wait of the oldest run", registry=registry)
        people = Gauge("graft_people", "People who may sign in", registry=registry)
        active = Gauge("graft_people_active", "People seen in the last hour", registry=registry)
        versions = Gauge("graft_dataset_versions", "Dataset versions", registry=registry)
        dispatcher = Gauge("graft_dispatcher_alive", "1 with a dispatcher", registry=registry)
        now = time.time()
        with self._engine.connect() as connection:
            counted = select(runs.c.status, func.count()).where(runs.c.deleted.is_(None))
            for status, number in connection.execute(counted.group_by(runs.c.status)).all():
                by_status.labels(status).set(number)
            first = select(func.min(runs.c.queued)).where(runs.c.status == "queued")
            since = connection.execute(first).scalar()
            oldest.set(now - since if since else 0)
            enabled = select(func.count()).select_from(users).where(~users.c.disabled)
            people.set(connection.execute(enabled).scalar_one())
            lately = enabled.where(users.c.seen > now - 3600)
            active.set(connection.execute(lately).scalar_one())
            kept = select(func.count()).select_from(datasets).where(datasets.c.deleted.is_(None))
            versions.set(connection.execute(kept).scalar_one())
            lock = connection.execute(select(locks)).first()
        alive = lock and is_alive(lock.host, lock.pid, lock.pid_started, lock.heartbeat, now)
        dispatcher.set(bool(alive))
        return generate_latest(registry)
