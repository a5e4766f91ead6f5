"""Reports and files of runs, bundles, and files to be predicted."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse, Response, StreamingResponse

from tl_core.config import RunConfig
from tl_core.errors import NotFoundError, StateError
from tl_core.evaluate.html import render
from tl_core.evaluate.report import FILE as REPORT
from tl_core.evaluate.report import Report, load_report
from tl_core.json_files import finite
from tl_core.registry.run import Run
from tl_core.results import EXPORT
from tl_core.storage import new_upload_folder, remove_tree
from tl_core.web.api import bodies
from tl_core.web.api.acting import Acting, Who, needs
from tl_core.web.api.error_answers import REFUSALS
from tl_core.web.api.model_archive import archive_of
from tl_core.web.api.run_facts import run_facts
from tl_core.web.api.schemas import (
    BundleWishes,
    FileFacts,
    FileName,
    Files,
    FileWishes,
    RunFacts,
    RunId,
    Unlabelled,
    dataset_reference,
)
from tl_core.web.api.sent_files import Form, most_bytes, receive
from tl_core.web.run_files import takeable

router = APIRouter(tags=["files"])
_QUEUED: dict[str, Any] = {"status_code": 202, "response_model": RunFacts}
_PREDICTING = needs("runs:read", "runs:write", "datasets:read")
_PREDICTING["openapi_extra"] |= bodies.described(Unlabelled, FileWishes, "file")
_CONTENT: dict[str, Any] = {"content": {"*/*": {}}}
_FILE = {
    **REFUSALS,
    200: {"description": "the file", **_CONTENT},
    206: {"description": "the part that was asked for", **_CONTENT},
    416: {"description": "there is no such part", "content": {"text/plain": {}}},
}
Made = Callable[[], Response]


@router.get("/runs/{run_id}/report", **needs("runs:read"))
def show_report(run_id: RunId, acting: Who) -> dict[str, Any]:
    """Everything measured about a finished run. A closed test score stays closed: `test` is null
    then.
    """
    content: Any = finite(_report_of(acting.runs.get(run_id)))
    return dict(content)


def _report_of(run: Run) -> Report:
    if not (run.folder / REPORT).is_file():
        raise StateError(
            f"Run {run.id} has no report.",
            f"It is {run.status}.",
            "Wait until it is done, or resume it.",
        )
    return load_report(run.folder)


@router.get("/runs/{run_id}/files", **needs("runs:read"))
def list_files(run_id: RunId, acting: Who) -> Files:
    """The files that may be taken of a run."""
    run = acting.runs.get(run_id)
    there = [FileFacts(name=name, bytes=path.stat().st_size) for name, path in _kept(run).items()]
    return Files(files=[*there, *(FileFacts(name=name, bytes=None) for name in _made(run))])


@router.get(
    "/runs/{run_id}/files/{name}",
    response_class=Response,
    **{**needs("runs:read"), "responses": _FILE},
)
def give_file(run_id: RunId, name: FileName, acting: Who) -> Response:
    """A file; what lies on the disk is given in parts, too (`Range`)."""
    run = acting.runs.get(run_id)
    if path := _kept(run).get(name):
        return FileResponse(path, filename=name, media_type=_type_of(name))
    if made := _made(run).get(name):
        return made()
    raise NotFoundError(f"There is no file {name!r}.", "", "The list of files names all of them.")


def _kept(run: Run) -> Mapping[str, Path]:
    """Files on the disk by their names."""
    proof = run.folder / EXPORT.name
    return {**takeable(run), **({EXPORT.name: proof} if proof.is_file() else {})}


def _made(run: Run) -> Mapping[str, Made]:
    """Files that are made while they are sent."""
    found: dict[str, Made] = {}
    if (run.folder / REPORT).is_file():
        found[f"report-{run.id}.html"] = lambda: _attached(
            Response(render(load_report(run.folder)), media_type="text/html"),
            f"report-{run.id}.html",
        )
    model = run.folder / "model"
    if run.status == "done" and (model / "config.json").is_file():
        name = f"model-{run.id}.zip"
        found[name] = lambda: _attached(
            StreamingResponse(archive_of(model), media_type="application/zip"), name
        )
    return found


def _attached(response: Response, name: str) -> Response:
    response.headers["content-disposition"] = f'attachment; filename="{name}"'
    return response


def _type_of(name: str) -> str:
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


@router.post(
    "/runs/{run_id}/bundle", **_QUEUED, **needs("runs:read", "runs:write", "datasets:read")
)
def make_bundle(run_id: RunId, body: BundleWishes, acting: Who) -> object:
    """Make a bundle of a trained model. The answer is the run that does it; its files hold the zip
    at the end.
    """
    run = _with_model(acting.runs.get(run_id))
    record = acting.datasets.get(run.dataset)
    plain = "".join(sign if sign.isalnum() else "-" for sign in run.dataset.partition("@")[0])
    wishes = {"onnx": body.onnx or body.int8, "int8": body.int8, "examples": body.examples}
    config = RunConfig(
        "export",
        acting.principal.id,
        run.dataset,
        str(record.folder),
        options={
            "run": run.id,
            "name": f"{plain.strip('-') or 'model'}-{run.id}",
            "wishes": wishes,
        },
    )
    return run_facts(acting, acting.submit(config))


def _with_model(run: Run) -> Run:
    """A run whose model can be used.

    Raises:
        StateError: for any other.
    """
    if not (run.folder / "model" / "config.json").is_file():
        raise StateError(
            f"Run {run.id} has no model to predict with.",
            f"It is a {run.recipe or run.kind} run and {run.status}.",
            "Choose a finished run of the recipe 'probe'.",
        )
    return run


@router.post("/runs/{run_id}/predictions", **_QUEUED, **_PREDICTING)
async def predict_file(run_id: RunId, request: Request, acting: Who) -> object:
    """Answer every item of a table, picture or zip, or the rows of a dataset that have no class.
    The answer is the run that does it; its files hold the answers at the end.
    """
    run = _with_model(await run_in_threadpool(acting.runs.get, run_id))
    acting.policy.require_making("runs:write")
    if not bodies.is_form(request):
        wishes = await bodies.read_json(request, Unlabelled)
        started = await run_in_threadpool(_predict_rows, acting, run, wishes)
        return run_facts(acting, started)
    most = await run_in_threadpool(most_bytes, acting, request)
    folder = new_upload_folder(acting.settings)
    try:
        form = await receive(request, folder, ("file",), most)
        started = await run_in_threadpool(_predict_form, acting, run, form)
    except BaseException:
        remove_tree(folder)
        raise
    return run_facts(acting, started)


def _predict_rows(acting: Acting, run: Run, wishes: Unlabelled) -> Run:
    record = acting.datasets.get(dataset_reference(wishes.unlabelled))
    options = wishes.model_dump(exclude={"unlabelled"})
    return _predict(acting, run, record.reference, {**options, "prepared": True})


def _predict_form(acting: Acting, run: Run, form: Form) -> Run:
    wishes = bodies.from_fields(form.fields, FileWishes).model_dump()
    return _predict(acting, run, run.dataset, {**wishes, "source": str(form.needed("file"))})


def _predict(acting: Acting, run: Run, dataset: str, options: Mapping[str, object]) -> Run:
    config = RunConfig("predict", acting.principal.id, dataset, options={"run": run.id, **options})
    return acting.submit(config)
