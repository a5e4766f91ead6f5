"""What a run needs where it runs, of its config and of the settings here."""

from __future__ import annotations

import os
import secrets

from tl_core.config import RUN_KINDS, RunConfig
from tl_core.jobs import sandbox
from tl_core.jobs.executors.executor_contract import Needs
from tl_core.registry.elsewhere.executor_names import JOB_VARIABLE
from tl_core.settings import Settings

_GO_ALONG = ("TL_", "HF_", "TRANSFORMERS_", "MLFLOW_")  # what the variables of a worker begin with
_MEGABYTE = 1 << 20


def needs_of(run_id: str, config: RunConfig, settings: Settings) -> Needs:
    """The needs of the next attempt at a run.

    Args:
        run_id: of the run.
        config: of the run.
        settings: where home and database are, what a job is given.
    """
    job = f"{run_id}-{secrets.token_hex(4)}"
    granted = sandbox.needs_of(config, settings).secrets
    visible = sandbox.scrubbed(os.environ, granted)
    processors = settings.number("job_processors")
    return Needs(
        job,
        max(1, int(config.options.get("processes", 1))) if RUN_KINDS[config.kind].metered else 0,
        processors,
        (settings.limit("job_memory_mb") or 0) * _MEGABYTE,
        {
            **{
                name: value
                for name, value in visible.items()
                if name.startswith(_GO_ALONG) or name in granted
            },
            "TL_HOME": str(settings.home_path),
            "OMP_NUM_THREADS": str(processors),
            "PYTHONUNBUFFERED": "1",
            JOB_VARIABLE: job,
        },
    )
