"""Nobody passes the gate unknown, whatever they ask for; answers carry their headers."""

from __future__ import annotations

import sys
import threading
import time
from types import SimpleNamespace

import anyio
import httpx
import pytest
from sqlalchemy.exc import OperationalError
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from tests.web.conftest import URL, changed, client_of, identity_of, signed_in
from tl_core.access.access_tokens import Tokens
from tl_core.access.people import Claims, People
from tl_core.errors import ConfigError, SignInError
from tl_core.web.gate import Gate, inside
from tl_core.web.lazy import Lazy
from tl_core.web.sign_in import Door

PRIVATE = [
    "/",
    "/data",
    "/media/0a1b2c.jpg",
    "/_stcore/upload_file/session/file",
    "/_stcore/metrics",
    "/_stcore/host-config",
    "/_stcore/script-health-check",
    "/component/x/index.html",
    "/api/uploads/1",
    "/api/v1/datasets",
    "/api/healthy",
    "/api/health/../v1/datasets",
    "/sign-in/../data",
    "/SIGN-IN",
    "/sign-in/",
    "/static",
    "/openapi.json",
    "/no such page",
    "/api/v1/datasets%0a",
    "/api/v1%0d%0a/datasets",
    "/media/%00",
]


@pytest.mark.parametrize("path", PRIVATE)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"])
def test_an_unknown_visitor_gets_nothing(behind, path, method):
    answer = behind.request(method, path)
    assert answer.status_code in (400, 401), answer.text
    assert b"who" not in answer.content


@pytest.mark.parametrize(
    "path", ["/sign-in", "/sign-out", "/api/health", "/api/ready", "/invite/x", "/shared/x"]
)
def test_what_everybody_may_see_needs_nobody(behind, path):
    assert behind.get(path).json() == {"who": None, "bytes": 0}


def test_a_browser_is_sent_to_the_door_and_back_to_where_it_wanted(behind):
    answer = behind.get("/report?run=a%20b&x=1", headers={"accept": "text/html"})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=%2Freport%3Frun%3Da%2520b%26x%3D1"
    signed_in(behind).cookies.set("graft_next", "/report?run=a")
    back = behind.get("/")
    assert back.status_code == 303 and back.headers["location"] == "/report?run=a"
    assert "graft_next=;" in back.headers["set-cookie"]


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil",
        "javascript:alert(1)",
        "/a\r\nset-cookie: x=y",
        "",
        "data",
        "/ü",
    ],
)
def test_nobody_is_sent_away_from_this_server(address):
    assert inside(address) == "/"


def test_a_websocket_is_closed_before_it_opens(behind):
    with pytest.raises(WebSocketDisconnect), behind.websocket_connect("/_stcore/stream"):
        pass
    with signed_in(behind).websocket_connect("/_stcore/stream") as known:
        assert known.receive_text() == "in"


def test_who_is_known_passes_and_is_named_to_what_is_behind(behind):
    assert signed_in(behind).get("/media/x.jpg").json() == {"who": "ana", "bytes": 0}


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://graft.example.org.evil"]
)
def test_another_site_changes_nothing_with_somebodys_cookie(behind, origin):
    known = signed_in(behind)
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert (
            known.request(method, "/api/uploads/1", headers={"origin": origin}).status_code == 403
        )
    hidden = {"sec-fetch-site": "cross-site"}
    assert known.post("/api/uploads/1", headers=hidden).status_code == 403
    assert known.post("/api/uploads/1", headers={"origin": URL}).status_code == 200


def test_a_large_request_is_refused_by_what_it_says_and_by_what_it_sends(settings, engine, claims):
    small = changed(settings, upload_mb="1")
    known = signed_in(client_of(small, identity_of(small, engine, claims)))
    too_much = b"x" * ((1 << 20) + 1)
    assert known.put("/_stcore/upload_file/a/b", content=too_much).status_code == 413
    assert known.post("/sign-in", content=too_much).status_code == 413
    assert known.put("/_stcore/upload_file/a/b", content=too_much[:-1]).json()["bytes"] == 1 << 20
    with pytest.raises(ClientDisconnect):  # as it is read: nobody said before how long it is
        known.put("/_stcore/upload_file/a/b", content=iter([too_much, too_much]))


