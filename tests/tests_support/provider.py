"""A real OpenID Connect provider as a process of its own, on loopback."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request

from tests_support.studio import free_port


class Provider:
    """Signs anybody in as the subject that they type."""

    def __init__(self):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "-p", str(self.port)],
            env={**os.environ, "AUTHLIB_INSECURE_TRANSPORT": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + 30
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.1)
        raise AssertionError("the provider did not start")

    @property
    def settings(self) -> dict[str, str]:
        """What a studio needs to sign people in here."""
        return {
            "TL_SIGN_IN": "oidc",
            "TL_URL": "http://localhost:{port}",
            "TL_OIDC_METADATA_URL": f"{self.url}/.well-known/openid-configuration",
            "TL_OIDC_CLIENT_ID": "studio",
            "TL_OIDC_CLIENT_SECRET": "not a secret",
        }

    def knows(self, subject: str, **claims: object) -> None:
        """Set what it says of somebody."""
        request = urllib.request.Request(
            f"{self.url}/users/{subject}",
            json.dumps(claims).encode(),
            {"content-type": "application/json"},
            method="PUT",
        )
        urllib.request.urlopen(request, timeout=10).close()

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
