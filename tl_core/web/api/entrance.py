"""What every request to `/api/v1` passes first: is somebody acting, do they come too often, is the
body within bounds. A pure ASGI middleware, behind the gate.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from math import ceil
from urllib.parse import unquote_to_bytes

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tl_core import __version__
from tl_core.access.principal import Principal
from tl_core.access.secret_words import digest
from tl_core.settings import Settings
from tl_core.web.api.error_answers import refusal, told
from tl_core.web.gate import headers_of
from tl_core.web.identity import bearer

VERSION_HEADER = "graft-version"
JSON_BYTES = 1 << 20
QUESTION_BYTES = 32 << 20  # of pictures in a JSON body
_FORM_BYTES = 1 << 20  # that a form needs beside its files
_MOST_KEYS = 10_000


class Buckets:
    """A bucket of requests for each key, which fills up again by the minute.

    Args:
        per_minute: how many fit, and come back in a minute; None for no limit.
        clock: gives seconds.
    """

    def __init__(self, per_minute: int | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = per_minute, clock
        self._left: dict[str, tuple[float, float]] = {}  # requests, and when that was so

    def wait(self, key: str) -> float:
        """Take one request out: 0 when there was one, else the seconds until there is."""
        if self._most is None:
            return 0.0
        now, rate = self._clock(), self._most / 60
        left, since = self._left.get(key, (float(self._most), now))
        left = min(float(self._most), left + rate * (now - since))
        if left < 1:
            return (1 - left) / rate
        self._left[key] = left - 1, now
        if len(self._left) > _MOST_KEYS:
            self._forget_full(now, rate)
        return 0.0

    def _forget_full(self, now: float, rate: float) -> None:
        full = float(self._most or 0)
        self._left = {
            key: (left, since)
            for key, (left, since) in self._left.items()
            if left + rate * (now - since) < full
        }


class Entrance:
    """Wraps the application of `/api/v1`.

    Args:
        app: what is behind it.
        settings: of this server.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app, self._settings = app, settings
        self._buckets = Buckets(settings.limit("api_per_minute"))
        self._version = (VERSION_HEADER.encode(), __version__.encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def signed(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], self._version]}
            await send(message)

        refused = self._refusal(scope)
        if refused is not None:
            await refused(scope, receive, signed)
        else:
            await self._app(scope, self._measured(scope, receive), signed)

    def _refusal(self, scope: Scope) -> ASGIApp | None:
        acting: Principal | None = scope.get("state", {}).get("principal")
        if acting is None:
            return refusal(401, told("sign_in", "Sign in first, or bring a token."))
        headers = Headers(scope=scope)
        secret = bearer(headers_of(scope))  # as the gate reads it: one token has one bucket
        wait = self._buckets.wait(digest(secret) if secret else f"person {acting.id}")
        if wait:
            return refusal(
                429,
                told("busy", "Too many requests.", "", f"Come again in {ceil(wait)} seconds."),
                {"retry-after": str(ceil(wait))},
            )
        if b"\0" in unquote_to_bytes(scope["path"]) + unquote_to_bytes(scope["query_string"]):
            return refusal(400, told("request", "This address is not one of this server."))
        said = headers.get("content-length", "")
        if said.isdigit() and int(said) > self._most(scope):
            return refusal(413, told("too_large", "More was sent than is taken."))
        return None

    def _most(self, scope: Scope) -> int:
        """Bytes that a body may have."""
        kind = Headers(scope=scope).get("content-type", "")
        if kind.startswith("multipart/form-data"):
            return (self._settings.number("upload_mb") << 20) + _FORM_BYTES
        return QUESTION_BYTES if "/predict/" in scope["path"] else JSON_BYTES

    def _measured(self, scope: Scope, receive: Receive) -> Receive:
        """Breaks off a body of unknown length that grows too large."""
        left = self._most(scope)

        async def measured() -> Message:
            nonlocal left
            message = await receive()
            if message["type"] == "http.request":
                left -= len(message.get("body", b""))
                if left < 0:
                    raise HTTPException(413)
            return message

        return measured
