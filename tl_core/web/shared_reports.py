"""A report for somebody without an account, who has its link: the page that prints on A4, without
any of the items, and with a closed test score left closed.
"""

from __future__ import annotations

import anyio.to_thread
from sqlalchemy import Engine
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from tl_core.access.links import open_link
from tl_core.errors import UserError
from tl_core.evaluate.html import render
from tl_core.evaluate.report import load_report
from tl_core.jobs.events import RunView
from tl_core.progress import Curve
from tl_core.settings import Settings

_HEADERS = {
    "cache-control": "private, no-store",
    "x-robots-tag": "noindex",
    "referrer-policy": "no-referrer",  # the address is the secret
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:",
}


class SharedReports:
    """Answers of `/shared/SECRET`."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        self._settings, self._engine = settings, engine

    def routes(self) -> list[Route]:
        """Where they stand."""
        return [Route("/shared/{secret}", self.show)]

    async def show(self, request: Request) -> Response:
        """The report, or one sentence for every link that does not hold."""
        page = await anyio.to_thread.run_sync(self._page, request.path_params["secret"])
        if page is None:
            return PlainTextResponse(
                "This link does not hold: it has expired, or was taken back.", 404, _HEADERS
            )
        return HTMLResponse(page, headers=_HEADERS)

    def _page(self, secret: str) -> str | None:
        found = open_link(self._engine, secret)
        if found is None:
            return None
        folder = self._settings.home_path / found[1]
        try:
            report = load_report(folder)
        except UserError:
            return None
        points = RunView().follow(folder).curves.get(Curve.TRAINING, [])
        loss = [(point["epoch"], point["loss"]) for point in points if point.get("loss")]
        return render(report, loss)
