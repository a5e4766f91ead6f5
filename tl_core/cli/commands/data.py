"""Commands about datasets: bring them, look at them, mend them, take them away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import TypeVar

import click

from tl_core.cli.choosing_workplace import open_workplace
from tl_core.cli.dataset_object import dataset_lines, finding_line
from tl_core.cli.output import Output
from tl_core.cli.parsing import Choice, Group
from tl_core.cli.stores import open_stores
from tl_core.cli.workplace import NewDataset
from tl_core.data.dataset_version import ImportOptions
from tl_core.data.versions.store import DatasetVersion, VersionInfo
from tl_core.registry.datasets import DatasetRecord
from tl_core.services.dataset_contract import dataset_object

Callback = TypeVar("Callback", bound=Callable[..., int])

data = Group(
    "data",
    help=(
        "Datasets: add, list, show, check, domains, search, levels, fix, versions, compare,"
        " restore, export, delete."
    ),
)
name_argument = click.argument("name", help="NAME or NAME@VERSION")


def import_options(command: Callback) -> Callback:
    """One option for each field of `ImportOptions`, with the words of the field."""
    for field in reversed(fields(ImportOptions)):
        flag, text = "--" + field.name.replace("_", "-"), field.metadata["help"]
        if isinstance(field.default, bool):
            command = click.option(flag, is_flag=True, help=text)(command)
        else:
            kind = type(field.default)
            command = click.option(flag, type=kind, default=field.default, help=text)(command)
    return command


@data.command("add")
@click.argument(
    "source",
    help=(
        "folder, zip, csv, tsv, json, jsonl, parquet, xlsx, hub:owner/name, or sample:digits, "
        "sample:messages, sample:messages-zh"
    ),
)
@click.option("--name", required=True, help="name of the dataset")
@click.option(
    "--test", default="", metavar="SOURCE", help="a second source that becomes the test rows"
)
@click.option("--append", is_flag=True, help="add the rows to the dataset's newest version")
@click.option("--yes", is_flag=True, help="no warnings about guesses")
@click.option(
    "--strict",
    is_flag=True,
    help="refuse to guess: store nothing that rests on a guess (exit code 2)",
)
@import_options
@click.pass_obj
def add(
    output: Output,
    /,
    source: str,
    name: str,
    test: str,
    append: bool,
    yes: bool,
    strict: bool,
    **choices: object,
) -> int:
    """Make a dataset version from a folder, zip, table or Hub dataset."""
    options: ImportOptions = ImportOptions.from_dict(choices)
    wanted = NewDataset(source, name, options, test, append, strict)
    record, info, is_new = open_workplace().add(wanted, output)
    for doubt in [] if yes else info.plan.get("uncertain", []):
        output.note(f"Warning: {doubt}")
    lines = dataset_lines(record, info)
    if not is_new:
        lines.append("  The same content is already there; no new version was made.")
    return output.show(dataset_object(record, info), lines)


@data.command("list")
@click.pass_obj
def list_datasets(output: Output) -> int:
    """All datasets."""
    records = open_workplace().list_datasets()
    return output.show(
        [
            {
                "dataset": record.name,
                "version": record.version,
                "fingerprint": record.fingerprint,
                "modality": record.modality,
                "task": record.task,
                "rows": record.rows,
                "classes": record.classes,
                "created": record.created,
            }
            for record in records
        ],
        [
            f"{record.reference:30} {record.modality:6} {record.rows:>9,} rows "
            f" {record.classes:>4} classes"
            for record in records
        ]
        or ["No datasets yet. Add one: python -m tl_core data add sample:digits --name digits"],
    )


def _open(name: str) -> tuple[DatasetRecord, VersionInfo]:
    """A version's record and what its folder says about it."""
    record = open_stores().datasets.get(name)
    return record, DatasetVersion(record.folder).info


@data.command("show")
@name_argument
@click.pass_obj
def show(output: Output, name: str) -> int:
    """Classes, splits and findings of one dataset."""
    place = open_workplace()
    record = place.dataset(name)
    info = place.facts(record)
    return output.show(dataset_object(record, info), dataset_lines(record, info))


@data.command("check")
@name_argument
@click.option(
    "--shortcuts",
    is_flag=True,
    help=(
        "also try to guess the class from size, light, borders, file format, length or "
        "punctuation alone"
    ),
)
@click.pass_obj
def check(output: Output, name: str, shortcuts: bool) -> int:
    """Only its findings."""
    record, info = _open(name)
    content: dict[str, object] = {
        "dataset": record.name,
        "version": record.version,
        "findings": info.findings,
    }
    lines = [finding_line(finding) for finding in info.findings]
    if shortcuts:
        from tl_core.train.shortcuts import look_for_shortcuts

        guesses = look_for_shortcuts(DatasetVersion(record.folder))
        content["shortcuts"] = guesses
        lines += [
            f"  [{'warning' if guess['telling'] else 'info'}] {guess['sentence']}"
            for guess in guesses
        ]
    return output.show(content, lines or ["Nothing to look at."])


