"""The gate in front of everything that the server answers: nobody passes unknown, except to what
everybody may see; every answer carries the headers that keep browsers from doing harm.

A pure ASGI middleware: it sees websockets and Streamlit's own addresses (media, uploads, metrics)
as well, which have no check of their own.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import quote, urlsplit

import anyio
import anyio.to_thread

from tl_core.access.principal import Principal
from tl_core.database.away import AWAY, NO_ANSWER
from tl_core.errors import ErrorObject
from tl_core.settings import Settings
from tl_core.web.identity import Asking, Identity
from tl_core.web.peers import Proxies, Scope

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Owns = Callable[[Principal, str], bool]

NEXT = "graft_next"  # the cookie with the page that somebody wanted before signing in
_OPEN = {
    "/sign-in",
    "/sign-out",
    "/auth/login",
    "/auth/logout",
    "/oauth2callback",
    "/api/health",
    "/api/ready",
    "/_stcore/health",
    "/favicon.png",
}
_ALSO_UNKNOWN = {"/api/metrics"}  # which has a token of its own besides administrators
_OPEN_BELOW = ("/invite/", "/shared/", "/static/")  # the last are the program's own scripts
_OWNED_BELOW = ("/media/", "/_stcore/upload_file/")
_TRIES, _PAUSE_SECONDS = 5, 0.1
_TOKENS_BELOW = ("/api/v1/",)
_SAFE = {"GET", "HEAD", "OPTIONS"}
_SMALL = 1 << 20  # bytes of a request that uploads nothing
_UPLOADS = ("/_stcore/upload_file/", "/api/uploads/", "/api/v1/")
_CONTENT = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:;"  # components'
    " worker-src 'self' blob:;"
    " style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; media-src 'self' data: blob:;"
    " font-src 'self' data:;"
    " connect-src 'self' data: blob: ws: wss:;"  # a page's own blob is what a microphone has given
    " object-src 'none'; base-uri 'self';"
    " frame-ancestors 'self'"
)
_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "SAMEORIGIN",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(self), microphone=(self), geolocation=()",
    "content-security-policy": _CONTENT,
}
log = logging.getLogger(__name__)


class Gate:
    """Wraps an ASGI application.

    Args:
        app: what is behind the gate.
        identity: tells who asks.
        settings: of this server.
        owns: whether what stands under one of Streamlit's addresses is a person's own.
    """

    def __init__(self, app: App, identity: Identity, settings: Settings, owns: Owns) -> None:
        self._app, self._identity, self._settings, self._owns = app, identity, settings, owns
        self._proxies = Proxies(settings)
        self._hosts = _own_hosts(settings) if settings.is_local else None
        self._headers = {name.encode(): value.encode() for name, value in _HEADERS.items()}
        if settings.url.startswith("https:"):
            self._headers[b"strict-transport-security"] = b"max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        self._proxies.settle(scope)
        guarded, begun = self._dressed(scope, send), False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await guarded(message)

        try:
            refusal = await self._refusal(scope)
        except NO_ANSWER:
            log.exception("who asks cannot be looked up")
            refusal = _answer(503, AWAY)
        if refusal is not None:
            await refusal(scope, receive, guarded)
            return
        try:
            await self._app(scope, self._measured(scope, receive), noted)
        except NO_ANSWER:
            if begun:
                raise
            log.exception("%s cannot be answered", scope["path"])
            await _answer(503, AWAY)(scope, receive, guarded)

    async def _refusal(self, scope: Scope) -> App | None:
        """What to answer instead, None where the way is free."""
        path, method = scope["path"], scope.get("method", "GET")
        odd = "//" in path or "\\" in path or "/.." in path or not path.isprintable()
        if not path.startswith("/") or odd:
            return _plain(400, "This address is not one of this server.")
        if self._hosts is not None and _host(scope) not in self._hosts:
            return _plain(
                421,
                "This address is not one of this computer's studio. Open it as localhost, or set"
                " TL_URL to the address by which you reach it.",
            )
        if method not in _SAFE and not self._same_origin(scope):
            return _plain(403, "This request came from another site.")
        if _length(scope) > self._most(path):
            return _plain(
                413, f"More than {self._settings.upload_mb} MB cannot be uploaded at once."
            )
        if path in _OPEN or path.startswith(_OPEN_BELOW):
            return None
        headers, cookies = headers_of(scope), cookies_of(scope)
        address = scope["client"][0] if scope.get("client") else ""
        if path.startswith(_TOKENS_BELOW) and "authorization" in headers:
            acting = await anyio.to_thread.run_sync(self._identity.of_token, headers, address)
            asking = Asking(acting, "" if acting else "This token does not hold.")
        else:
            asking = await anyio.to_thread.run_sync(
                lambda: self._identity.of(cookies, headers, address=address)
            )
        if asking.principal is None:
            return None if path in _ALSO_UNKNOWN else self._unknown(scope, headers, asking)
        scope.setdefault("state", {})["principal"] = asking.principal
        if scope["type"] == "websocket":
            self._let_go_of_others(scope, asking.principal)
        if path.startswith(_OWNED_BELOW) and not await self._is_own(asking.principal, path):
            return _plain(404, "There is no such file.")
        if path == "/" and NEXT in cookies and method == "GET":
            return _to(inside(cookies[NEXT]), forget=NEXT)
        return None

    async def _is_own(self, principal: Principal, path: str) -> bool:
        """A page that is just being drawn anew names its files again within a moment."""
        for _ in range(_TRIES):
            if self._owns(principal, path):
                return True
            await anyio.sleep(_PAUSE_SECONDS)
        return False

    def _let_go_of_others(self, scope: Scope, principal: Principal) -> None:
        """A browser that comes back names its earlier session, as the third of its protocols.
        Streamlit gives it that one to whoever knows its id: take out one that is not theirs.
        """
        for place, (name, value) in enumerate(scope["headers"]):
            if name != b"sec-websocket-protocol":
                continue
            entries = [part.strip() for part in value.decode("latin-1").split(",")]
            session = entries[2] if len(entries) > 2 else ""
            if session and not self._owns(principal, f"/_stcore/upload_file/{session}"):
                scope["headers"][place] = (name, ", ".join(entries[:2]).encode("latin-1"))

    def _unknown(self, scope: Scope, headers: dict[str, str], asking: Asking) -> App:
        if scope["type"] == "websocket":
            return _closed
        if scope["method"] == "GET" and "text/html" in headers.get("accept", ""):
            query = scope["query_string"].decode("latin-1")
            wanted = scope["path"] + (f"?{query}" if query else "")
            return _to(f"/sign-in?next={quote(wanted, safe='')}")
        return _plain(401, asking.why or "Sign in first.")

    def _same_origin(self, scope: Scope) -> bool:
        """Whether a request that changes something comes from our own pages, or from a program,
        which sends no origin and brings a token.
        """
        headers = headers_of(scope)
        origin = headers.get("origin")
        if origin is None:
            return headers.get("sec-fetch-site", "none") in ("none", "same-origin")
        host = headers.get("host", "")
        return origin == self._settings.origin or origin.partition("://")[2] == host

    def _most(self, path: str) -> int:
        return self._settings.number("upload_mb") << 20 if path.startswith(_UPLOADS) else _SMALL

    def _measured(self, scope: Scope, receive: Receive) -> Receive:
        """Ends a body that is larger than it said or than it may be: the rest is not read."""
        left = self._most(scope["path"])

        async def measured() -> Message:
            nonlocal left
            message = await receive()
            if message["type"] == "http.request":
                left -= len(message.get("body", b""))
                if left < 0:
                    return {"type": "http.disconnect"}
            return message

        return measured if scope["type"] == "http" else receive

    def _dressed(self, scope: Scope, send: Send) -> Send:
        """Adds the headers to each answer; what the application sets itself stays."""
        path = scope["path"]
        kept = b"private" if path.startswith("/media/") else b"private, no-store"
        private = path.startswith(("/media/", "/api/"))

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = list(message.get("headers", []))
                names = {name.lower() for name, _ in own}
                if private:  # whatever the application says: another person may sit here next
                    own = [pair for pair in own if pair[0].lower() != b"cache-control"]
                    own.append((b"cache-control", kept))
                own += [pair for pair in self._headers.items() if pair[0] not in names]
                message = {**message, "headers": own}
            await send(message)

        return dressed


def headers_of(scope: Scope) -> dict[str, str]:
    """The headers of a request by their names in small letters."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


