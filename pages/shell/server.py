"""The server: Streamlit's pages, our own addresses beside them, and the gate in front of both."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware
from starlette.routing import Mount

from pages.shell.streamlit_login import identity, login_links, secrets_of
from pages.shell.streamlit_sessions import owns
from tl_core.access.accounts import Accounts
from tl_core.database.engine import open_database
from tl_core.errors import ConfigError
from tl_core.settings import Settings
from tl_core.web.gate import Gate
from tl_core.web.identity import WAYS
from tl_core.web.lazy import Lazy
from tl_core.web.resumable import Uploads
from tl_core.web.run_files import RunFiles
from tl_core.web.shared_reports import SharedReports
from tl_core.web.sign_in import Door
from tl_core.web.vital_signs import Health

ROOT = Path(__file__).resolve().parents[2]
_SHORTEST_SECRET = 32


def check(settings: Settings) -> None:
    """Refuse settings with which strangers could come in.

    Raises:
        ConfigError: when the server listens to others and nobody has to sign in, without
            `TL_OPEN=1`; when a way of signing in is unknown, or lacks what it needs.
    """
    if settings.sign_in and settings.sign_in not in WAYS:
        raise ConfigError(
            f"TL_SIGN_IN is {settings.sign_in!r}.", f"It is one of {', '.join(WAYS)}."
        )
    if not settings.sign_in and not settings.is_local and settings.open != "1":
        raise ConfigError(
            f"The server would listen on {settings.address}, and nobody would have to sign in.",
            "Whoever reaches it could see, change and delete everything.",
            "Set TL_SIGN_IN (see docs/guide/server.md), or TL_OPEN=1 if that is what you want.",
        )
    if settings.sign_in and not settings.origin:
        raise ConfigError(
            "TL_URL is missing.",
            "Sign-in needs the address by which browsers reach this server.",
            "Set it, such as TL_URL=https://graft.example.org.",
        )
    if settings.sign_in == "header" and not settings.listed("proxies"):
        raise ConfigError(
            "TL_PROXIES is missing.",
            "With TL_SIGN_IN=header anybody could otherwise write the header themselves.",
            "Set it to the address of your reverse proxy.",
        )


def cookie_secret(settings: Settings) -> str:
    """What cookies are signed with: `TL_COOKIE_SECRET`, else one that is made once and kept.

    Raises:
        ConfigError: when it is too short to be safe.
    """
    if settings.cookie_secret:
        if len(settings.cookie_secret) < _SHORTEST_SECRET:
            raise ConfigError(
                "TL_COOKIE_SECRET is too short.",
                f"Whoever guesses it is whom they like; it needs {_SHORTEST_SECRET} characters.",
                "Make one: python -c 'import secrets; print(secrets.token_hex(32))'.",
            )
        return settings.cookie_secret
    path = settings.home_path / "cookie_secret"
    if not path.exists():
        ours = path.with_name(f"cookie_secret.{os.getpid()}")
        with os.fdopen(os.open(ours, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as target:
            target.write(secrets.token_hex(32))
        with suppress(FileExistsError):  # another process was quicker: its secret counts
            os.link(ours, path)
        ours.unlink()
    return path.read_text().strip()


def build(settings: Settings) -> st.App:
    """The ASGI application of this server.

    Raises:
        ConfigError: as `check`.
    """
    check(settings)
    engine, secret = open_database(settings), cookie_secret(settings)
    os.environ["STREAMLIT_SERVER_COOKIE_SECRET"] = secret  # else each replica would have its own
    os.environ["FORWARDED_ALLOW_IPS"] = ""  # the gate alone decides which proxy is believed
    asked = identity(settings)
    door = Door(settings, asked, Accounts(engine, settings), lambda: login_links(settings))
    return st.App(
        ROOT / "app.py",
        secrets=secrets_of(settings, secret) or None,
        routes=[
            *door.routes(),
            *Health(settings, engine).routes(),
            *Uploads(settings, engine).routes(),
            *RunFiles(settings, engine).routes(),
            *SharedReports(settings, engine).routes(),
            Mount("/api/v1", app=Lazy("tl_core.web.api.app:build", settings, engine)),
        ],
        middleware=[Middleware(Gate, identity=asked, settings=settings, owns=owns)],
    )
