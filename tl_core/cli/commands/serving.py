"""Command serve: answers of a bundle over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict, Unpack

import click

from tl_core.cli.output import Output
from tl_core.cli.parsing import Command
from tl_core.errors import NotFoundError


class ServingOptions(TypedDict):
    """The options of serve, as they were given."""

    host: str
    port: int
    workers: int
    batch: int
    wait_ms: float
    room: int
    seconds: float


@click.command("serve", cls=Command)
@click.argument("bundle", help="folder that export made")
@click.option(
    "--host", default="127.0.0.1", help="address to listen on; default: this machine alone"
)
@click.option("--port", type=int, default=8000, help="port to listen on; default: 8000")
@click.option("--workers", type=int, default=1, help="processes, each with the model in memory")
@click.option(
    "--batch", type=int, default=32, help="items computed together; 1 switches batching off"
)
@click.option(
    "--wait-ms",
    type=float,
    default=4.0,
    help="how long a batch waits for more, when the last one had several",
)
@click.option("--room", type=int, default=1024, help="items that may wait; more are answered 429")
@click.option("--seconds", type=float, default=30.0, help="longest wait for an answer")
@click.pass_obj
def serve(output: Output, bundle: str, **options: Unpack[ServingOptions]) -> int:
    """Answers of a bundle over HTTP.

    It ends when it is told to. The token, if any, comes from TL_SERVE_TOKEN.
    """
    from tl_core.predict.serving.http import run
    from tl_core.predict.serving.service import Serving
    from tl_core.settings import read_settings

    folder = Path(bundle)
    if not (folder / "config.json").is_file():
        raise NotFoundError(
            f"There is no bundle {bundle!r}.",
            "A bundle holds a config.json.",
            "Export one: python -m tl_core export RUN -o DIR.",
        )
    host, port = options["host"], options["port"]
    output.note(f"Serving {folder.name} at http://{host}:{port} (its pages: /docs, /metrics).\n")
    serving = Serving(
        str(folder.absolute()),
        read_settings().serve_token,
        max(options["batch"], 1),
        options["wait_ms"],
        options["room"],
        options["seconds"],
    )
    run(serving, host, port, options["workers"])
    return 0
