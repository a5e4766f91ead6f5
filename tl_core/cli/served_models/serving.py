"""Command serve: answers of bundles over HTTP."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from tl_core.cli.output import Output
from tl_core.cli.parsing import Command
from tl_core.errors import ConfigError, NotFoundError, nearest
from tl_core.surgery.model_json import read_json
from tl_core.watch.verdict import FEWEST

if TYPE_CHECKING:
    from tl_core.predict.serving.service import Served, Serving

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class ServingOptions(TypedDict):
    """The options of serve, as they were given."""

    host: str
    port: int
    workers: int
    batch: int
    wait_ms: float
    room: int
    seconds: float
    memory_mb: int
    canary: str
    share: float
    window: int
    unsure: float
    keep_unsure: int
    unwatched: bool
    ray: bool
    gpus: float


@click.command("serve", cls=Command)
@click.argument(
    "bundles",
    nargs=-1,
    required=True,
    metavar="BUNDLE...",
    help="folders that export made, also as NAME=FOLDER, or a folder that holds several",
)
@click.option(
    "--host", default="127.0.0.1", help="address to listen on; default: this machine alone"
)
@click.option("--port", type=int, default=8000, help="port to listen on; default: 8000")
@click.option("--workers", type=int, default=1, help="processes, each with models of its own")
@click.option(
    "--batch", type=int, default=32, help="items computed together; 1 switches batching off"
)
@click.option(
    "--wait-ms",
    type=float,
    default=4.0,
    help="how long a batch waits for more, when the last one had several",
)
@click.option("--room", type=int, default=1024, help="items that may wait; more are answered 503")
@click.option("--seconds", type=float, default=30.0, help="longest wait for an answer")
@click.option(
    "--memory-mb",
    type=int,
    default=0,
    help="most that open models of a process take; the least recently used is let go. 0: no limit",
)
@click.option(
    "--canary",
    default="",
    metavar="[NAME=]BUNDLE",
    help="second bundle that answers a share of the requests, compared with the first",
)
@click.option("--share", type=float, default=0.1, help="that share, from 0 to 1; default: 0.1")
@click.option("--window", type=int, default=1000, help="served items that are judged together")
@click.option(
    "--unsure",
    type=float,
    default=0.0,
    help="confidence below which an item is unsure; default: the model's own threshold",
)
@click.option(
    "--keep-unsure",
    type=int,
    default=0,
    help="most unsure items of a model that are kept with their content, to be labelled",
)
@click.option("--unwatched", is_flag=True, help="keep no statistics of what is asked")
@click.option(
    "--ray",
    is_flag=True,
    help="let --workers replicas answer on the machines of this Ray cluster (Ray Serve)",
)
@click.option(
    "--gpus", type=float, default=0.0, help="share of a GPU that each replica takes, with --ray"
)
@click.pass_obj
def serve(output: Output, bundles: tuple[str, ...], **options: Unpack[ServingOptions]) -> int:
    """Answers of bundles over HTTP.

    One bundle answers at /predict, several at /models/NAME/predict. It ends when it is told to. The
    token, if any, comes from TL_SERVE_TOKEN.
    """
    from tl_core.predict.serving.service import Serving
    from tl_core.settings import read_settings

    settings = read_settings()
    _check(options)
    models = _with_canary(_models(bundles), options["canary"], options["share"])
    _check_memory(models, options["memory_mb"])
    _check_unsure(models, options)
    kept = "" if options["unwatched"] else _kept(settings.served_path, output, options)
    host, port = options["host"], options["port"]
    named = ", ".join(one.name for one in models)
    output.note(f"Serving {named} at http://{host}:{port} (its pages: /docs, /metrics).\n")
    serving = Serving(
        token=settings.serve_token,
        batch=max(options["batch"], 1),
        wait_ms=options["wait_ms"],
        room=options["room"],
        seconds=options["seconds"],
        models=tuple(models),
        memory_mb=options["memory_mb"],
        kept=kept,
        window=options["window"],
        unsure=options["unsure"],
        keep_unsure=options["keep_unsure"],
    )
    if options["ray"]:
        _run_on_ray(serving, options)
    else:
        from tl_core.predict.serving.http import run

        run(serving, host, port, options["workers"])
    return 0


def _run_on_ray(serving: Serving, options: ServingOptions) -> None:
    """The replicas of a cluster.

    Raises:
        ConfigError: where Ray Serve is not installed, or there is no cluster.
    """
    try:
        from tl_core.predict.serving.ray_serve import run
    except ImportError as error:
        raise ConfigError(
            "Ray Serve is not installed.",
            "It is an extra of the studio.",
            "pip install 'graft-studio[ray-serve]' on every machine of the cluster.",
        ) from error
    run(serving, options["host"], options["port"], options["workers"], options["gpus"])


def _check(options: ServingOptions) -> None:
    """Refuse numbers that cannot work, and wishes that need statistics without them."""
    numbers = (
        ("--workers", options["workers"], 1),
        ("--room", options["room"], 1),
        ("--window", options["window"], FEWEST),
        ("--memory-mb", options["memory_mb"], 0),
        ("--keep-unsure", options["keep_unsure"], 0),
    )
    for name, number, least in numbers:
        if number < least:
            raise ConfigError(f"{name} must be at least {least}.")
    if options["gpus"] < 0 or (options["gpus"] and not options["ray"]):
        raise ConfigError(
            "--gpus is a share of a GPU for each replica of a Ray cluster.",
            "Without --ray, every process takes the GPU that it finds.",
            "Give it together with --ray, 0 or more.",
        )
    for name, share in (("--share", options["share"]), ("--unsure", options["unsure"])):
        if not 0 <= share <= 1:
            raise ConfigError(f"{name} is a share, from 0 to 1.")
    if options["unwatched"] and (options["canary"] or options["keep_unsure"]):
        raise ConfigError(
            "--unwatched keeps nothing.",
            "A canary is compared, and unsure items are kept, in the same folder.",
            "Leave it out.",
        )


def _models(bundles: tuple[str, ...]) -> list[Served]:
    """What is named on the command line, each with the name of its path."""
    from tl_core.predict.serving.service import Served

    models = []
    for given in bundles:
        name, sign, place = given.partition("=")
        folder = Path(place if sign else given)
        inside = [path for path in sorted(folder.glob("*")) if (path / "config.json").is_file()]
        if (folder / "config.json").is_file() or not inside:
            models.append(Served(name if sign else folder.absolute().name, _bundle(folder)))
        else:
            models += [Served(path.name, _bundle(path)) for path in inside]
    names = [one.name for one in models]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(
                f"Two bundles are called {name!r}.",
                "Each has a path of its own.",
                "Name them: NAME=FOLDER.",
            )
        if len(names) > 1 and not _NAME.fullmatch(name):
            raise ConfigError(
                f"{name!r} cannot be part of an address.",
                "Letters, digits, dots, dashes and underscores can.",
                "Name it: NAME=FOLDER.",
            )
    return models


def _bundle(folder: Path) -> str:
    if not (folder / "config.json").is_file():
        raise NotFoundError(
            f"There is no bundle {str(folder)!r}.",
            "A bundle holds a config.json.",
            "Export one: python -m tl_core export RUN -o DIR.",
        )
    return str(folder.absolute())


def _with_canary(models: list[Served], canary: str, share: float) -> list[Served]:
    """The models with the second one beside the one that it is for."""
    from tl_core.predict.serving.service import Served

    if not canary:
        return models
    name, sign, place = canary.partition("=")
    names = [one.name for one in models]
    if sign and name not in names:
        raise NotFoundError(
            f"There is no model {name!r} to set a canary beside.", "", nearest(name, names)
        )
    if not sign and len(models) > 1:
        raise ConfigError(
            "Which model is the canary for?", "There are several.", "Write --canary NAME=BUNDLE."
        )
    first, second = name if sign else names[0], _bundle(Path(place if sign else canary))
    found = next(one for one in models if one.name == first)
    if _classes(found.folder) != _classes(second):
        raise ConfigError(
            "The two bundles do not know the same classes.",
            "Their answers could not be compared.",
            "Take a canary that was trained on a version with the same classes.",
        )
    return [Served(one.name, one.folder, second, share) if one is found else one for one in models]


def _classes(folder: str) -> set[str]:
    names = read_json(Path(folder) / "config.json").get("id2label")
    return {str(one) for one in names.values()} if isinstance(names, dict) else set()


def _check_memory(models: list[Served], limit: int) -> None:
    """Refuse a model that would never fit."""
    from tl_core.predict.serving.shelf import weight_bytes

    for one in models if limit else []:
        sizes = [weight_bytes(Path(folder)) for folder in (one.folder, one.canary) if folder]
        if sum(sizes) > limit << 20:
            raise ConfigError(
                f"{one.name} needs {sum(sizes) / (1 << 20):,.0f} MB of memory.",
                f"--memory-mb allows {limit}.",
                "Raise it, or serve it elsewhere.",
            )


def _check_unsure(models: list[Served], options: ServingOptions) -> None:
    """Refuse to keep unsure items where nothing says what is unsure."""
    from tl_core.predict.threshold import read_threshold

    wanted = options["keep_unsure"] and not options["unsure"]
    if wanted and not any(read_threshold(Path(one.folder)) for one in models):
        raise ConfigError(
            "No item would ever be unsure.",
            "The model has no threshold of its own.",
            "Give one with --unsure 0.8, or set it on the report before the export.",
        )


def _kept(root: Path, output: Output, options: ServingOptions) -> str:
    """The folder of the statistics, or nothing where it cannot be written to.

    Raises:
        ConfigError: when it cannot, and more than a watch depends on it.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        probe = root / ".writable"
        probe.touch()
        probe.unlink(missing_ok=True)
    except OSError as error:
        why = f"{root.name!r} cannot be written to ({error.strerror})."
        if options["canary"] or options["keep_unsure"]:
            raise ConfigError(
                "There is no place for what shall be kept.", why, "Set TL_SERVED to a folder."
            ) from error
        output.note(f"Nothing is watched: {why} TL_SERVED names another folder.")
        return ""
    return str(root)
