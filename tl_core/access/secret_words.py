"""Secrets that are handed out once and kept only as a hash: cookies, tokens, invitations, links."""

from __future__ import annotations

import hashlib
import secrets

_BYTES = 32  # of chance in a secret: 256 bits, beyond any guessing


def new_secret(kind: str) -> str:
    """A secret that says what it is for, such as `gst_...`, so that scanners of code find it."""
    return f"{kind}_{secrets.token_urlsafe(_BYTES)}"


def digest(secret: str) -> str:
    """What is kept of it. SHA-256 without salt is right here, and only here: the secret is random,
    so there is no list of likely ones to try.
    """
    return hashlib.sha256(secret.encode()).hexdigest()
