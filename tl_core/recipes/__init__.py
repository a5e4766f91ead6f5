"""How a run trains: one readable function per recipe, found by name.

A recipe takes `(config, version, folder, cache, progress)`, leaves its artifacts in `folder` and returns the facts
of the report. It never touches registry, jobs or pages.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from tl_core.config import SETTINGS
from tl_core.errors import NotFoundError, nearest

RECIPES: dict[str, str] = {
    "baseline": "The yardstick: no pretrained network, only word statistics or colours and edges.",
    "probe": "The first answer in seconds: the backbone stays frozen, a logistic regression learns on its features.",
}
assert set(RECIPES) == set(SETTINGS)  # noqa: S101 - a recipe without settings is a defect of ours


def load_recipe(name: str) -> Callable[..., dict[str, Any]]:
    """The function behind a recipe name; its module is imported only now.

    Raises:
        NotFoundError: for an unknown name.
    """
    if name not in RECIPES:
        raise NotFoundError(f"There is no recipe {name!r}.", "", nearest(name, RECIPES))
    function: Callable[..., dict[str, Any]] = import_module(f"tl_core.recipes.{name}").run
    return function
