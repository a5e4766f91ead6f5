"""Bundles: made, and put on the Hub."""

from __future__ import annotations

from pathlib import Path

from tl_core.config.specs import ExportSpec, PushSpec
from tl_core.jobs.context import Outcome, RunContext
from tl_core.results import EXPORT
from tl_core.storage import remove_tree


def export(run: RunContext) -> Outcome:
    """Make a bundle, prove it, pack it."""
    from tl_core.export.bundle import export
    from tl_core.export.wishes import Wishes
    from tl_core.storage import zip_folder

    spec = ExportSpec.from_dict(run.config.options)
    target = run.folder / spec.name
    remove_tree(target)  # of a try before
    proof = export(run.folder_of(spec.run), target, Wishes(**spec.wishes), run.version, run.events)
    run.events.stage("Packing", 0)
    archive = zip_folder(target)
    EXPORT.write(run.folder, proof)
    return Outcome(
        f"A bundle of {proof['bytes'] / 1e6:,.1f} MB, verified",
        {"run": spec.run, "folder": target.name, "file": archive.name, "bytes": proof["bytes"]},
    )


def push(run: RunContext) -> Outcome:
    """Put a bundle on the Hub."""
    from tl_core.export.push import push, token_of

    spec = PushSpec.from_dict(run.config.options)
    bundle = run.folder_of(spec.run) / Path(spec.folder).name
    pushed = push(bundle, spec.repository, token_of(run.settings), run.events, public=spec.public)
    return Outcome(f"{pushed['repository']} is on the Hub", pushed)
