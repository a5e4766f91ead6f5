"""What repeats a run: a command line and a Python script, both of which take the same way as the pages do."""

from __future__ import annotations

import json
import shlex

from tl_core.config import RunConfig


def command(config: RunConfig) -> str:
    """The command line that trains as `config` says."""
    words = ["python", "-m", "tl_core", "train", "--dataset", config.dataset, "--recipe", config.recipe]
    if config.backbone:
        words += ["--backbone", config.backbone]
    for name, value in config.options.items():
        words += ["--set", f"{name}={json.dumps(value, ensure_ascii=False)}"]
    return shlex.join(words + (["--sealed"] if config.sealed else []))


def script(config: RunConfig) -> str:
    """A Python script that does the same, waits, and prints the report's first sentence."""
    told = {"dataset": config.dataset, "backbone": config.backbone, "recipe": config.recipe, "options": config.options,
            "sealed": config.sealed}
    return f'''"""Repeats one training of Graft Studio: same data version, splits, settings and seed."""

import json
import time

from tl_core.config import RunConfig
from tl_core.jobs.dispatch import ensure_dispatcher
from tl_core.registry.database import open_database
from tl_core.registry.datasets import DatasetStore
from tl_core.registry.runs import ACTIVE, RunStore
from tl_core.settings import read_settings

TOLD = json.loads(r"""{json.dumps(told, indent=1)}""")

settings = read_settings()
engine = open_database(settings)
record = DatasetStore(engine, settings.user, settings.home_path).get(TOLD["dataset"])
runs = RunStore(engine, settings.user, settings.home_path)
run = runs.create(RunConfig("train", settings.user, record.reference, str(record.folder), TOLD["backbone"],
                            TOLD["recipe"], TOLD["options"], TOLD["sealed"]))
ensure_dispatcher(settings)
while (run := runs.get(run.id)).status in ACTIVE:
    time.sleep(1)
print(run.id, run.status, run.headline)
'''
