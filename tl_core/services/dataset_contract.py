"""The dataset object of the contract: what the command line prints about one version, and what
`/api/v1` answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict

from tl_core.data.dataset_version import FindingFacts
from tl_core.data.versions.store import VersionInfo
from tl_core.registry.datasets import DatasetRecord


class DatasetObject(TypedDict):
    """What is told about one dataset version."""

    dataset: str
    version: int
    fingerprint: str
    modality: str
    task: str
    rows: int
    classes: dict[str, int]
    splits: dict[str, int]
    class_splits: dict[str, dict[str, int]]
    columns: dict[str, str]
    skipped: list[dict[str, str]]
    skipped_count: int
    findings: Sequence[FindingFacts]
    plan: Mapping[str, object]
    preparation: Mapping[str, object]
    parent: str
    change: str


def dataset_object(record: DatasetRecord, info: VersionInfo) -> DatasetObject:
    """The dataset object of one version."""
    return {
        "dataset": record.name,
        "version": record.version,
        "fingerprint": info.fingerprint,
        "modality": info.modality,
        "task": info.task,
        "rows": info.rows,
        "classes": info.classes,
        "splits": info.splits,
        "class_splits": info.class_splits,
        "columns": info.columns,
        "skipped": info.skipped,
        "skipped_count": info.skipped_count,
        "findings": info.findings,
        "plan": info.plan,
        "preparation": info.preparation,
        "parent": info.parent,
        "change": info.change,
    }
