"""The only place that knows how Streamlit keeps who has signed in with a provider."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from functools import lru_cache
from typing import cast

from tl_core.database.engine import open_database
from tl_core.errors import ConfigError
from tl_core.settings import Settings, provider_settings
from tl_core.web.identity import Identity

_USER_COOKIE = "_streamlit_user"
log = logging.getLogger(__name__)


def provider_claims(cookies: Mapping[str, str]) -> Mapping[str, object] | None:
    """The claims in the cookie that the sign-in with a provider left, None for any that this server
    has not signed. Streamlit has no public function for this; whatever goes wrong is nobody.
    """
    try:
        from streamlit.web.server.starlette.starlette_websocket import (
            _get_signed_cookie_with_chunks,
        )

        raw = _get_signed_cookie_with_chunks(dict(cookies), _USER_COOKIE)
        found = json.loads(raw) if raw else None
    except Exception:  # noqa: BLE001 - an unknown failure must not let anybody in
        log.exception("the cookie of a sign-in could not be read")
        return None
    return cast("Mapping[str, object]", found) if isinstance(found, dict) else None


@lru_cache(maxsize=8)
def identity(settings: Settings) -> Identity:
    """Tells who is asking, for pages and addresses alike: one for the settings of this process."""
    return Identity(settings, open_database(settings), provider_claims)


def login_links(settings: Settings) -> list[tuple[str, str]]:
    """What stands on the button of each provider, and the address that it leads to."""
    from streamlit.auth_util import encode_provider_token

    names = settings.listed("oidc_providers")
    if not names:
        return [("Sign in", f"/auth/login?provider={encode_provider_token('default')}")]
    return [
        (f"Sign in with {name}", f"/auth/login?provider={encode_provider_token(name.lower())}")
        for name in names
    ]


def secrets_of(settings: Settings, cookie_secret: str) -> dict[str, object]:
    """What Streamlit's `secrets` must hold to sign people in with the providers of the settings.

    Raises:
        ConfigError: when something about a provider, or TL_URL, is missing.
    """
    if settings.sign_in != "oidc":
        return {}
    auth: dict[str, object] = {
        "redirect_uri": f"{settings.origin}/oauth2callback",
        "cookie_secret": cookie_secret,
    }
    names = settings.listed("oidc_providers")
    for name in names:
        if not name.isalnum():
            raise ConfigError(
                f"A provider is called {name!r}.", "Names have letters and digits alone."
            )
        auth[name.lower()] = provider_settings(settings, name)
    return {"auth": auth if names else auth | provider_settings(settings, "")}
