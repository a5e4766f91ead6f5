"""Labelling: how far it is, the next rows, answers, what to ask next, the next version."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from tl_core.config import RunConfig
from tl_core.json_files import finite
from tl_core.registry.datasets import DatasetRecord
from tl_core.registry.label_answers import AnswerStore
from tl_core.results import LABEL_QUEUE
from tl_core.services import labelling_contract as contract
from tl_core.services.labelling import Labelling
from tl_core.web.api.acting import Acting, Who, needs
from tl_core.web.api.run_facts import run_facts
from tl_core.web.api.schemas import (
    Answers,
    Count,
    LabellingFacts,
    ProposalWishes,
    Proposed,
    Reference,
    RunFacts,
    Taken,
    Undone,
    dataset_reference,
)

router = APIRouter(tags=["labelling"])
_READ, _WRITE = "datasets:read", "datasets:write"
_LABELLING = "/labelling/{reference:path}"


@router.get(_LABELLING, response_model=LabellingFacts, **needs(_READ))
def show_labelling(reference: Reference, acting: Who) -> object:
    """How far the labelling of a version is, how people agree, and where they differ."""
    return _shown(acting, *_labelling(acting, reference))


@router.post(f"{_LABELLING}/take", response_model=Taken, **needs(_READ, _WRITE))
def take_rows(reference: Reference, body: Count, acting: Who) -> object:
    """The next rows for you to label, kept from others for ten minutes."""
    labelling, record = _labelling(acting, reference)
    return {"dataset": record.reference, "rows": contract.take(labelling, body.count)}


@router.post(f"{_LABELLING}/answers", response_model=LabellingFacts, **needs(_READ, _WRITE))
def answer_rows(reference: Reference, body: Answers, acting: Who) -> object:
    """Give rows their classes, pass them over, or have the last word about them."""
    labelling, record = _labelling(acting, reference)
    labels = [(one.row, one.label) for one in body.labels]
    contract.answer(labelling, body.action, labels, new=body.new)
    return _shown(acting, labelling, record)


@router.post(f"{_LABELLING}/undo", response_model=Undone, **needs(_READ, _WRITE))
def undo_answer(reference: Reference, acting: Who) -> object:
    """Take back what you answered last."""
    labelling, record = _labelling(acting, reference)
    rows = labelling.undo()
    return {**_shown(acting, labelling, record), "undone": rows}


@router.get("/proposals/{reference:path}", response_model=Proposed, **needs(_READ))
def show_proposals(
    reference: Reference,
    acting: Who,
    run: Annotated[
        str, Query(max_length=64, description="what this run chose; else what was chosen last")
    ] = "",
) -> object:
    """What was chosen: the rows and why each of them, groups of rows that are alike, and how good
    the labels were.
    """
    record, runs = acting.datasets.get(dataset_reference(reference)), acting.lent("runs:read").runs
    about = [one for one in runs.of_dataset(record.reference) if run in ("", one.id)]
    found = runs.get(contract.newest_choice(about).id)  # fetched, where it was done elsewhere
    return finite({"run": found.id, **LABEL_QUEUE.load(found.folder)})


@router.post(
    "/proposals/{reference:path}",
    status_code=202,
    response_model=RunFacts,
    **needs(_READ, _WRITE),
)
def propose_rows(reference: Reference, body: ProposalWishes, acting: Who) -> object:
    """Have the next rows chosen, and the labels so far judged. The answer is the run that does
    it.
    """
    labelling, record = _labelling(acting, reference)
    wishes = body.model_dump()
    backbone, who = wishes.pop("backbone"), acting.principal.id
    config = contract.proposal(labelling.standing, record, who, acting.settings, wishes, backbone)
    return _started(acting, config)


@router.post(
    f"{_LABELLING}/version", status_code=202, response_model=RunFacts, **needs(_READ, _WRITE)
)
def apply_labels(reference: Reference, acting: Who) -> object:
    """Make the labels the newest version. The answer is the run that does it; its summary names the
    version at the end.
    """
    record = acting.datasets.to_change(dataset_reference(reference))
    options: dict[str, object] = {"decisions": True}
    return _started(
        acting, RunConfig("fix", acting.principal.id, record.reference, options=options)
    )


def _labelling(acting: Acting, reference: str) -> tuple[Labelling, DatasetRecord]:
    record = acting.datasets.get(dataset_reference(reference))
    return Labelling(AnswerStore(acting.datasets), record), record


def _shown(acting: Acting, labelling: Labelling, record: DatasetRecord) -> dict[str, object]:
    shown = contract.labelling_object(labelling, record, acting.datasets.policy.handle)
    return {name: finite(value) for name, value in shown.items()}


def _started(acting: Acting, config: RunConfig) -> dict[str, object]:
    run = acting.lent("runs:read", "runs:write").submit(config)
    return run_facts(acting, run)
