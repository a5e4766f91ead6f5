"""Reverse proxies whose headers are believed; everybody else's are taken away."""

from __future__ import annotations

from collections.abc import MutableMapping
from ipaddress import ip_address, ip_network
from typing import Any

from tl_core.errors import ConfigError
from tl_core.settings import Settings

Scope = MutableMapping[str, Any]
_ALWAYS = {b"x-forwarded-email", b"x-forwarded-groups", b"x-forwarded-for", b"x-forwarded-proto"}


class Proxies:
    """The addresses and networks of `TL_PROXIES`.

    Raises:
        ConfigError: when one is no address.
    """

    def __init__(self, settings: Settings) -> None:
        try:
            self._networks = [ip_network(one, strict=False) for one in settings.listed("proxies")]
        except ValueError as error:
            raise ConfigError(
                f"TL_PROXIES is {settings.proxies!r}.",
                f"{error}.",
                "It is a list such as 10.0.0.5,192.168.0.0/16.",
            ) from error
        self._theirs = _ALWAYS | {settings.user_header.lower().encode()}

    def trusts(self, address: str) -> bool:
        """Whether headers from this address are believed."""
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._networks)

    def settle(self, scope: Scope) -> None:
        """Put the real client and scheme into a scope that came through a trusted proxy, and take
        the headers of proxies out of any other, so that nobody can claim to be one.
        """
        peer = scope["client"][0] if scope.get("client") else ""
        if not self.trusts(peer):
            scope["headers"] = [
                (name, value) for name, value in scope["headers"] if name not in self._theirs
            ]
            return
        headers = dict(scope["headers"])
        hops = headers.get(b"x-forwarded-for", b"").decode("latin-1").split(",")
        beyond = [hop.strip() for hop in hops if hop.strip() and not self.trusts(hop.strip())]
        if beyond:  # the last one that no proxy of ours wrote about itself
            scope["client"] = (beyond[-1], 0)
        if headers.get(b"x-forwarded-proto", b"").strip() == b"https":
            scope["scheme"] = "wss" if scope["type"] == "websocket" else "https"
