"""Telling the outside that a run has ended, if an address was set for that.

The dispatcher does it: a worker has neither the address, which is a secret, nor a network.
"""

from __future__ import annotations

import json
import logging
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from urllib.error import URLError

from sqlalchemy import Engine, select

from tl_core.database.tables import runs
from tl_core.registry.run import ENDED
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


class Notices:
    """The started runs whose end is still to be told, an empty file in TL_HOME for each, so that
    the next dispatcher tells what this one could not.

    Args:
        settings: of the dispatcher.
        engine: of the registry.
    """

    def __init__(self, settings: Settings, engine: Engine) -> None:
        self._settings, self._engine = settings, engine
        self._folder = settings.home_path / "notices"
        self._waiting = {path.name for path in self._folder.glob("*")}
        self._sender = ThreadPoolExecutor(1, "notices")  # a deaf address holds nothing up

    def expect(self, run_id: str) -> None:
        """A run has been started."""
        if self._settings.webhook:
            self._folder.mkdir(exist_ok=True)
            (self._folder / run_id).touch()
            self._waiting.add(run_id)

    def send(self) -> None:
        """Tell of those that have ended, whatever ended them."""
        if not self._waiting:
            return
        query = select(runs.c.id, runs.c.status, runs.c.headline, runs.c.reason)
        with self._engine.connect() as connection:
            rows = {
                row.id: row for row in connection.execute(query.where(runs.c.id.in_(self._waiting)))
            }
        for run_id in list(self._waiting):
            row = rows.get(run_id)
            if row is None or row.status in ENDED:
                self._waiting.discard(run_id)
                text = "" if row is None else row.headline or (row.reason or {}).get("what", "")
                self._sender.submit(self._tell, run_id, row and row.status, text)

    def close(self) -> None:
        """Wait for what is being told."""
        self._sender.shutdown()

    def _tell(self, run_id: str, status: str | None, text: str) -> None:
        if status is not None:  # not of a run that was deleted meanwhile
            notify(self._settings, run_id, status, text)
        (self._folder / run_id).unlink(missing_ok=True)
