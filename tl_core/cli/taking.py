"""Commands that take a model away: export, verify, push, serve, reproduce."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tl_core.cli.context import Output, stores
from tl_core.config import RunConfig
from tl_core.data.store import DatasetVersion
from tl_core.errors import NotFoundError, StateError

if TYPE_CHECKING:
    from tl_core.export.verify import Proof


def export(args: argparse.Namespace, output: Output) -> int:
    """Make a bundle and print what its proof found."""
    from tl_core.export.bundle import export as make
    from tl_core.export.wishes import Wishes
    from tl_core.progress import Progress
    from tl_core.storage import zip_folder

    _, datasets, runs = stores()
    run = runs.get(args.run)
    wishes = Wishes(args.format == "onnx" or args.int8, args.int8, args.include_examples)
    version = (
        DatasetVersion(datasets.get(run.dataset).folder)
        if args.int8 or args.include_examples
        else None
    )
    target = Path(args.output)
    found = make(run.folder, target, wishes, version, Progress())
    archive = {"zip": str(zip_folder(target))} if args.zip else {}
    return output.show(
        {"run": run.id, "folder": str(target), **found, **archive},
        [
            *_lines(found),
            *([f"8 bits: {found['int8']['accuracy']['sentence']}"] if found["int8"] else []),
            f"{target}: {len(found['files'])} files, {found['bytes'] / 1e6:,.1f} MB",
        ],
    )


def verify(args: argparse.Namespace, output: Output) -> int:
    """Check a bundle; 1 when something differs."""
    from tl_core.export.verify import verify as check

    found = check(Path(args.folder))
    output.show(
        found,
        [
            *_lines(found),
            (
                "The bundle is as it was exported."
                if found["ok"]
                else "The bundle is NOT as it was exported."
            ),
        ],
    )
    return 0 if found["ok"] else 1


def push(args: argparse.Namespace, output: Output) -> int:
    """Upload a bundle to the Hub."""
    from tl_core.export.push import push as upload
    from tl_core.export.push import token_of
    from tl_core.progress import Progress
    from tl_core.settings import read_settings

    done = upload(
        Path(args.folder),
        args.repository,
        token_of(read_settings()),
        Progress(),
        public=args.public,
    )
    return output.show(done, [f"{done['address']} ({'public' if args.public else 'private'})"])


def serve(args: argparse.Namespace, output: Output) -> int:
    """Serve a bundle until it is told to end; the token, if any, comes from TL_SERVE_TOKEN."""
    from tl_core.predict.server import run
    from tl_core.predict.service import Serving
    from tl_core.settings import read_settings

    folder = Path(args.folder)
    if not (folder / "config.json").is_file():
        raise NotFoundError(
            f"There is no bundle {args.folder!r}.",
            "A bundle holds a config.json.",
            "Export one: python -m tl_core export RUN -o DIR.",
        )
    output.note(
        f"Serving {folder.name} at http://{args.host}:{args.port} (its pages: /docs, /metrics).\n"
    )
    run(
        Serving(
            str(folder.absolute()),
            read_settings().serve_token,
            max(args.batch, 1),
            args.wait_ms,
            args.room,
            args.seconds,
        ),
        args.host,
        args.port,
        args.workers,
    )
    return 0


def _lines(found: Proof) -> list[str]:
    return [
        f"{'ok   ' if check['ok'] else 'WRONG'} {check['name']}: {check['detail']}"
        for check in found["checks"]
    ]


def reproduce(args: argparse.Namespace, output: Output) -> int:
    """Print the command line that repeats a run; write the script."""
    from tl_core.export.reproduce import command, script

    run = stores()[2].get(args.run)
    config = RunConfig.read(run.folder)
    if config.kind != "train":
        raise StateError(f"Run {run.id} is no training.", "", "Only trainings are repeated.")
    if args.script:
        Path(args.script).write_text(script(config), encoding="utf-8")
    return output.show(
        {"run": run.id, "command": command(config), "script": script(config)}, [command(config)]
    )
