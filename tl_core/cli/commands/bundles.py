"""Commands that take a model away: export, verify, push, reproduce."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import click

from tl_core.cli.choosing_workplace import open_workplace
from tl_core.cli.output import Output
from tl_core.cli.parsing import Choice, Command
from tl_core.cli.stores import open_stores
from tl_core.config import RunConfig
from tl_core.errors import StateError


@click.command("export", cls=Command)
@click.argument("run_id", metavar="RUN", help="run id")
@click.option(
    "-o",
    "--output",
    "target",
    required=True,
    metavar="DIR",
    help="folder to make; it must not exist",
)
@click.option(
    "--format",
    "form",
    type=Choice(("hf", "onnx")),
    default="hf",
    help="hf: the Hugging Face folder; onnx: with model.onnx beside it",
)
@click.option("--int8", is_flag=True, help="also an ONNX file in 8 bits, its cost measured")
@click.option(
    "--include-examples",
    is_flag=True,
    help="golden examples from your own test rows instead of the samples",
)
@click.option("--zip", "zipped", is_flag=True, help="also DIR.zip")
@click.pass_obj
def export(
    output: Output,
    run_id: str,
    target: str,
    form: str,
    int8: bool,
    include_examples: bool,
    zipped: bool,
) -> int:
    """A bundle of a finished run, proven."""
    from tl_core.export.wishes import Wishes
    from tl_core.storage import zip_folder

    folder = Path(target)
    wishes = Wishes(form == "onnx" or int8, int8, include_examples)
    bundle = open_workplace().export(run_id, folder, wishes, output)
    archive = {"zip": str(zip_folder(folder))} if zipped else {}
    lines = _check_lines(bundle["checks"])
    if bundle["int8"]:
        lines.append(f"8 bits: {bundle['int8']['accuracy']['sentence']}")
    lines.append(f"{folder}: {len(bundle['files'])} files, {bundle['bytes'] / 1e6:,.1f} MB")
    return output.show({"run": run_id, "folder": str(folder), **bundle, **archive}, lines)


@click.command("verify", cls=Command)
@click.argument("folder", metavar="DIR", help="a bundle")
@click.pass_obj
def verify(output: Output, folder: str) -> int:
    """Whether a bundle still says what it said.

    The exit code is 1 when anything differs.
    """
    from tl_core.export.verify import verify as verify_bundle

    verdict = verify_bundle(Path(folder))
    negation = "" if verdict["ok"] else "NOT "
    output.show(
        verdict,
        [*_check_lines(verdict["checks"]), f"The bundle is {negation}as it was exported."],
    )
    return 0 if verdict["ok"] else 1


def _check_lines(checks: Iterable[Mapping[str, object]]) -> list[str]:
    """What was proven of a bundle, a line each."""
    return [
        f"{'ok   ' if check['ok'] else 'WRONG'} {check['name']}: {check['detail']}"
        for check in checks
    ]


@click.command("push", cls=Command)
@click.argument("folder", metavar="BUNDLE", help="folder that export made")
@click.argument("repository", metavar="OWNER/NAME", help="repository on the Hub")
@click.option("--public", is_flag=True, help="make the repository public")
@click.pass_obj
def push(output: Output, folder: str, repository: str, public: bool) -> int:
    """A bundle to the Hugging Face Hub, private unless asked otherwise."""
    from tl_core.export.push import push as upload
    from tl_core.export.push import token_of
    from tl_core.progress import Progress
    from tl_core.settings import read_settings

    done = upload(Path(folder), repository, token_of(read_settings()), Progress(), public=public)
    return output.show(done, [f"{done['address']} ({'public' if public else 'private'})"])


@click.command("reproduce", cls=Command)
@click.argument("run_id", metavar="RUN", help="run id")
@click.option("--script", "file", metavar="FILE.py", help="write the Python script to a file")
@click.pass_obj
def reproduce(output: Output, run_id: str, file: str | None) -> int:
    """The command and the script that repeat a run."""
    from tl_core.export.reproduce import command, script

    run = open_stores().runs.get(run_id)
    config = RunConfig.read(run.folder)
    if config.kind != "train":
        raise StateError(f"Run {run.id} is no training.", "", "Only trainings are repeated.")
    if file:
        Path(file).write_text(script(config), encoding="utf-8")
    return output.show(
        {"run": run.id, "command": command(config), "script": script(config)}, [command(config)]
    )
