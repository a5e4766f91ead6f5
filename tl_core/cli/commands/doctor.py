"""Command doctor: what this machine can do."""

from __future__ import annotations

import shutil
import sys
from importlib.metadata import version

import click

from tl_core.cli.output import Output
from tl_core.cli.parsing import Command
from tl_core.settings import read_settings

_PACKAGES = ("torch", "transformers", "timm", "streamlit")


@click.command("doctor", cls=Command)
@click.pass_obj
def doctor(output: Output) -> int:
    """What this machine can do."""
    from tl_core.backbones.describe import list_backbones
    from tl_core.hub import endpoint, is_reachable
    from tl_core.jobs.monitor import read_machine
    from tl_core.jobs.sandbox import enforced
    from tl_core.machine import has_bf16

    settings = read_settings()
    settings.home_path.mkdir(parents=True, exist_ok=True)
    machine = read_machine()
    facts = {
        "python": sys.version.split()[0],
        "gpus": machine["gpus"],
        "cores": machine["cores"],
        "bf16": has_bf16(),
        "memory_bytes": machine["memory_total"],
        "disk_free_bytes": shutil.disk_usage(settings.home_path).free,
        "home": str(settings.home_path),
        "hub": {"address": endpoint(), "reachable": is_reachable()},
        "starters": {
            card["reference"]: card["problem"] or "ready"
            for card in list_backbones(settings)
            if card["reference"].startswith("starter:")
        },
        "sandbox": enforced(settings),
        "packages": {name: version(name) for name in _PACKAGES},
    }
    return output.show(facts, [f"{key}: {value}" for key, value in facts.items()])
