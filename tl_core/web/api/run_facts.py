"""Runs as answers."""

from __future__ import annotations

from tl_core.config import RUN_KINDS, RunConfig
from tl_core.json_files import finite
from tl_core.registry.run import Run
from tl_core.web.api.acting import Acting


def run_facts(acting: Acting, run: Run) -> dict[str, object]:
    """A run as lists show it."""
    facts = {
        **run.as_dict(),
        "parent": run.parent,
        "mine": run.owner == acting.principal.id,
        "cancel_requested": run.cancel_requested,
        "stop_requested": run.stop_requested,
        "summary": run.summary,
    }
    return {key: finite(value) for key, value in facts.items()}


def run_details(acting: Acting, run: Run) -> dict[str, object]:
    """A run with the settings of its recipe; what other kinds were asked for stays inside, since
    it names folders of the server.
    """
    with_recipe = RUN_KINDS[run.kind].spec is None
    config = RunConfig.read(run.folder) if with_recipe else None
    return {
        **run_facts(acting, run),
        "settings": finite(config.options) if config else {},
        "sealed": config.sealed if config else False,
    }
