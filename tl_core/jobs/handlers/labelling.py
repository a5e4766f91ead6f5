"""Which rows to label next."""

from __future__ import annotations

from dataclasses import replace

from tl_core.config.specs import ProposeSpec
from tl_core.data.versions import edits
from tl_core.jobs.context import Outcome, RunContext


def propose(run: RunContext) -> Outcome:
    """Propose rows without a class, and judge the labels so far."""
    from tl_core.recipes.analyses.next_labels import propose

    spec = ProposeSpec.from_dict(run.config.options)
    made = edits.decisions(run.version.folder)
    dropped = tuple(row for row, one in made.items() if one.action == "drop")
    queue = propose(
        replace(spec, skip=(*spec.skip, *dropped)),
        run.config.backbone,
        run.version,
        {row: one.label for row, one in made.items() if one.action == "relabel"},
        run.folder,
        run.cache,
        run.events,
    )
    return Outcome(queue["sentence"], {"rows": len(queue["rows"]), "labels": queue["labels"]})