def test_a_token_opens_the_api_alone(settings, engine, behind):
    person = People(engine, settings).arrive(Claims("https://idp", "ana", "Ana"))
    secret = Tokens(engine, person.principal()).make("job", ["runs:read"], 1)
    bearer = {"authorization": f"Bearer {secret}"}
    assert behind.get("/api/v1/runs", headers=bearer).json()["who"] == person.handle
    for path in ("/", "/media/x.jpg", "/api/uploads/1", "/api/metrics/x", "/_stcore/metrics"):
        assert behind.get(path, headers=bearer).status_code == 401
    for wrong in ("Bearer", "Bearer x", f"Basic {secret}", f"Bearer {secret}x", "Bearer  "):
        assert behind.get("/api/v1/runs", headers={"authorization": wrong}).status_code == 401


def test_every_answer_carries_the_headers_of_safety(behind):
    for answer in (behind.get("/sign-in"), behind.get("/data"), signed_in(behind).get("/media/x")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "object-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-frame-options"] == "SAMEORIGIN"
        assert answer.headers["strict-transport-security"].startswith("max-age=")
    assert signed_in(behind).get("/media/x").headers["cache-control"] == "private"
    assert signed_in(behind).get("/api/x").headers["cache-control"] == "private, no-store"


def test_a_file_of_somebody_elses_page_is_not_there(settings, identity):
    mine = client_of(settings, identity, owns=lambda who, path: path == "/media/mine.jpg")
    assert signed_in(mine).get("/media/mine.jpg").status_code == 200
    assert mine.get("/media/other.jpg").status_code == 404
    assert mine.put("/_stcore/upload_file/session/file", content=b"x").status_code == 404


@pytest.mark.parametrize(("session", "kept"), [("mine", True), ("hers", False)])
def test_a_session_is_taken_up_again_by_its_owner_alone(settings, identity, session, kept):
    seen = []

    async def inner(scope, receive, send):
        seen.append(dict(scope["headers"])[b"sec-websocket-protocol"].decode())
        await receive()
        await send({"type": "websocket.close"})

    owns = lambda who, path: path == "/_stcore/upload_file/mine"  # noqa: E731
    client = signed_in(TestClient(Gate(inner, identity, settings, owns), base_url=URL))
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect("/_stcore/stream", subprotocols=["streamlit", "xsrf", session]),
    ):
        pass
    assert seen[0].split(", ") == ["streamlit", "xsrf", *([session] if kept else [])]


def test_files_of_a_page_belong_to_whoever_opened_it(monkeypatch):
    from streamlit.runtime.media_file_manager import MediaFileManager
    from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage

    from pages.shell import streamlit_sessions
    from tl_core.access.principal import Principal

    ana, ben = Principal("ana"), Principal("ben")
    contexts = iter(["s-ana", "s-ben"])
    monkeypatch.setattr(
        streamlit_sessions,
        "get_script_run_ctx",
        lambda: SimpleNamespace(session_id=next(contexts)),
    )
    for person in (ana, ben):
        streamlit_sessions.note_owner(person)
    shown = {"s-ana": {"0.1": "abc"}, "s-gone": {"0.1": "def"}}
    manager = SimpleNamespace(_lock=threading.Lock(), _files_by_session_and_coord=shown)
    running = SimpleNamespace(media_file_mgr=manager)
    monkeypatch.setattr(streamlit_sessions.runtime, "get_instance", lambda: running)
    owns = streamlit_sessions.owns
    assert owns(ana, "/media/abc.jpg") and owns(ana, "/_stcore/upload_file/s-ana/f")
    for path in ("/media/abc.jpg", "/media/def.jpg", "/_stcore/upload_file/s-ana/f", "/media/"):
        assert not owns(ben, path)
    for path in ("/media/abc/../abc", "/_stcore/upload_file", "/media", "/"):
        assert not owns(ana, path)
    made = MediaFileManager(MemoryMediaFileStorage("/media"))
    monkeypatch.setattr(MediaFileManager, "execute_deferred", MediaFileManager.execute_deferred)
    streamlit_sessions.install()
    waiting = {"callable": lambda: b"x", "mimetype": "text/csv", "filename": "x.csv"}
    made._deferred_callables["later"] = {**waiting, "session_id": "s-ana"}
    address = made.execute_deferred("later")  # Streamlit maps what is made on a click to nobody
    assert owns(ana, address) and not owns(ben, address)
    monkeypatch.setattr(streamlit_sessions.runtime, "get_instance", lambda: object())
    assert not owns(ana, "/media/abc.jpg")  # Streamlit's books have changed


