"""Whether the Hugging Face Hub can be reached; asked before any call to it."""

from __future__ import annotations

import os
import socket
import time
import urllib.error
import urllib.request
from urllib.parse import urlsplit

_CONNECT_SECONDS, _READ_SECONDS, _KEEP_SECONDS = 2.0, 3.0, 60.0
_probed: dict[str, tuple[float, bool]] = {}


def endpoint() -> str:
    return os.environ.get("HF_ENDPOINT", "https://huggingface.co").rstrip("/")


def is_reachable() -> bool:
    """Whether the Hub answers; at most five seconds, remembered for a minute.

    The plain client waits 23 s on refused connections and over 150 s on silent hosts.
    """
    url = endpoint()
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "TRUE", "YES", "ON"):
        return False
    known = _probed.get(url)
    if known and time.monotonic() - known[0] < _KEEP_SECONDS:
        return known[1]
    answer = _answers(url)
    _probed[url] = (time.monotonic(), answer)
    return answer


def _answers(url: str) -> bool:
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), timeout=_CONNECT_SECONDS).close()
        with urllib.request.urlopen(
            urllib.request.Request(url, method="HEAD"), timeout=_READ_SECONDS
        ):
            return True
    except urllib.error.HTTPError:
        return True
    except (OSError, ValueError):
        return False
