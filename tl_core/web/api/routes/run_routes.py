"""Runs: list, start, follow, end, resume, delete."""

from __future__ import annotations

import math
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query

from tl_core.config import RUN_KINDS, SETTINGS, RunConfig
from tl_core.errors import ConfigError, NotFoundError, nearest
from tl_core.jobs.events import read_events
from tl_core.json_files import finite
from tl_core.registry.run import ACTIVE, ENDED
from tl_core.services.trainings import check_training
from tl_core.web.api.acting import Acting, Who, needs
from tl_core.web.api.run_facts import run_details, run_facts
from tl_core.web.api.schemas import (
    DeletedRun,
    Events,
    NewRun,
    RunDetails,
    RunFacts,
    RunId,
    Runs,
    dataset_reference,
)

router = APIRouter(tags=["runs"])
_EVENT_BYTES = 1 << 20  # of one answer
_READ, _WRITE = "runs:read", "runs:write"


def _one_of(words: tuple[str, ...], about: str) -> Any:  # noqa: ANN401
    return Query(pattern=f"^({'|'.join(words)})?$", description=about)


@router.get("/runs", response_model=Runs, **needs(_READ))
def list_runs(
    acting: Who,
    kind: Annotated[str, _one_of(tuple(RUN_KINDS), "only runs of this kind")] = "",
    status: Annotated[str, _one_of((*ACTIVE, *ENDED), "only runs with this status")] = "",
    dataset: Annotated[str, Query(max_length=255, description="only runs about it")] = "",
    limit: Annotated[int, Query(ge=1, le=200, description="how many at most")] = 50,
    cursor: Annotated[str, Query(max_length=64, description="`next` of the part before")] = "",
    deleted: Annotated[bool, Query(description="those in the trash instead, all of them")] = False,
) -> object:
    """Runs that you may see, newest first. Estimates are listed only when asked for by `kind`."""
    if deleted:
        return {"runs": [run_facts(acting, run) for run in acting.runs.trash()], "next": None}
    after = _read_cursor(cursor) if cursor else None
    found = acting.runs.page(
        kind=kind, status=status, dataset=dataset, after=after, limit=limit + 1
    )
    shown, more = found[:limit], len(found) > limit
    return {
        "runs": [run_facts(acting, run) for run in shown],
        "next": f"{shown[-1].created!r} {shown[-1].id}" if more else None,
    }


def _read_cursor(text: str) -> tuple[float, str]:
    created, _, run_id = text.partition(" ")
    try:
        at = float(created)
    except ValueError:
        at = math.nan
    if not math.isfinite(at):
        raise ConfigError("This cursor is none.", "", "Take `next` of the part before.")
    return at, run_id


@router.post(
    "/runs", status_code=201, response_model=RunDetails, **needs(_READ, _WRITE, "datasets:read")
)
def start_run(
    body: NewRun,
    acting: Who,
    idempotency_key: Annotated[
        str | None,
        Header(
            pattern="^[!-~]{1,60}$",
            description="the same key again gives the run that was started with it",
        ),
    ] = None,
) -> object:
    """Start a training. It waits in the queue for its turn."""
    config = _training(body, acting)
    run = acting.submit(config, f"api {idempotency_key}" if idempotency_key else None)
    return run_details(acting, run)


def _training(body: NewRun, acting: Acting) -> RunConfig:
    """What is asked for, checked.

    Raises:
        UserError: when it could not work.
    """
    if body.recipe not in SETTINGS:
        raise NotFoundError(
            f"There is no recipe {body.recipe!r}.", "", nearest(body.recipe, SETTINGS)
        )
    record = acting.datasets.get(dataset_reference(body.dataset))
    config = RunConfig(
        body.kind,
        acting.principal.id,
        record.reference,
        str(record.folder),
        "" if body.recipe == "baseline" else body.backbone,
        body.recipe,
        body.settings,
        body.sealed,
    )
    check_training(config)
    return config


@router.get("/runs/{run_id}", response_model=RunDetails, **needs(_READ))
def show_run(run_id: RunId, acting: Who) -> object:
    """One run: how it stands, and the settings of its recipe."""
    return run_details(acting, acting.runs.get(run_id))


@router.delete("/runs/{run_id}", **needs(_READ, _WRITE))
def delete_run(run_id: RunId, acting: Who) -> DeletedRun:
    """Put an ended run into the trash."""
    acting.runs.delete([run_id])
    return DeletedRun(deleted=run_id)


@router.post("/runs/{run_id}/cancel", response_model=RunFacts, **needs(_READ, _WRITE))
def cancel_run(run_id: RunId, acting: Who) -> object:
    """Stop a run that waits or runs."""
    return run_facts(acting, acting.runs.cancel(run_id))


@router.post("/runs/{run_id}/stop", response_model=RunFacts, **needs(_READ, _WRITE))
def stop_run(run_id: RunId, acting: Who) -> object:
    """End a running fine-tuning early; its best state becomes the model."""
    return run_facts(acting, acting.runs.stop(run_id))


@router.post("/runs/{run_id}/resume", response_model=RunFacts, **needs(_READ, _WRITE))
def resume_run(run_id: RunId, acting: Who) -> object:
    """Queue an ended run again; what it has finished is kept."""
    from tl_core.jobs.dispatch import ensure_dispatcher

    run = acting.runs.resume(run_id)
    ensure_dispatcher(acting.settings)
    return run_facts(acting, run)


@router.post("/runs/{run_id}/restore", response_model=RunFacts, **needs(_READ, _WRITE))
def restore_run(run_id: RunId, acting: Who) -> object:
    """Take a run out of the trash."""
    return run_facts(acting, acting.runs.restore(run_id))


@router.get("/runs/{run_id}/events", response_model=Events, **needs(_READ))
def follow_run(
    run_id: RunId,
    acting: Who,
    start: Annotated[
        int, Query(alias="from", ge=0, le=1 << 40, description="`next` of the answer before")
    ] = 0,
) -> object:
    """What a run has told since: stages, progress, curves, findings. At most 1 MB at once."""
    events, end = read_events(acting.runs.get(run_id).folder, start, _EVENT_BYTES)
    return {"events": finite(events), "next": end}