def test_a_page_may_fetch_what_its_microphone_has_given(settings, identity):
    policy = (
        signed_in(client_of(settings, identity)).get("/data").headers["content-security-policy"]
    )
    [connect] = [part.split() for part in policy.split(";") if part.startswith(" connect-src")]
    assert "blob:" in connect and "https:" not in connect and "*" not in connect


def test_a_recording_that_a_page_plays_is_its_persons_alone(monkeypatch):
    from streamlit.runtime import media_file_manager
    from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage

    from pages.shell import streamlit_sessions
    from tl_core.access.principal import Principal

    ana, ben = Principal("ana"), Principal("ben")
    session = SimpleNamespace(session_id="")
    monkeypatch.setattr(streamlit_sessions, "get_script_run_ctx", lambda: session)
    for session.session_id, person in (("s-ana", ana), ("s-ben", ben)):
        streamlit_sessions.note_owner(person)
    manager = media_file_manager.MediaFileManager(MemoryMediaFileStorage("/media"))
    monkeypatch.setattr(media_file_manager, "_get_session_id", lambda: "s-ana")
    running = SimpleNamespace(media_file_mgr=manager)
    monkeypatch.setattr(streamlit_sessions.runtime, "get_instance", lambda: running)
    address = manager.add(b"RIFF....WAVE", "audio/wav", "0.1")  # as st.audio does
    assert address.startswith("/media/")
    assert streamlit_sessions.owns(ana, address) and not streamlit_sessions.owns(ben, address)


HEADERS = {"x-forwarded-user": "mallory", "x-forwarded-for": "10.9.9.9"}


def test_only_a_trusted_proxy_says_who_somebody_is(settings, engine):
    proxied = changed(settings, sign_in="header", proxies="10.0.0.0/8,192.168.1.5")
    identity = identity_of(proxied, engine)
    for stranger in ("203.0.113.9", "11.0.0.1", "192.168.1.6", "testclient", ""):
        client = client_of(proxied, identity, stranger)
        assert client.get("/data", headers=HEADERS).status_code == 401
    for trusted in ("10.1.2.3", "192.168.1.5"):
        client = client_of(proxied, identity, trusted)
        assert client.get("/data", headers=HEADERS).json()["who"] == "mallory"
        assert client.get("/data").status_code == 401
    with pytest.raises(ConfigError):
        client_of(changed(proxied, proxies="everybody"), identity)


def test_behind_no_proxy_headers_of_proxies_are_taken_away(settings, engine):
    alone = changed(settings, sign_in="header", proxies="")
    client = client_of(alone, identity_of(alone, engine), "127.0.0.1")
    assert client.get("/data", headers=HEADERS).status_code == 401


def test_nobody_passes_while_nobody_can_be_looked_up(settings, identity, monkeypatch):
    def away(*_given, **_named):
        raise OperationalError("SELECT secret", {}, Exception("server closed the connection"))

    monkeypatch.setattr(identity, "of", away)
    client = signed_in(client_of(settings, identity))
    answer = client.get("/data")
    assert answer.status_code == 503 and answer.json()["error"]["code"] == "database"
    assert "secret" not in answer.text and client.get("/api/health").status_code == 200
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/_stcore/stream"):
        pass


