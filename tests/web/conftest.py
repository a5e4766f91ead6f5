"""A server's settings, the people on it, and a gate with something to protect behind it."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from tests_support.tus import Tus

from tl_core.access.people import People
from tl_core.database.engine import open_database
from tl_core.registry.uploads import UploadStore
from tl_core.settings import Settings
from tl_core.web.gate import Gate
from tl_core.web.identity import Identity
from tl_core.web.resumable import Uploads

URL = "https://graft.example.org"


@pytest.fixture
def settings(home):
    return Settings(home=str(home), sign_in="oidc", url=URL)


@pytest.fixture
def engine(settings):
    return open_database(settings)


@pytest.fixture
def claims():
    """The claims by what stands in the cookie: as if each of them were signed."""
    now = time.time()
    about = {"iss": "https://idp", "origin": URL, "iat": now}
    return {"ana": {**about, "sub": "ana", "name": "Ana", "email": "ana@example.org"}}


@pytest.fixture
def identity(settings, engine, claims):
    return identity_of(settings, engine, claims)


def identity_of(settings, engine, claims=None):
    known = claims or {}
    return Identity(settings, engine, lambda cookies: known.get(cookies.get("_streamlit_user")))


async def everything(request):
    acting = request.scope.get("state", {}).get("principal")
    body = len(await request.body())
    return JSONResponse({"who": acting and acting.handle, "bytes": body})


async def stream(websocket):
    await websocket.accept()
    await websocket.send_text("in")
    await websocket.close()


@pytest.fixture
def behind(settings, identity):
    return client_of(settings, identity)


def client_of(settings, identity, address="203.0.113.9", owns=lambda *_: True):
    """A client whose requests come from an address, to an application behind the gate."""
    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    inner = Starlette(
        routes=[
            WebSocketRoute("/_stcore/stream", stream),
            Route("/{path:path}", everything, methods=methods),
        ]
    )
    return TestClient(
        Gate(inner, identity, settings, owns),
        base_url=URL,
        client=(address, 5000),
        follow_redirects=False,
    )


def signed_in(client, who="ana"):
    client.cookies.set("_streamlit_user", who)
    return client


def changed(settings, **values):
    return replace(settings, **values)


def uploading_app(settings, engine, claims):
    """The addresses of uploads behind the gate, as one replica has them."""
    inner = Starlette(routes=Uploads(settings, engine).routes())
    return Gate(inner, identity_of(settings, engine, claims), settings, lambda *_: True)


def uploading(settings, engine, claims, who="ana"):
    """A client that uploads, with somebody's cookie."""
    app = uploading_app(settings, engine, claims)
    return Tus(signed_in(TestClient(app, base_url=URL, client=("203.0.113.9", 5000)), who))


def uploads_of(settings, engine, who="ana"):
    """Somebody's uploads, as pages see them; they must have been here."""
    person = People(engine, settings).known("https://idp", who)
    return UploadStore(engine, person.principal(), settings)


@pytest.fixture
def ana(settings, engine, claims):
    return uploading(settings, engine, claims)


@pytest.fixture
def store(settings, engine, ana):
    assert ana.client.options("/api/uploads").status_code == 204  # her first visit
    return uploads_of(settings, engine)
