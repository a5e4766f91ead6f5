"""The application of `/api/v1`, mounted behind the gate."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from sqlalchemy import Engine

from tl_core import __version__
from tl_core.helper.client import ComputeClient
from tl_core.settings import Settings
from tl_core.web.api.acting import SECURITY
from tl_core.web.api.entrance import Entrance
from tl_core.web.api.error_answers import refuse_in_words
from tl_core.web.api.routes import (
    dataset_routes,
    file_routes,
    label_routes,
    people_routes,
    prediction_routes,
    run_routes,
)
from tl_core.web.asking import Asking

_ABOUT = (
    "Datasets, labels, runs, reports and predictions of this server for programs. A token from your"
    " account goes into the header `Authorization: Bearer TOKEN`. What a token may not see does not"
    " exist for it (404)."
)


def build(settings: Settings, engine: Engine) -> FastAPI:
    """The application; no helper process is started before a model is asked."""
    app = FastAPI(
        title="Graft Studio",
        version=__version__,
        description=_ABOUT,
        docs_url=None,  # they would load scripts from another server
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.settings, app.state.engine = settings, engine
    app.state.asking = Asking(ComputeClient())
    for part in (
        dataset_routes,
        label_routes,
        run_routes,
        file_routes,
        prediction_routes,
        people_routes,
    ):
        app.include_router(part.router)
    refuse_in_words(app)
    app.add_middleware(Entrance, settings=settings)
    document = _document(app)
    app.openapi = lambda: document  # type: ignore[method-assign]
    return app


def _document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, with tokens and the scopes that each address needs."""
    document = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        servers=[{"url": "/api/v1"}],
    )
    scheme = {"type": "http", "scheme": "bearer", "description": "a token from your account"}
    document["components"]["securitySchemes"] = {SECURITY: scheme}
    return document