def cookies_of(scope: Scope) -> dict[str, str]:
    """The cookies of a request; none of them where they are not well formed."""
    lines = [value.decode("latin-1") for name, value in scope["headers"] if name == b"cookie"]
    try:
        return {name: one.value for name, one in SimpleCookie("; ".join(lines)).items()}
    except CookieError:
        return {}


def inside(address: str) -> str:
    """An address of this server that somebody may be sent to after signing in, else `/`."""
    plain = address.isascii() and address.isprintable() and "\\" not in address
    return address if plain and address.startswith("/") and not address.startswith("//") else "/"


def _own_hosts(settings: Settings) -> set[str]:
    """Names by which a browser reaches a studio that asks nobody to sign in. A page of another site
    whose name was made to lead here would have its own.
    """
    return {"localhost", "127.0.0.1", "::1", urlsplit(settings.origin).hostname or "localhost"}


def _host(scope: Scope) -> str:
    """The name in `Host`, without its port; empty where there is none."""
    try:
        return urlsplit(f"//{headers_of(scope).get('host', '')}").hostname or ""
    except ValueError:
        return ""


def _length(scope: Scope) -> int:
    said = headers_of(scope).get("content-length", "0") if scope["type"] == "http" else "0"
    return int(said) if said.isdigit() else 0


def _plain(status: int, words: str) -> App:
    code = {401: "sign_in", 403: "access", 404: "not_found"}.get(status, "error")
    return _answer(status, {"code": code, "what": words, "why": "", "try_this": ""})


def _answer(status: int, error: ErrorObject) -> App:
    body = json.dumps({"error": error}).encode()

    async def answer(scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await _closed(scope, _receive, send)
            return
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        if status == 401:
            headers.append((b"www-authenticate", b"Bearer"))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return answer


def _to(address: str, forget: str = "") -> App:
    async def answer(_scope: Scope, _receive: Receive, send: Send) -> None:
        headers = [(b"location", address.encode("latin-1")), (b"cache-control", b"no-store")]
        if forget:
            headers.append((b"set-cookie", f"{forget}=; Max-Age=0; Path=/".encode()))
        await send({"type": "http.response.start", "status": 303, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    return answer


async def _closed(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "websocket.close", "code": 1008, "reason": "Sign in first."})
