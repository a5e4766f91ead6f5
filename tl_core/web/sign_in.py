"""The door: plain pages to sign in, out, and to accept an invitation. Nobody reaches Streamlit
before they are known, so these need none of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import anyio
import anyio.to_thread
from jinja2 import Environment, FileSystemLoader
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from tl_core.access.accounts import Accounts
from tl_core.errors import UserError
from tl_core.settings import Settings
from tl_core.web.gate import NEXT, cookies_of, headers_of, inside
from tl_core.web.identity import ACCOUNTS, COOKIE, HEADER, OIDC, Asking, Identity

_NEXT_SECONDS = 600
_HASHES = 4  # passwords that are looked at at once: each takes 64 MiB and a core
Links = Callable[[], Sequence[tuple[str, str]]]


@dataclass(frozen=True)
class Field:
    """An input of a form."""

    name: str
    label: str
    type: str
    autocomplete: str
    value: str = ""


class Door:
    """The pages before the gate.

    Args:
        settings: of this server.
        identity: tells who asks.
        accounts: of this server's own.
        links: to the providers with whom people sign in, by what stands on the buttons.
    """

    def __init__(
        self, settings: Settings, identity: Identity, accounts: Accounts, links: Links
    ) -> None:
        self._settings, self._identity = settings, identity
        self._accounts, self._links = accounts, links
        self._hashing = anyio.CapacityLimiter(_HASHES)

    def routes(self) -> list[Route]:
        """Where they stand."""
        return [
            Route("/sign-in", self.sign_in, methods=["GET", "POST"]),
            Route("/sign-out", self.sign_out, methods=["GET"]),
            Route("/invite/{secret}", self.invited, methods=["GET", "POST"]),
        ]

    async def sign_in(self, request: Request) -> Response:
        """The page with the providers, or with name and password."""
        if request.method == "POST" and self._settings.sign_in == ACCOUNTS:
            return await self._with_password(request)
        asking = await anyio.to_thread.run_sync(self._asking, request)
        wanted = inside(request.query_params.get("next", "/"))
        if asking.principal is not None:
            return RedirectResponse(wanted, 303)
        response = self._page(asking.why, wanted)
        response.set_cookie(
            NEXT, wanted, max_age=_NEXT_SECONDS, httponly=True, samesite="lax", secure=self._secure
        )
        return response

    def _page(self, problem: str, wanted: str, handle: str = "", status: int = 200) -> Response:
        way = self._settings.sign_in
        words = {
            OIDC: "Sign in to see your projects.",
            ACCOUNTS: "Sign in to see your projects. An administrator sends invitations.",
            HEADER: "The address that you came by signs nobody in. Use the one of your team.",
        }
        fields = [
            Field("handle", "Name", "text", "username", handle),
            Field("password", "Password", "password", "current-password"),
        ]
        return _drawn(
            status,
            title="Sign in",
            words=words.get(way, "Nobody needs to sign in here."),
            problem=problem,
            links=self._links() if way == OIDC else [],
            fields=fields if way == ACCOUNTS else [],
            next=wanted,
            button="Sign in",
        )

    async def _with_password(self, request: Request) -> Response:
        form = await request.form(max_files=0, max_fields=5)
        handle, password = str(form.get("handle", "")), str(form.get("password", ""))
        wanted, address = inside(str(form.get("next", "/"))), _address(request)
        try:
            secret = await anyio.to_thread.run_sync(
                self._accounts.sign_in, handle, password, address, limiter=self._hashing
            )
        except UserError as error:
            return self._page(f"{error.what} {error.try_this}", wanted, handle, 403)
        return self._signed_in(secret, wanted)

    def _signed_in(self, secret: str, wanted: str) -> Response:
        response = RedirectResponse(wanted, 303)
        response.set_cookie(
            COOKIE,
            secret,
            max_age=3600 * self._settings.number("session_hours"),
            httponly=True,
            samesite="lax",
            secure=self._secure,
        )
        response.delete_cookie(NEXT)
        return response

    async def sign_out(self, request: Request) -> Response:
        """End the session; another site's link to here is ignored."""
        if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return RedirectResponse("/", 303)
        if self._settings.sign_in == OIDC:
            return RedirectResponse("/auth/logout", 303)
        if secret := request.cookies.get(COOKIE):
            await anyio.to_thread.run_sync(self._accounts.sign_out, secret)
        response = RedirectResponse("/sign-in", 303)
        response.delete_cookie(COOKIE)
        return response

    async def invited(self, request: Request) -> Response:
        """Make the account of an invitation, and sign in with it."""
        secret = request.path_params["secret"]
        if self._settings.sign_in != ACCOUNTS:
            return _drawn(404, title="Invitation", words="There are no invitations here.")
        name = handle = problem = ""
        try:
            await anyio.to_thread.run_sync(self._accounts.invited, secret)
            if request.method == "POST":
                form = await request.form(max_files=0, max_fields=6)
                handle, name = str(form.get("handle", "")), str(form.get("name", ""))
                password = str(form.get("password", ""))
                await anyio.to_thread.run_sync(
                    self._accounts.accept, secret, handle, name, password, limiter=self._hashing
                )
                session = await anyio.to_thread.run_sync(
                    self._accounts.sign_in,
                    handle,
                    password,
                    _address(request),
                    limiter=self._hashing,
                )
                return self._signed_in(session, "/")
        except UserError as error:
            problem = str(error)
            if error.code == "not_found":
                return _drawn(404, title="Invitation", words=problem)
        return _drawn(
            400 if problem else 200,
            title="Invitation",
            words="You are invited. Choose a name to sign in with, and a password.",
            problem=problem,
            fields=[
                Field("handle", "Name to sign in with", "text", "username", handle),
                Field("name", "Your name", "text", "name", name),
                Field("password", "Password", "password", "new-password"),
            ],
            button="Make my account",
        )

    def _asking(self, request: Request) -> Asking:
        return self._identity.of(cookies_of(request.scope), headers_of(request.scope))

    @property
    def _secure(self) -> bool:
        return self._settings.url.startswith("https:")


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


@cache
def _environment() -> Environment:
    folder = Path(__file__).with_name("templates")
    return Environment(loader=FileSystemLoader(folder), autoescape=True)


def _drawn(status: int, **values: object) -> HTMLResponse:
    """A page of the door; what is given is escaped."""
    shown = {"problem": "", "links": [], "fields": [], "next": "/", "button": "", **values}
    page = _environment().get_template("door.html.j2").render(shown)
    return HTMLResponse(page, status, headers={"cache-control": "no-store"})
