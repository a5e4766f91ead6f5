"""Questions about data and models that take longer than a click."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tl_core.config import RunConfig
from tl_core.data.store import DatasetVersion
from tl_core.jobs.events import EventLog
from tl_core.jobs.handlers.inputs import with_model
from tl_core.settings import Settings


def preflight(
    config: RunConfig, folder: Path, settings: Settings, events: EventLog
) -> tuple[str, dict[str, Any]]:
    """Measure a few steps of a training."""
    from tl_core.recipes.preflight import measure

    version = DatasetVersion(Path(config.dataset_dir))
    found = measure(config, version, folder, settings.home_path / "features", events)
    return f"About {found['minutes']:.1f} minutes", dict(found)


def suspect(
    config: RunConfig, folder: Path, settings: Settings, events: EventLog
) -> tuple[str, dict[str, Any]]:
    """Look for wrong labels."""
    from tl_core.recipes.suspects import look

    found = look(
        config,
        DatasetVersion(Path(config.dataset_dir)),
        folder,
        settings.home_path / "features",
        events,
    )
    return found["sentence"], {"suspects": found["count"], "share": found["share"]}


def explore(
    config: RunConfig, folder: Path, settings: Settings, events: EventLog
) -> tuple[str, dict[str, Any]]:
    """Learning curve and map of the data."""
    from tl_core.recipes.explore import explore

    found = explore(
        config,
        DatasetVersion(Path(config.dataset_dir)),
        folder,
        settings.home_path / "features",
        events,
    )
    return found["advice"], {"points": len(found["points"])}


def curve(
    config: RunConfig, folder: Path, settings: Settings, events: EventLog
) -> tuple[str, dict[str, Any]]:
    """Train on more and more of the rows."""
    from tl_core.recipes.curve import follow

    found = follow(
        config,
        DatasetVersion(Path(config.dataset_dir)),
        folder,
        settings.home_path / "features",
        events,
    )
    return found["advice"], {"points": len(found["points"])}


def stress(
    config: RunConfig, folder: Path, settings: Settings, events: EventLog
) -> tuple[str, dict[str, Any]]:
    """Try a trained model on worse items."""
    from tl_core.recipes.stress import stress

    found = stress(
        with_model(config, settings), DatasetVersion(Path(config.dataset_dir)), folder, events
    )
    return found["sentence"], {"run": config.options["run"]}


def trace(
    config: RunConfig, folder: Path, settings: Settings, events: EventLog
) -> tuple[str, dict[str, Any]]:
    """Find what each item is like to a trained model."""
    from tl_core.recipes.trace import trace

    found = trace(
        with_model(config, settings),
        DatasetVersion(Path(config.dataset_dir)),
        folder,
        settings.home_path / "features",
        events,
    )
    return f"{found['rows']:,} items and what they are like", dict(found)


def rank(
    config: RunConfig, folder: Path, settings: Settings, events: EventLog
) -> tuple[str, dict[str, Any]]:
    """Rank several backbones on a sample."""
    from tl_core.recipes.rank import rank

    found = rank(
        config,
        DatasetVersion(Path(config.dataset_dir)),
        folder,
        settings.home_path / "features",
        events,
    )
    return found["sentence"], {
        "recommended": found["recommended"],
        "backbones": len(found["ranking"]),
    }
