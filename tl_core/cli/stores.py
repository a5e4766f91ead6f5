"""What commands share: the stores of the acting user, and `--set`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from tl_core.access.principal import operator
from tl_core.database.engine import open_database
from tl_core.errors import ConfigError
from tl_core.registry.datasets import DatasetStore
from tl_core.registry.runs import RunStore
from tl_core.settings import Settings, read_settings


class Stores(NamedTuple):
    """Settings and the acting user's datasets and runs."""

    settings: Settings
    datasets: DatasetStore
    runs: RunStore


def open_stores() -> Stores:
    """The stores of this machine's user, whom TL_USER names by id or handle; makes the database
    where there is none yet.
    """
    settings = read_settings()
    engine = open_database(settings)
    acting = operator(engine, settings.user)
    return Stores(
        replace(settings, user=acting.id),
        DatasetStore(engine, acting, settings.home_path),
        RunStore(engine, acting, settings.home_path),
    )


def parse_settings(texts: Iterable[str]) -> dict[str, object]:
    """`key=value` each; a value is JSON where it can be, else a string. The last of a key counts.

    Raises:
        ConfigError: for a text without a sign.
    """
    return dict(map(_parse_setting, texts))


def _parse_setting(text: str) -> tuple[str, object]:
    key, sign, raw = text.partition("=")
    if not sign:
        raise ConfigError(f"--set {text!r} has no value.", "", "Write --set key=value.")
    try:
        return key, json.loads(raw)
    except ValueError:
        return key, raw
