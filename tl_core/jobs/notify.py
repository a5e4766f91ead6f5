"""Telling the outside that a run has ended, if an address was set for that."""

from __future__ import annotations

import json
import logging
import urllib.request
from urllib.error import URLError

from tl_core.settings import Settings

_SECONDS = 5.0
log = logging.getLogger(__name__)


def notify(settings: Settings, run_id: str, status: str, text: str) -> None:
    """POST `{"run", "status", "text"}` to `TL_WEBHOOK`; a deaf address never spoils a run."""
    if not settings.webhook.startswith(("http://", "https://")):
        return
    body = json.dumps({"run": run_id, "status": status, "text": text}).encode()
    request = urllib.request.Request(settings.webhook, body, {"Content-Type": "application/json"})
    try:
        urllib.request.urlopen(request, timeout=_SECONDS).close()
    except (URLError, OSError, ValueError) as error:
        log.warning("the webhook did not answer: %s", error)
