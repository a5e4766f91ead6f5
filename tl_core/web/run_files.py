"""Files that runs have made, for whoever may look at the run: streamed, never whole in memory."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import anyio.to_thread
from sqlalchemy import Engine
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from tl_core.errors import UserError
from tl_core.evaluate.report import FILE as REPORT
from tl_core.registry.run import Run
from tl_core.registry.runs import RunStore
from tl_core.settings import Settings

ADDRESS = "/api/runs/{run_id}/files/{name}"


def takeable(run: Run) -> Mapping[str, Path]:
    """What may be taken away of a run, by the name that it gets: its report, the predictions that
    belong to it, and the one file that it was there for (a bundle, a dataset, predictions). Nothing
    else in its folder: what is withheld of the test items, settings and logs are not among it.
    """
    files = {}
    report = run.folder / REPORT
    if report.is_file():
        files[f"report-{run.id}.json"] = report
        predictions = json.loads(report.read_text(encoding="utf-8")).get("predictions")
        if predictions:
            files[f"predictions-{run.id}.csv"] = run.folder / str(predictions)
    if made := (run.summary or {}).get("file"):
        files[str(made).rpartition("/")[2]] = run.folder / str(made)
    inside = run.folder.resolve()
    return {
        name: path
        for name, path in files.items()
        if path.is_file() and path.resolve().is_relative_to(inside)
    }


def address_of(run: Run, name: str) -> str:
    """Where the browser gets a file of a run, on the server that shows the page."""
    return ADDRESS.format(run_id=run.id, name=quote(name))


class RunFiles:
    """Gives the files of runs to those who may look at them."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        self._settings, self._engine = settings, engine

    def routes(self) -> list[Route]:
        """Where they stand."""
        return [Route(ADDRESS, self.give)]

    async def give(self, request: Request) -> Response:
        """One file, or a part of it where the browser goes on from a broken download."""
        path = await anyio.to_thread.run_sync(self._find, request)
        if path is None:
            return JSONResponse({"error": {"what": "There is no such file."}}, 404)
        return FileResponse(path, filename=request.path_params["name"])

    def _find(self, request: Request) -> Path | None:
        store = RunStore(
            self._engine, request.scope["state"]["principal"], self._settings.home_path
        )
        try:
            run = store.get(request.path_params["run_id"])
        except UserError:
            return None
        return takeable(run).get(request.path_params["name"])
