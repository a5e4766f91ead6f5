"""Which rows to label next."""

from __future__ import annotations

from tl_core.config.specs import ProposeSpec
from tl_core.data.versions import edits
from tl_core.jobs.context import Outcome, RunContext


def propose(run: RunContext) -> Outcome:
    """Propose rows without a class, and judge the labels so far."""
    from tl_core.recipes.analyses.next_labels import propose

    spec = ProposeSpec.from_dict(run.config.options)
    queue = propose(
        spec,
        run.config.backbone,
        run.version,
        labels_so_far(run),
        run.folder,
        run.cache,
        run.events,
    )
    return Outcome(
        queue["sentence"], {"rows": len(queue["rows"]), "labels": queue["labels"]}
    )


def labels_so_far(run: RunContext) -> dict[int, str]:
    """The class that people have given to rows without one, in the order in which they did."""
    made = edits.decisions(run.version.folder)
    return {row: one.label for row, one in made.items() if one.action == "relabel"}
