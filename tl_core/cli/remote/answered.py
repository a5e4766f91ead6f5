"""What a server answers, as the objects that commands work with. Nothing in them is a place on this
machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tl_core.config import RunConfig
from tl_core.data.versions.store import VersionInfo
from tl_core.registry.datasets import DatasetRecord
from tl_core.registry.run import Run

_ELSEWHERE = Path("on the server")
_INFO = (
    *("modality", "task", "rows", "classes", "splits", "class_splits", "fingerprint", "columns"),
    *("skipped", "skipped_count", "findings", "parent", "change", "plan", "preparation"),
)


def record_of(facts: Mapping[str, Any]) -> DatasetRecord:
    """A version out of a list, or its dataset object."""
    classes, called = facts["classes"], facts["reference"].rpartition("@")[0]
    return DatasetRecord(
        id="",
        owner="",
        name=facts["dataset"],
        version=facts["version"],
        fingerprint=facts["fingerprint"],
        modality=facts["modality"],
        task=facts["task"],
        rows=facts["rows"],
        classes=classes if isinstance(classes, int) else len(classes),
        folder=_ELSEWHERE,
        created=facts["created"],
        project="",
        prefix=called.removesuffix(facts["dataset"]),
    )


def info_of(facts: Mapping[str, Any]) -> VersionInfo:
    """What a dataset object says of a version."""
    return VersionInfo(inputs_fingerprint="", **{name: facts[name] for name in _INFO})


def run_of(facts: Mapping[str, Any]) -> Run:
    """A run."""
    own = ("kind", "dataset", "backbone", "recipe", "parent", "status", "reason", "created")
    more = ("started", "finished", "progress", "headline", "summary", "place")
    return Run(
        id=facts["run_id"],
        owner="",
        folder=_ELSEWHERE,
        queued=facts["created"],
        pid=None,
        cancel_requested=facts["cancel_requested"],
        stop_requested=facts["stop_requested"],
        **{name: facts[name] for name in (*own, *more)},
    )


def config_of(facts: Mapping[str, Any], owner: str) -> RunConfig:
    """What a training was asked to do, out of all that is said of it."""
    return RunConfig(
        "train",
        owner,
        facts["dataset"],
        "",
        facts["backbone"],
        facts["recipe"],
        facts["settings"],
        facts["sealed"],
    )
