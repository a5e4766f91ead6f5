"""What repeats a run: a command line and a Python script, both of which take the same way as the
pages do.
"""

from __future__ import annotations

import json
import shlex

from tl_core.config import RunConfig
from tl_core.errors import ConfigError

_SAVED: dict[str, type] = {"recipe": str, "backbone": str, "options": dict, "sealed": bool}
_LARGEST = 1 << 20


def command(config: RunConfig) -> str:
    """The command line that trains as `config` says."""
    words = [
        "python",
        "-m",
        "tl_core",
        "train",
        "--dataset",
        config.dataset,
        "--recipe",
        config.recipe,
    ]
    if config.backbone:
        words += ["--backbone", config.backbone]
    for name, value in config.options.items():
        words += ["--set", f"{name}={json.dumps(value, ensure_ascii=False)}"]
    return shlex.join(words + (["--sealed"] if config.sealed else []))


def script(config: RunConfig) -> str:
    """A Python script that does the same, waits, and prints the report's first sentence."""
    settings = {
        "dataset": config.dataset,
        "backbone": config.backbone,
        "recipe": config.recipe,
        "options": config.options,
        "sealed": config.sealed,
    }
    return f'''\
"""Repeats one training of Graft Studio: same data version, splits, settings and seed."""

import json
import time

from tl_core.config import RunConfig
from tl_core.jobs.dispatch import ensure_dispatcher
from tl_core.database.engine import open_database
from tl_core.registry.datasets import DatasetStore
from tl_core.registry.runs import ACTIVE, RunStore
from tl_core.settings import read_settings

TOLD = json.loads(r"""{json.dumps(settings, indent=1)}""")

settings = read_settings()
engine = open_database(settings)
record = DatasetStore(engine, settings.user, settings.home_path).get(TOLD["dataset"])
runs = RunStore(engine, settings.user, settings.home_path)
run = runs.create(
    RunConfig(
        "train",
        settings.user,
        record.reference,
        str(record.folder),
        TOLD["backbone"],
        TOLD["recipe"],
        TOLD["options"],
        TOLD["sealed"],
    )
)
ensure_dispatcher(settings)
while (run := runs.get(run.id)).status in ACTIVE:
    time.sleep(1)
print(run.id, run.status, run.headline)
'''


def saved_settings(config: RunConfig) -> str:
    """What a training can be started again with, as JSON; it names neither data nor owner."""
    return json.dumps(
        {name: getattr(config, name) for name in _SAVED}, indent=1, ensure_ascii=False
    )


def from_saved(content: bytes, owner: str, dataset: str, dataset_dir: str) -> RunConfig:
    """The training that `saved_settings` or a run's own `config.json` describes, on another
    dataset.

    Raises:
        ConfigError: when it is neither, or describes no training.
    """
    wrong = ConfigError(
        "These are no saved settings.",
        "They are a JSON file with recipe, backbone and options.",
        "Bring the file that Export gives under Settings (JSON).",
    )
    if len(content) > _LARGEST:
        raise wrong
    try:
        saved = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise wrong from error
    if not isinstance(saved, dict) or "recipe" not in saved:
        raise wrong
    if saved.get("kind", "train") != "train":
        raise ConfigError(
            f"These are the settings of a run of kind {saved['kind']!r}.",
            "",
            "Only a training can be started again.",
        )
    options = {name: saved[name] for name in _SAVED if name in saved}
    for name, value in options.items():
        if not isinstance(value, _SAVED[name]):
            raise ConfigError(
                f"In these settings {name} is {value!r}.",
                f"It must be a {_SAVED[name].__name__}.",
                "Bring the file as it was downloaded.",
            )
    return RunConfig("train", owner, dataset, dataset_dir, **options)