@data.command("fix")
@name_argument
@click.argument("finding", help="id of the finding, as check shows it")
@click.option("--action", default="", help="which of its fixes; default: the first")
@click.pass_obj
def fix(output: Output, name: str, finding: str, action: str) -> int:
    """Apply a finding's fix; the result is a new version."""
    from tl_core.services.datasets import fix_dataset

    record, info, _ = fix_dataset(
        open_stores().datasets, name, finding, action or _first_fix(name, finding)
    )
    return output.show(dataset_object(record, info), [info.change, *dataset_lines(record, info)])


def _first_fix(name: str, finding_id: str) -> str:
    """The first fix that a finding offers; empty where it has none or does not exist."""
    for finding in _open(name)[1].findings:
        if finding["id"] == finding_id and finding["actions"]:
            return str(finding["actions"][0]["id"])
    return ""


@data.command("versions")
@name_argument
@click.pass_obj
def versions(output: Output, name: str) -> int:
    """All its versions and what was done to each."""
    datasets = open_stores().datasets
    newest = datasets.get(name)
    history = [
        (record, info, info.change or f"Read from {info.source}.")
        for record in datasets.list(all_versions=True)
        if record.name == newest.name
        for info in [DatasetVersion(record.folder).info]
    ]
    return output.show(
        [
            {
                "dataset": record.name,
                "version": record.version,
                "rows": record.rows,
                "classes": record.classes,
                "created": record.created,
                "parent": info.parent,
                "change": change,
            }
            for record, info, change in history
        ],
        [
            f"{record.reference:30} {record.rows:>9,} rows  {change}"
            for record, _, change in history
        ],
    )


@data.command("compare")
@click.argument("first", help="NAME@VERSION")
@click.argument("second", help="NAME@VERSION")
@click.pass_obj
def compare(output: Output, first: str, second: str) -> int:
    """What was added, removed, relabelled, moved."""
    from tl_core.data.versions.diff import compare_versions

    datasets = open_stores().datasets
    old, new = datasets.get(first), datasets.get(second)
    changes = compare_versions(DatasetVersion(old.folder), DatasetVersion(new.folder))
    lines = [f"{old.reference} to {new.reference}:"]
    for kind, part in (
        ("added", changes["added"]),
        ("removed", changes["removed"]),
        ("relabelled", changes["relabelled"]),
        ("moved", changes["moved"]),
    ):
        lines.append(f"  {kind}: {part['count']:,}")
        lines += [f"    {entry['item'][:80]} ({entry['what']})" for entry in part["items"][:10]]
    return output.show({"versions": [old.reference, new.reference], **changes}, lines)


@data.command("restore")
@click.argument("name", help="NAME@VERSION")
@click.pass_obj
def restore(output: Output, name: str) -> int:
    """Make an older version the newest one."""
    from tl_core.services.datasets import restore_dataset

    record, info, is_new = restore_dataset(open_stores().datasets, name)
    return output.show(
        dataset_object(record, info),
        dataset_lines(record, info) if is_new else ["The newest version has this content already."],
    )


@data.command("export")
@name_argument
@click.option("-o", "--output", "target", required=True, metavar="FILE", help="file to write")
@click.option(
    "--format",
    "form",
    required=True,
    type=Choice(("folders", "csv", "parquet")),
    help="folders: a zip of class folders (images); csv (texts); parquet",
)
@click.pass_obj
def export(output: Output, name: str, target: str, form: str) -> int:
    """Write a version as files for any other tool."""
    from tl_core.data.versions.export import take_out

    record = open_stores().datasets.get(name)
    path = Path(target)
    rows = take_out(DatasetVersion(record.folder), path, form)
    return output.show(
        {"dataset": record.name, "version": record.version, "rows": rows, "output": str(path)},
        [f"{rows:,} items of {record.reference} in {path}"],
    )


@data.command("delete")
@name_argument
@click.option("--with-runs", is_flag=True, help="also remove the runs that depend on it")
@click.pass_obj
def delete(output: Output, name: str, with_runs: bool) -> int:
    """Remove a dataset or one version of it."""
    count, gone = open_workplace().delete_dataset(name, with_runs=with_runs)
    return output.show(
        {"deleted": name, "versions": count, "runs": gone},
        [f"Deleted {name} ({count} version(s), {gone} run(s))."],
    )
