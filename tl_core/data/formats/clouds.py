"""Exports of the labelling services of clouds: SageMaker Ground Truth and Vertex AI."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tl_core.data.formats.annotations import as_label
from tl_core.data.formats.cells import JsonObject, objects, parsed, picture_path, records
from tl_core.data.tables.reading import Reading, Rows, cell, framed

if TYPE_CHECKING:
    import pyarrow as pa

_META = "-metadata"
_SOURCES = {"source": "text", "source-ref": "image"}
_CONTENTS = {
    "textContent": "text",
    "textGcsUri": "text",
    "imageGcsUri": "image",
    "imageBytes": "image",
}
_ONE, _SEVERAL = "classificationAnnotation", "classificationAnnotations"
_USE = "ml_use"


def ground_truth(
    head: pa.Table,
    rows: Iterator[Rows],
    reading: Reading,
    chunk_rows: int,
) -> Iterator[Rows] | None:
    """The lines of an output manifest, whose class stands in the metadata of the job; None for
    anything else.
    """
    columns = list(head.column_names)
    source = next((name for name in _SOURCES if name in columns), "")
    jobs = [name.removesuffix(_META) for name in columns if name.endswith(_META)]
    jobs = [
        job
        for job in jobs
        if any("class-name" in meta or "class-map" in meta for meta in _metas(head, job))
    ]
    if not source or not jobs:
        return None
    reading.format = "SageMaker Ground Truth"
    reading.roles[_SOURCES[source]] = _SOURCES[source]
    if len(jobs) == 1:
        reading.roles["label"] = "label"
    return framed(_job_rows(rows, source, jobs), reading, chunk_rows)


def _metas(head: pa.Table, job: str) -> list[JsonObject]:
    values = [parsed(value) for value in head.column(job + _META).slice(0, 200).to_pylist()]
    return [one for one in values if isinstance(one, dict)]


def _job_rows(
    rows: Iterator[Rows], source: str, jobs: list[str]
) -> Iterator[tuple[int, dict[str, str]]]:
    for number, record in records(rows):
        item = record.get(source, "")
        row = (
            {"image": picture_path(item), "image_source": item}
            if source == "source-ref"
            else {"text": item}
        )
        for job in jobs:
            meta = parsed(record.get(job + _META, ""))
            name = "label" if len(jobs) == 1 else f"{job} label"
            row[name] = _class(meta) if isinstance(meta, dict) else ""
            if isinstance(meta, dict) and "confidence" in meta:
                row[name.replace("label", "confidence")] = cell(meta["confidence"])
        yield number, row


def _class(meta: JsonObject) -> str:
    names = meta.get("class-map")
    return (
        as_label(map(cell, names.values()))
        if isinstance(names, dict)
        else cell(meta.get("class-name"))
    )


def vertex(
    head: pa.Table,
    rows: Iterator[Rows],
    reading: Reading,
    chunk_rows: int,
) -> Iterator[Rows] | None:
    """The lines of Vertex AI's data sets, with their own splits; None for anything else."""
    columns = list(head.column_names)
    content = next((name for name in _CONTENTS if name in columns), "")
    if not content or not {_ONE, _SEVERAL} & {*columns}:
        return None
    reading.format = "Vertex AI"
    kind = _CONTENTS[content]
    reading.roles |= {kind: kind, "label": "label"}
    with_splits = "dataItemResourceLabels" in columns and any(
        _use(value) for value in head.column("dataItemResourceLabels").slice(0, 200).to_pylist()
    )
    if with_splits:
        reading.roles["split"] = "split"
    return framed(_vertex_rows(rows, content, kind, split=with_splits), reading, chunk_rows)


def _vertex_rows(
    rows: Iterator[Rows], content: str, kind: str, *, split: bool
) -> Iterator[tuple[int, dict[str, str]]]:
    for number, record in records(rows):
        one, several = parsed(record.get(_ONE, "")), objects(parsed(record.get(_SEVERAL, "")))
        given = ([one] if isinstance(one, dict) else []) + several
        item = record.get(content, "")
        row = (
            {"image": picture_path(item), "image_source": item}
            if kind == "image"
            else {"text": item}
        )
        row["label"] = as_label(dict.fromkeys(cell(answer.get("displayName")) for answer in given))
        if split:
            row["split"] = _use(record.get("dataItemResourceLabels", ""))
        yield number, row


def _use(resource_labels: str) -> str:
    """What an item is meant for: training, validation or test."""
    labels = parsed(resource_labels)
    return (
        next((cell(value) for name, value in labels.items() if str(name).endswith(_USE)), "")
        if isinstance(labels, dict)
        else ""
    )
