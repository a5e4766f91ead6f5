"""Commands about the whole of a server's state: backup, restore."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from tl_core.cli.output import Output, ProgressLine
from tl_core.cli.parsing import Command
from tl_core.settings import read_settings


@click.command("backup", cls=Command)
@click.argument("file", metavar="FILE", help="archive to write; it must not exist")
@click.pass_obj
def backup(output: Output, file: str) -> int:
    """Database, datasets, runs, models and looks as one file."""
    from tl_core.services.backup import back_up

    progress = ProgressLine(output)
    saved = back_up(read_settings(), Path(file), progress)
    progress.end()
    lines = [
        f"{file}: {saved.files:,} files, {saved.bytes / 1e6:,.1f} MB, "
        f"fingerprint {saved.fingerprint}"
    ]
    lines += [f"Left out: {name}" for name in saved.left_out]
    return output.show({"file": file, **asdict(saved)}, lines)


@click.command("restore", cls=Command)
@click.argument("file", metavar="FILE", help="archive that `backup` wrote")
@click.option(
    "--into", "home", required=True, metavar="DIR", help="the new home: a folder that is empty"
)
@click.pass_obj
def restore(output: Output, file: str, home: str) -> int:
    """A home from a backup, and the database of TL_DATABASE_URL, which must be empty."""
    from tl_core.errors import NotFoundError
    from tl_core.services.restore import restore as bring_home

    if not Path(file).is_file():
        raise NotFoundError(f"There is no file {file!r}.", "", "Name a file that `backup` wrote.")
    progress = ProgressLine(output)
    restored = bring_home(Path(file), Path(home), read_settings(), progress)
    progress.end()
    lines = [
        f"{home}: {restored.files:,} files, fingerprint {restored.fingerprint}",
        f"Runs that were running and can be resumed: {restored.interrupted}.",
        "Nobody is signed in any more, and tokens that were revoked since the backup hold again.",
        f"Start the server with TL_HOME={home}.",
    ]
    if restored.missing:
        lines.append(f"{restored.missing} entries had been deleted while the backup was made.")
    return output.show({"home": home, **asdict(restored)}, lines)
