"""Commands about datasets: bring them, look at them, mend them, take them away."""

from __future__ import annotations

import argparse
from dataclasses import fields
from pathlib import Path
from typing import Any

from tl_core.cli.context import Output, stores
from tl_core.data.plan import plan_lines
from tl_core.data.schema import FindingFacts, ImportOptions
from tl_core.data.store import DatasetVersion, VersionInfo
from tl_core.registry.datasets import DatasetRecord
from tl_core.storage import remove_tree


def dataset_object(record: DatasetRecord, info: VersionInfo) -> dict[str, Any]:
    """The dataset object of the contract."""
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


def _lines(record: DatasetRecord, info: VersionInfo) -> list[str]:
    noun = {"image": "images", "text": "texts"}[info.modality]
    return [
        f"{record.reference}: {info.rows:,} {noun} in {len(info.classes)} classes",
        "  splits: " + ", ".join(f"{name} {count:,}" for name, count in info.splits.items()),
        "  classes: "
        + ", ".join(f"{name} {count:,}" for name, count in list(info.classes.items())[:20]),
        *_class_splits(info),
        *plan_lines(info.plan),
        *map(_finding_line, info.findings),
    ]


def _class_splits(info: VersionInfo) -> list[str]:
    """Rows of each class by split, where there are few enough classes to read them."""
    if len(info.class_splits) > 20:
        return []
    return [
        f"    {name}: " + ", ".join(f"{split} {count:,}" for split, count in parts.items() if count)
        for name, parts in info.class_splits.items()
    ]


def _finding_line(finding: FindingFacts) -> str:
    return (
        f"  [{finding['severity']}] {finding['id']}: {finding['text']} {finding['fix']}".rstrip()
        + _fixes(finding)
    )


def _fixes(finding: FindingFacts) -> str:
    return (
        f" (fix: {' or '.join(a['id'] for a in finding['actions'])})" if finding["actions"] else ""
    )


def add(args: argparse.Namespace, output: Output) -> int:
    from tl_core.intake import add_dataset

    settings, datasets, _ = stores()
    options = ImportOptions(
        **{spec.name: getattr(args, spec.name) for spec in fields(ImportOptions)}
    )
    record, info, is_new = add_dataset(
        datasets,
        settings,
        args.source,
        args.name,
        options,
        args.test,
        append=args.append,
        strict=args.strict,
    )
    if not args.yes:
        for doubt in info.plan.get("uncertain", []):
            output.note(f"Warning: {doubt}")
    return output.show(
        dataset_object(record, info),
        _lines(record, info)
        + ([] if is_new else ["  The same content is already there; no new version was made."]),
    )


def show_list(_args: argparse.Namespace, output: Output) -> int:
    _, datasets, _ = stores()
    records = datasets.list(all_versions=True)
    return output.show(
        [
            {
                "dataset": r.name,
                "version": r.version,
                "fingerprint": r.fingerprint,
                "modality": r.modality,
                "task": r.task,
                "rows": r.rows,
                "classes": r.classes,
                "created": r.created,
            }
            for r in records
        ],
        [
            f"{r.reference:30} {r.modality:6} {r.rows:>9,} rows  {r.classes:>4} classes"
            for r in records
        ]
        or ["No datasets yet. Add one: python -m tl_core data add sample:digits --name digits"],
    )


def _open(name: str) -> tuple[DatasetRecord, VersionInfo]:
    _, datasets, _ = stores()
    record = datasets.get(name)
    return record, DatasetVersion(record.folder).info


def show(args: argparse.Namespace, output: Output) -> int:
    record, info = _open(args.name)
    return output.show(dataset_object(record, info), _lines(record, info))


def check(args: argparse.Namespace, output: Output) -> int:
    record, info = _open(args.name)
    found: dict[str, Any] = {
        "dataset": record.name,
        "version": record.version,
        "findings": info.findings,
    }
    lines = [_finding_line(one) for one in info.findings]
    if args.shortcuts:
        from tl_core.train.nuisance import look_for_shortcuts

        found["shortcuts"] = look_for_shortcuts(DatasetVersion(record.folder))
        lines += [
            f"  [{'warning' if part['telling'] else 'info'}] {part['sentence']}"
            for part in found["shortcuts"]
        ]
    return output.show(found, lines or ["Nothing to look at."])


def fix(args: argparse.Namespace, output: Output) -> int:
    from tl_core.intake import fix_dataset

    _, datasets, _ = stores()
    action = args.action_id
    if not action:
        found = next((f for f in _open(args.name)[1].findings if f["id"] == args.finding), None)
        action = found["actions"][0]["id"] if found and found["actions"] else ""
    record, info, _ = fix_dataset(datasets, args.name, args.finding, action)
    return output.show(dataset_object(record, info), [info.change, *_lines(record, info)])


def versions(args: argparse.Namespace, output: Output) -> int:
    _, datasets, _ = stores()
    record = datasets.get(args.name)
    known = [
        (r, DatasetVersion(r.folder).info)
        for r in datasets.list(all_versions=True)
        if r.name == record.name
    ]
    return output.show(
        [
            {
                "dataset": r.name,
                "version": r.version,
                "rows": r.rows,
                "classes": r.classes,
                "created": r.created,
                "parent": info.parent,
                "change": info.change or f"Read from {info.source}.",
            }
            for r, info in known
        ],
        [
            f"{r.reference:30} {r.rows:>9,} rows  {info.change or 'Read from ' + info.source + '.'}"
            for r, info in known
        ],
    )


def compare(args: argparse.Namespace, output: Output) -> int:
    from tl_core.data.changes import compare_versions

    _, datasets, _ = stores()
    old, new = (datasets.get(name) for name in (args.first, args.second))
    difference = compare_versions(DatasetVersion(old.folder), DatasetVersion(new.folder))
    lists = {
        "added": difference["added"],
        "removed": difference["removed"],
        "relabelled": difference["relabelled"],
        "moved": difference["moved"],
    }
    return output.show(
        {"versions": [old.reference, new.reference], **difference},
        [f"{old.reference} to {new.reference}:"]
        + [
            line
            for kind, part in lists.items()
            for line in (
                f"  {kind}: {part['count']:,}",
                *(f"    {entry['item'][:80]} ({entry['what']})" for entry in part["items"][:10]),
            )
        ],
    )


def restore(args: argparse.Namespace, output: Output) -> int:
    from tl_core.intake import restore_dataset

    _, datasets, _ = stores()
    record, info, is_new = restore_dataset(datasets, args.name)
    return output.show(
        dataset_object(record, info),
        _lines(record, info) if is_new else ["The newest version has this content already."],
    )


def export(args: argparse.Namespace, output: Output) -> int:
    from tl_core.data.takeout import take_out

    _, datasets, _ = stores()
    record = datasets.get(args.name)
    target = Path(args.output)
    rows = take_out(DatasetVersion(record.folder), target, args.format)
    return output.show(
        {"dataset": record.name, "version": record.version, "rows": rows, "output": str(target)},
        [f"{rows:,} items of {record.reference} in {target}"],
    )


def delete(args: argparse.Namespace, output: Output) -> int:
    _, datasets, runs = stores()
    gone = 0
    if args.with_runs:
        for folder in runs.delete_all([run.id for run in runs.of_dataset(args.name)]):
            remove_tree(folder)
            gone += 1
    folders = datasets.delete(args.name)
    for folder in folders:
        remove_tree(folder)
    return output.show(
        {"deleted": args.name, "versions": len(folders), "runs": gone},
        [f"Deleted {args.name} ({len(folders)} version(s), {gone} run(s))."],
    )
