"""Two replicas behind one address: a browser stays with one, and goes on with the other when that
dies, still signed in.
"""

from __future__ import annotations

import json
import re
import secrets
import threading
import time
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from tests_support.postgres import new_database
from tests_support.processes import kill_all
from tests_support.provider import Provider
from tests_support.replicas import Proxy, Replicas, nginx
from tests_support.studio import free_port
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

PATH = "/api/health"


@pytest.fixture(scope="module")
def team(tmp_path_factory):
    nginx()
    folder = tmp_path_factory.mktemp("replicas")
    (folder / "home").mkdir()
    with ExitStack() as stack:
        database = stack.enter_context(new_database())
        provider = Provider()
        stack.callback(provider.close)
        provider.knows("ana", name="Ana", email="ana@example.org", email_verified=True)
        stack.callback(kill_all, folder / "home")
        made = Replicas(
            folder,
            folder / "home",
            {
                **provider.settings,
                "TL_DATABASE_URL": database,
                "TL_COOKIE_SECRET": secrets.token_hex(32),
                "TL_PROXIES": "127.0.0.1",
                "TL_DISPATCHER": "external",
            },
        )
        stack.callback(made.close)
        yield made


def browser(team):
    """A client that keeps cookies, as a browser does."""
    accepts = {"accept": "text/html,*/*"}
    return httpx.Client(base_url=team.proxy.url, headers=accepts, follow_redirects=True, timeout=60)


def sign_in(client, who):
    """What a person does at the provider."""
    page = client.get("/data")
    address = re.search(r'href="(/auth/login[^"]*)"', page.text)[1].replace("&amp;", "&")
    asked = client.get(address)
    assert asked.url.host == "127.0.0.1", asked.text[:500]
    answer = client.post(str(asked.url), data={"sub": who}, headers={"origin": "null"})
    assert answer.status_code == 200 and "/sign-in" not in str(answer.url)


def look(team, client):
    """The server that answers when somebody who is signed in opens a page."""
    before = len(team.proxy.served("/data"))
    answer = client.get("/data", follow_redirects=False)
    assert answer.status_code == 200 and "streamlit" in answer.text.lower()
    return team.proxy.served("/data", before, 1)[0]


def open_stream(team, client):
    """The websocket that a page lives by."""
    cookies = "; ".join(f"{one.name}={one.value}" for one in client.cookies.jar)
    return connect(
        f"ws://localhost:{team.proxy.port}/_stcore/stream",
        origin=team.proxy.url,
        additional_headers={"Cookie": cookies},
        subprotocols=["streamlit", "PLACEHOLDER"],
        open_timeout=60,
    )


def test_a_browser_stays_with_one_replica_and_all_are_used(team):
    used = set()
    for _ in range(12):
        with browser(team) as client:
            before = len(team.proxy.served(PATH))
            for _ in range(4):
                assert client.get(PATH).json() == {"status": "ok"}
            mine = team.proxy.served(PATH, before, 4)
            assert len(mine) == 4 and len(set(mine)) == 1
            used |= set(mine)
            cookie = next(one for one in client.cookies.jar if one.name == "graft_replica")
            assert re.fullmatch(r"[0-9a-f]{32}", cookie.value)
            assert cookie.has_nonstandard_attr("HttpOnly")
    assert len(used) == 2


def test_a_stream_goes_through_for_who_is_signed_in_alone(team):
    with browser(team) as client:
        with pytest.raises(InvalidStatus):
            open_stream(team, client)
        sign_in(client, "ana")
        with open_stream(team, client) as stream:
            assert stream.ping().wait(30)


def test_when_a_replica_dies_its_people_go_on_with_the_other(team):
    with browser(team) as client:
        sign_in(client, "ana")
        address = look(team, client)
        dying = team.of(address)
        with open_stream(team, client) as stream:
            dying.process.kill()
            dying.process.wait()
            with pytest.raises(ConnectionClosed):
                stream.recv(30)
        started = time.monotonic()
        assert look(team, client) != address  # the first request already, with the same cookie
        assert time.monotonic() - started < 30
        with open_stream(team, client) as again:
            assert again.ping().wait(30)
        dying.start()
        end = time.monotonic() + 60
        while look(team, client) != address:  # and back to it, once it lives again
            assert time.monotonic() < end
            time.sleep(0.5)


@pytest.fixture(scope="module")
def mirror(tmp_path_factory):
    """A proxy in front of two servers that tell what they are asked."""

    class Mirror(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            told = json.dumps({"headers": dict(self.headers), "bytes": len(body)}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        do_GET = do_POST

        def log_message(self, *_):
            pass

    servers = [ThreadingHTTPServer(("127.0.0.1", 0), Mirror) for _ in range(2)]
    threads = [threading.Thread(target=one.serve_forever) for one in servers]
    for thread in threads:
        thread.start()
    names = {f"app-{number + 1}": one.server_port for number, one in enumerate(servers)}
    proxy = Proxy(tmp_path_factory.mktemp("mirror"), free_port(), names)
    yield proxy
    proxy.close()
    for one, thread in zip(servers, threads, strict=True):
        one.shutdown()
        thread.join()
        one.server_close()


def test_the_proxy_tells_who_came_and_lets_nobody_name_themselves(mirror):
    brought = {
        "X-Forwarded-User": "ana",
        "X-Forwarded-Email": "ana@example.org",
        "X-Forwarded-Groups": "it",
    }
    told = httpx.get(f"{mirror.url}/x", headers=brought).json()["headers"]
    assert not {name.lower() for name in told} & {name.lower() for name in brought}
    assert told["X-Forwarded-For"] == "127.0.0.1" and told["X-Forwarded-Proto"] == "http"
    assert told["Host"] == f"localhost:{mirror.port}"
    outer = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
    told = httpx.get(f"{mirror.url}/x", headers=outer).json()["headers"]
    assert told["X-Forwarded-Proto"] == "https"
    assert told["X-Forwarded-For"] == "203.0.113.9, 127.0.0.1"


def test_long_cookies_and_large_parts_go_through_the_proxy(mirror):
    cookie = {"Cookie": "a=" + "x" * 20_000}
    assert (
        httpx.get(f"{mirror.url}/x", headers=cookie).json()["headers"]["Cookie"] == cookie["Cookie"]
    )
    size = 20 << 20
    assert httpx.post(f"{mirror.url}/x", content=bytes(size), timeout=60).json()["bytes"] == size


def test_the_proxy_answers_for_itself(mirror):
    assert httpx.get(f"{mirror.url}/proxy-health").text == "ok\n"
