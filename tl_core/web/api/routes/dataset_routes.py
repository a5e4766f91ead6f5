"""Datasets: list, show, add, delete, restore."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool

from tl_core.access.policy import OWN
from tl_core.config import RunConfig
from tl_core.data.dataset_version import ImportOptions
from tl_core.data.versions.store import DatasetVersion
from tl_core.json_files import finite
from tl_core.registry.datasets import DatasetRecord, check_name
from tl_core.registry.run import Run
from tl_core.services.dataset_contract import dataset_object
from tl_core.storage import new_upload_folder, remove_tree
from tl_core.web.api import bodies
from tl_core.web.api.acting import Acting, Who, needs
from tl_core.web.api.run_facts import run_facts
from tl_core.web.api.schemas import (
    DatasetFacts,
    Datasets,
    DatasetSummary,
    DeletedDataset,
    FromSource,
    ImportWishes,
    Reference,
    RunFacts,
    dataset_reference,
)
from tl_core.web.api.sent_files import Form, most_bytes, receive

router = APIRouter(tags=["datasets"])
_FILES = ("file", "test")
_ADDING = needs("datasets:write")
_ADDING["openapi_extra"] |= bodies.described(FromSource, ImportWishes, *_FILES)


@router.get("/datasets", **needs("datasets:read"))
def list_datasets(
    acting: Who,
    all_versions: Annotated[bool, Query(description="all versions, not only the newest")] = False,
    deleted: Annotated[bool, Query(description="those in the trash instead")] = False,
) -> Datasets:
    """Datasets that you may see, newest first."""
    store = acting.datasets
    records = store.trash() if deleted else store.list(all_versions=all_versions)
    return Datasets(datasets=[summary(record) for record in records])


@router.post("/datasets", status_code=202, response_model=RunFacts, **_ADDING)
async def add_dataset(request: Request, acting: Who) -> dict[str, object]:
    """Add a dataset: a file or zip (with a second one, `test`, for the test rows), a dataset of the
    Hub, or a sample. The answer is the run that reads it; its summary names the dataset at the end.
    """
    acting.policy.require_making("datasets:write")
    if not bodies.is_form(request):
        wishes = await bodies.read_json(request, FromSource)
        run = await run_in_threadpool(_import, acting, wishes, wishes.source)
        return run_facts(acting, run)
    most = await run_in_threadpool(most_bytes, acting, request)
    folder = new_upload_folder(acting.settings)
    try:
        form = await receive(request, folder, _FILES, most)
        run = await run_in_threadpool(_import_file, acting, form, folder)
    except BaseException:
        remove_tree(folder)
        raise
    return run_facts(acting, run)


def _import_file(acting: Acting, form: Form, folder: Path) -> Run:
    source = form.needed("file")
    wishes = bodies.from_fields(form.fields, ImportWishes)
    test = str(form.files["test"]) if "test" in form.files else ""
    return _import(acting, wishes, str(source), test=test, upload=str(folder))


def _import(
    acting: Acting, wishes: ImportWishes, source: str, test: str = "", upload: str = ""
) -> Run:
    """Queue the run that makes a dataset of a source."""
    name = check_name(wishes.name)
    ImportOptions.from_dict(wishes.options)
    if wishes.append:
        acting.lent("datasets:read").datasets.get(name)
    config = RunConfig(
        "import",
        acting.principal.id,
        name,
        options={
            "source": source,
            "name": name,
            "options": wishes.options,
            "test": test,
            "append": wishes.append,
            "strict": wishes.strict,
            "shown": Path(source).name if upload else source,
            "upload": upload,
        },
    )
    return acting.lent("runs:read", "runs:write").submit(config)


@router.get("/datasets/{reference:path}", response_model=DatasetFacts, **needs("datasets:read"))
def show_dataset(reference: Reference, acting: Who) -> object:
    """Classes, splits, findings and the plan of the import of one version."""
    record = acting.datasets.get(dataset_reference(reference))
    shown = dataset_object(record, DatasetVersion(record.folder).info)
    return finite({**summary(record).model_dump(), **shown})


@router.delete("/datasets/{reference:path}", **needs("datasets:read", "datasets:write"))
def delete_dataset(
    reference: Reference,
    acting: Who,
    with_runs: Annotated[bool, Query(description="also the runs that depend on it")] = False,
) -> DeletedDataset:
    """Put a version, or all versions where none is named, into the trash."""
    name = dataset_reference(reference)
    record = acting.datasets.get(name)
    acting.policy.require_level(OWN, acting.policy.project_level(record.project), "dataset")
    dependent = [run.id for run in acting.runs.of_dataset(name)] if with_runs else []
    if dependent:
        acting.runs.delete(dependent)
    gone = acting.datasets.delete(name)
    return DeletedDataset(deleted=reference, versions=len(gone), runs=len(dependent))


@router.post("/datasets/{reference:path}/restore", **needs("datasets:read", "datasets:write"))
def restore_dataset(reference: Reference, acting: Who) -> DatasetSummary:
    """Take a version out of the trash."""
    return summary(acting.datasets.restore(dataset_reference(reference)))


def summary(record: DatasetRecord) -> DatasetSummary:
    """A version as lists show it."""
    return DatasetSummary(
        dataset=record.name,
        version=record.version,
        reference=record.reference,
        mine=not record.prefix,
        fingerprint=record.fingerprint,
        modality=record.modality,
        task=record.task,
        rows=record.rows,
        classes=record.classes,
        created=record.created,
    )
