"""Who is asking: from the cookies and headers of a request to a principal, by the way in which
people sign in to this server. Whatever cannot be checked is nobody.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import Engine

from tl_core.access.access_tokens import principal_of_token
from tl_core.access.accounts import Accounts
from tl_core.access.people import Claims, People, Person
from tl_core.access.principal import ADMIN, Principal
from tl_core.errors import SignInError
from tl_core.settings import Settings

OIDC, ACCOUNTS, HEADER = WAYS = ("oidc", "accounts", "header")
COOKIE = "graft_session"
_FRESH = 60.0  # seconds for which what a proxy said of somebody holds
ProviderClaims = Callable[[Mapping[str, str]], Mapping[str, object] | None]
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Asking:
    """Who asks; or nobody, and why what they brought does not count (empty: it was nothing)."""

    principal: Principal | None
    why: str = ""


class Identity:
    """Tells who is asking.

    Args:
        settings: of this server.
        engine: where people are known.
        provider_claims: reads the claims out of the cookie that the sign-in with a provider left;
            None for what is not there, not signed by this server, or damaged.
    """

    def __init__(self, settings: Settings, engine: Engine, provider_claims: ProviderClaims) -> None:
        self._settings, self._engine = settings, engine
        self._people, self._accounts = People(engine, settings), Accounts(engine, settings)
        self._provider_claims = provider_claims

    def of(
        self,
        cookies: Mapping[str, str],
        headers: Mapping[str, str],
        *,
        way: str = "page",
        address: str = "",
    ) -> Asking:
        """Who brought these cookies and headers (with names in small letters). The headers of a
        proxy must have been taken away from everybody else before.
        """
        settings = self._settings
        if not settings.sign_in:
            name = settings.user
            alone = settings.is_local
            return Asking(
                Principal(name, name, name, ADMIN, way=way, address=address, anywhere=alone)
            )
        try:
            if settings.sign_in == OIDC:
                person = self._from_provider(cookies)
            elif settings.sign_in == ACCOUNTS:
                person = self._from_session(cookies)
            else:
                person = self._from_proxy(headers)
        except SignInError as error:
            return Asking(None, str(error))
        if person is None:
            brought = settings.sign_in != HEADER and bool(cookies.get(COOKIE) or _signed(cookies))
            return Asking(None, "Your session is over. Sign in again." if brought else "")
        return Asking(person.principal(way, address))

    def of_token(self, headers: Mapping[str, str], address: str = "") -> Principal | None:
        """Who acts with the token of an `Authorization: Bearer` header."""
        secret = bearer(headers)
        if secret is None or not self._settings.sign_in:
            return None
        return principal_of_token(self._engine, secret, address)

    def _from_provider(self, cookies: Mapping[str, str]) -> Person | None:
        found = self._provider_claims(cookies)
        if found is None or found.get("origin") != self._settings.origin:
            return None
        issuer, subject = found.get("iss"), found.get("sub")
        began = max(_number(found.get("iat")), _number(found.get("auth_time")))
        if not isinstance(issuer, str) or not isinstance(subject, str) or not began:
            return None
        person = self._people.known(issuer, subject)
        if person is None or began > person.signed_in:
            groups = found.get(self._settings.groups_claim)
            person = self._people.arrive(
                Claims(
                    issuer,
                    subject,
                    str(found.get("name") or found.get("preferred_username") or ""),
                    str(found.get("email") or ""),
                    verified=found.get("email_verified") is True,
                    groups=[str(one) for one in groups] if isinstance(groups, list) else (),
                    at=began,
                )
            )
        return self._people.standing(person.id, began)

    def _from_session(self, cookies: Mapping[str, str]) -> Person | None:
        found = self._accounts.session(cookies.get(COOKIE, ""))
        return self._people.standing(*found) if found else None

    def _from_proxy(self, headers: Mapping[str, str]) -> Person | None:
        """Each request says anew who it is; signing out is the affair of the proxy."""
        subject = headers.get(self._settings.user_header.lower(), "").strip()
        if not subject:
            return None
        known = self._people.known(HEADER, subject)
        if known is not None and not known.disabled and time.time() - known.seen < _FRESH:
            return known
        groups = headers.get("x-forwarded-groups", "").split(",")
        email = headers.get("x-forwarded-email", "").strip()
        claims = Claims(
            HEADER,
            subject,
            subject,
            email,
            verified=bool(email),
            groups=[group.strip() for group in groups if group.strip()],
        )
        return self._people.arrive(claims)


def bearer(headers: Mapping[str, str]) -> str | None:
    """The secret of an `Authorization: Bearer` header; None without one."""
    scheme, _, secret = headers.get("authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else None


def _signed(cookies: Mapping[str, str]) -> bool:
    return any(name.startswith("_streamlit_user") for name in cookies)


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else 0.0
