"""What a run reads, by the ids in its options."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tl_core.config import RunConfig
from tl_core.registry.database import open_database
from tl_core.registry.runs import RunStore
from tl_core.settings import Settings


def run_folder(config: RunConfig, settings: Settings) -> Path:
    """The folder of the earlier run that the option `run` names.

    Raises:
        NotFoundError: when its owner has deleted it meanwhile.
    """
    store = RunStore(open_database(settings), config.owner, settings.home_path)
    return store.get(str(config.options["run"])).folder


def with_model(config: RunConfig, settings: Settings) -> RunConfig:
    """The config as a recipe reads it: with the model's folder, which no recipe can look up."""
    return replace(
        config, options={**config.options, "model": str(run_folder(config, settings) / "model")}
    )