LOCAL = {"sign_in": "", "url": ""}


@pytest.mark.parametrize(
    ("host", "passes"),
    [
        ("localhost:8501", True),
        ("LOCALHOST", True),
        ("127.0.0.1:8501", True),
        ("[::1]:8501", True),
        ("evil.example", False),
        ("evil.example:8501", False),
        ("localhost.evil.example", False),
        ("evil.example@localhost.evil", False),
        ("[", False),
        ("", False),
    ],
)
def test_where_nobody_signs_in_a_name_that_was_made_to_lead_here_does_not(
    settings, engine, host, passes
):
    local = changed(settings, **LOCAL)
    client = client_of(local, identity_of(local, engine), "127.0.0.1")
    for path in ("/", "/api/v1/datasets", "/media/x", "/sign-in"):
        answer = client.get(path, headers={"host": host})
        assert answer.status_code == (200 if passes else 421), path
    if not passes:
        assert "TL_URL" in answer.json()["error"]["what"]
        with (
            pytest.raises(WebSocketDisconnect),
            client.websocket_connect("/_stcore/stream", headers={"host": host}),
        ):
            pass


def test_the_address_that_was_named_and_servers_for_others_keep_their_names(settings, engine):
    local = changed(settings, sign_in="")  # with TL_URL, behind a proxy
    client = client_of(local, identity_of(local, engine), "127.0.0.1")
    assert client.get("/data").status_code == 200
    assert client.get("/data", headers={"host": "evil.example"}).status_code == 421
    opened = changed(settings, **LOCAL, address="0.0.0.0", open="1")
    client = client_of(opened, identity_of(opened, engine), "127.0.0.1")
    assert client.get("/data", headers={"host": "studio.lan"}).status_code == 200


@pytest.mark.parametrize("path", ["/sign-in", "/invite/x", "/shared/x", "/api/uploads/1"])
def test_an_outage_behind_the_gate_is_told_in_words(settings, identity, path):
    async def away(_scope, _receive, _send):
        raise OperationalError("SELECT secret", {}, Exception("server closed the connection"))

    client = signed_in(TestClient(Gate(away, identity, settings, lambda *_: True), base_url=URL))
    answer = client.get(path)
    assert answer.status_code == 503 and answer.json()["error"]["code"] == "database"
    assert "secret" not in answer.text and answer.headers["x-frame-options"] == "SAMEORIGIN"
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/_stcore/stream"):
        pass


def test_an_answer_that_has_begun_breaks_off(settings, identity):
    async def half(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise OperationalError("SELECT 1", {}, Exception("gone"))

    client = signed_in(TestClient(Gate(half, identity, settings, lambda *_: True), base_url=URL))
    with pytest.raises(OperationalError):
        client.get("/data")


def test_two_first_requests_build_an_application_once(settings, engine, monkeypatch):
    built = []

    def build(_settings, _engine):
        built.append(1)
        time.sleep(0.2)

        async def app(_scope, _receive, _send):
            pass

        return app

    lazy = Lazy("tests.web.test_gate:build_it", settings, engine)
    monkeypatch.setattr(sys.modules[__name__], "build_it", build, raising=False)

    async def at_once():
        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(lazy, {}, None, None)

    anyio.run(at_once)
    assert built == [1]


def test_few_passwords_are_looked_at_at_once(settings, engine):
    own = changed(settings, sign_in="accounts")
    lock, now, most = threading.Lock(), 0, 0

    def sign_in(*_given):
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.1)
        with lock:
            now -= 1
        raise SignInError("No.")

    accounts = SimpleNamespace(sign_in=sign_in)
    app = Starlette(routes=Door(own, identity_of(own, engine), accounts, list).routes())

    async def at_once():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=URL) as client:
            async with anyio.create_task_group() as tasks:
                for _ in range(16):
                    tasks.start_soon(lambda: client.post("/sign-in", data={"handle": "eve"}))

    anyio.run(at_once)
    assert most == 4
