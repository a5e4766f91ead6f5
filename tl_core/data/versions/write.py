"""Closing a version: findings, index, facts, and `version.json` last."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from tl_core.data.checks.findings import all_findings, write_finding_rows
from tl_core.data.checks.view import View
from tl_core.data.dataset_version import Finding
from tl_core.data.versions import split
from tl_core.data.versions.draft import Draft
from tl_core.data.versions.rows import write_facts
from tl_core.data.versions.store import VersionInfo, write_index, write_info, write_unlabelled
from tl_core.errors import DataError
from tl_core.tasks import MULTI_LABEL, SINGLE_LABEL

_LISTED = 500  # skipped items kept by name; all are counted


def write_version(draft: Draft, folder: Path) -> VersionInfo:
    """Judge the rows of `draft` and complete the version in `folder`, whose items are there
    already.

    Raises:
        DataError: when fewer than two classes are left to train on, but where people are still to
            give classes.
    """
    rows, splits, labels = draft.rows, draft.splits, draft.rows.labels
    view = View.of(rows, splits, draft.groups, draft)
    if draft.options.remove_leaks and not draft.parent:
        splits[view.leaking()] = "removed"
        view = View.of(rows, splits, draft.groups, draft)
    learnt = rows.sets.counts(labels[splits == "train"]) > 0
    if learnt.sum() < 2 and not draft.options.label_here:
        raise DataError(
            "The training rows hold fewer than two classes.",
            "The others stand only in other splits.",
            "Add training rows of each class.",
        )
    findings = [
        finding
        for finding in draft.findings + all_findings(view)
        if finding.id not in draft.settled
    ]
    folds = (
        split.plan_folds(labels, rows.sets, draft.groups, splits, draft.options.seed)
        if draft.folds is None
        else np.where(
            np.isin(splits, ("train", "validation")) & (labels >= 0), draft.folds, -1
        ).astype(np.int8)
    )
    write_index(folder, labels, splits, draft.groups, folds)
    write_facts(folder, rows)
    write_finding_rows(folder, findings)
    write_unlabelled(folder, np.flatnonzero(splits == "unlabelled"), rows.modality)
    info = _describe(draft, view, findings, folder)
    write_info(folder, info)
    return info


def _describe(draft: Draft, view: View, findings: list[Finding], folder: Path) -> VersionInfo:
    splits, labels, sets = draft.splits, draft.rows.labels, draft.rows.sets
    names = sets.classes
    used = [
        name for name in ("train", "validation", "test", "unlabelled") if (splits == name).any()
    ]
    alive = splits != "removed"
    table = {name: sets.counts(labels[splits == name]) for name in used}
    alive_counts = sets.counts(labels[alive])
    whole = hashlib.sha256((draft.inputs + draft.extras).encode())
    whole.update("\0".join(names).encode() + labels.tobytes() + splits.tobytes())
    if sets.several:
        whole.update(sets.members.tobytes())
    whole.update("\0".join(sorted(draft.settled)).encode())
    whole.update(draft.options.classes.encode())
    return VersionInfo(
        modality=draft.rows.modality,
        task=(MULTI_LABEL if sets.several else SINGLE_LABEL).name,
        rows=int(alive.sum()),
        classes=dict(zip(names, alive_counts.tolist(), strict=True)),
        label_sets=sets.places() if sets.several else [],
        keys=[name for name in draft.keys if name in names],
        splits={name: int((splits == name).sum()) for name in used},
        class_splits={
            name: {s: int(table[s][place]) for s in used if s != "unlabelled"}
            for place, name in enumerate(names)
        },
        fingerprint=whole.hexdigest(),
        inputs_fingerprint=draft.inputs,
        extras_fingerprint=draft.extras,
        columns=draft.columns,
        skipped=draft.skipped[:_LISTED],
        skipped_count=draft.skipped_before + len(draft.skipped),
        findings=[finding.as_dict() for finding in view.named(findings, folder)],
        options=draft.options.as_dict(),
        source=draft.source,
        parent=draft.parent,
        change=draft.change,
        settled=draft.settled,
        plan=draft.kept_plan
        or draft.plan.as_dict(
            draft.skipped,
            0 if draft.options.label_here else int((splits == "unlabelled").sum()),
            draft.sample,
        ),
        preparation=draft.preparation.as_dict(),
    )
