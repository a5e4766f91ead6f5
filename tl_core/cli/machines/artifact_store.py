"""Commands about the bucket that TL_STORE names: check, push, pull, collect."""

from __future__ import annotations

from dataclasses import asdict

import click

from tl_core.artifacts.folder_store import FolderStore, folder_of
from tl_core.cli.output import Output, ProgressLine
from tl_core.cli.parsing import Group
from tl_core.database.engine import open_database
from tl_core.errors import ConfigError, UserError
from tl_core.registry.stored.opened import open_store
from tl_core.registry.stored.store_rows import living, ready_here
from tl_core.settings import read_settings

store = Group("store", help="Artifacts in a bucket (TL_STORE): check, push, pull, collect.")
_SHOWN = 20  # folders that are named one by one


@store.command("check")
@click.option("--content", is_flag=True, help="read every piece and compare its hash")
@click.pass_obj
def check_store(output: Output, content: bool) -> int:
    """Whether the store works and holds what it says."""
    from tl_core.registry.stored.checking import check

    found = _open()
    progress = ProgressLine(output)
    told = check(found.bucket, open_database(read_settings()), progress, content=content)
    progress.end()
    lines = [f"{told.store}: {told.folders:,} folders, {told.bytes / 1e6:,.1f} MB"]
    lines += [f"Not stored yet: {folder}" for folder in told.not_stored[:_SHOWN]]
    if len(told.not_stored) > _SHOWN:
        lines.append(f"and {len(told.not_stored) - _SHOWN:,} more.")
    lines += [f"Damaged: {folder}: {why}" for folder, why in told.damaged.items()]
    output.show(asdict(told), lines)
    return 1 if told.damaged else 0


@store.command("push")
@click.argument("folders", metavar="FOLDER...", nargs=-1, help="such as runs/ID or datasets/ID")
@click.option("--again", is_flag=True, help="send everything anew, over what the store has")
@click.pass_obj
def push_folders(output: Output, folders: tuple[str, ...], again: bool) -> int:
    """Store folders of this machine; all that are complete where none is named."""
    found = _open()
    if again and not folders:
        raise ConfigError("--again needs folders.", "It overwrites what is stored.", "Name them.")
    wanted = folders or ready_here(open_database(read_settings()), found.home)
    sent, failed = [], {}
    for folder in wanted:
        try:
            if stored := found.push(folder, again=again):
                sent.append(stored)
        except UserError as error:
            failed[folder] = error
            if folders:
                raise
    lines = [f"{one.folder}: {one.bytes / 1e6:,.1f} MB, {one.sent / 1e6:,.1f} sent" for one in sent]
    lines.append(f"{len(wanted) - len(sent) - len(failed):,} were there already.")
    lines += [str(error) for error in failed.values()]
    facts = {
        "stored": [asdict(one) for one in sent],
        "failed": {folder: error.as_dict() for folder, error in failed.items()},
    }
    output.show(facts, lines)
    return 1 if failed else 0


@store.command("pull")
@click.argument("folders", metavar="FOLDER...", nargs=-1, help="such as runs/ID or datasets/ID")
@click.pass_obj
def pull_folders(output: Output, folders: tuple[str, ...]) -> int:
    """Fetch folders to this machine; all that are stored where none is named."""
    found = _open()
    rows = living(open_database(read_settings()))
    stored = {folder_of(name) for name in found.bucket.find("folders/")} if not folders else ()
    progress, fetched, failed = ProgressLine(output), {}, {}
    for folder in folders or sorted(rows & set(stored)):
        progress.stage(folder)
        try:
            fetched[folder] = found.pull(folder, progress, fresh=True)
        except UserError as error:
            failed[folder] = error
            if folders:
                raise
    progress.end()
    lines = [f"{len(fetched):,} folders, {sum(fetched.values()) / 1e6:,.1f} MB fetched"]
    lines += [str(error) for error in failed.values()]
    facts = {
        "fetched": fetched,
        "failed": {folder: error.as_dict() for folder, error in failed.items()},
    }
    output.show(facts, lines)
    return 1 if failed else 0


@store.command("collect")
@click.pass_obj
def collect_garbage(output: Output) -> int:
    """Remove from the store what no dataset, run or model refers to any more."""
    from tl_core.registry.stored.collection import collect

    found, settings = _open(), read_settings()
    told = collect(found.bucket, open_database(settings), settings)
    return output.show(
        asdict(told),
        [
            f"Removed: {told.removed_folders:,} folders, {told.removed_pieces:,} pieces, "
            f"{told.removed_bytes / 1e6:,.1f} MB",
            f"Stay: {told.folders:,} folders, {told.bytes / 1e6:,.1f} MB",
        ],
    )


def _open() -> FolderStore:
    settings = read_settings()
    found = open_store(settings, open_database(settings))
    if found is None:
        raise ConfigError(
            "There is no store.", "TL_STORE is empty.", "Set it to s3://bucket/prefix."
        )
    return found
