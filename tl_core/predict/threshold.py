"""How sure a model must be to answer by itself, kept beside its weights."""

from __future__ import annotations

import json
from pathlib import Path

from tl_core.errors import ConfigError

_FILE = "threshold.json"


def save_threshold(model: Path, least: float) -> None:
    """Keep `least` (0 to 1) with the model in folder `model`; 0 means that it always answers.

    Raises:
        ConfigError: for a number outside that range.
    """
    if not 0 <= least < 1:
        raise ConfigError(
            f"A threshold of {least} is not possible.",
            "It is a probability, from 0 to 1.",
            "Give 0 to 0.99.",
        )
    path = model / _FILE
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps({"least": least}))
    temporary.replace(path)


def read_threshold(model: Path) -> float:
    """The kept threshold, of a bundle the one that it was exported with; 0 without one."""
    for name, key in ((_FILE, "least"), ("graft.json", "threshold")):
        if (model / name).is_file():
            return float(json.loads((model / name).read_text(encoding="utf-8")).get(key, 0.0))
    return 0.0
