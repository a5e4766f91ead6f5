"""The kinds of runs, in one table: what each is called, where it waits, what it needs, and who
carries it out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

TRAIN, LIGHT = "train", "light"  # lanes: the one has a slot for each GPU, the other one of its own


@dataclass(frozen=True)
class RunKind:
    """One kind of run; a new one is an entry here and a function.

    Args:
        title: what the list of runs calls it.
        entry: `module:function`, imported in the worker alone. It is called with the config, the
            run's folder, the settings and the events, and gives a headline and a summary.
        lane: the queue it waits in.
        heavy: whether it needs the libraries that a worker standing by has imported.
        with_recipe: whether its options are those of a recipe.
        listed: whether lists of runs show it unasked.
        runs: options that name earlier runs by their ids, which must be the asker's own.
    """

    title: str
    entry: str
    lane: str = LIGHT
    heavy: bool = True
    with_recipe: bool = False
    listed: bool = True
    runs: tuple[str, ...] = ()

    def load(self) -> Callable[..., tuple[str, dict[str, Any]]]:
        """The function that carries it out, with everything it imports."""
        module, _, name = self.entry.partition(":")
        found: Callable[..., tuple[str, dict[str, Any]]] = getattr(import_module(module), name)
        return found


_HANDLERS = "tl_core.jobs.handlers"
RUN_KINDS: dict[str, RunKind] = {
    "train": RunKind("training", f"{_HANDLERS}.training:train", TRAIN, with_recipe=True),
    "import": RunKind("import of data", f"{_HANDLERS}.datasets:add", heavy=False),
    "fix": RunKind("new version of a dataset", f"{_HANDLERS}.datasets:change", heavy=False),
    "takeout": RunKind("dataset as files", f"{_HANDLERS}.datasets:take_out", heavy=False),
    "predict": RunKind("prediction of a file", f"{_HANDLERS}.predicting:predict", runs=("run",)),
    "preflight": RunKind(
        "estimate", f"{_HANDLERS}.analyses:preflight", with_recipe=True, listed=False
    ),
    "suspect": RunKind(
        "search for wrong labels", f"{_HANDLERS}.analyses:suspect", with_recipe=True
    ),
    "explore": RunKind("learning curve and map", f"{_HANDLERS}.analyses:explore", with_recipe=True),
    "curve": RunKind(
        "learning curve of a training", f"{_HANDLERS}.analyses:curve", TRAIN, with_recipe=True
    ),
    "stress": RunKind("try on worse items", f"{_HANDLERS}.analyses:stress", runs=("run",)),
    "trace": RunKind(
        "search for what it learnt from", f"{_HANDLERS}.analyses:trace", runs=("run",)
    ),
    "rank": RunKind("ranking of backbones", f"{_HANDLERS}.analyses:rank"),
    "export": RunKind("bundle to take away", f"{_HANDLERS}.bundles:export", runs=("run",)),
    "push": RunKind("bundle to the Hub", f"{_HANDLERS}.bundles:push", runs=("run",)),
}


def kinds_of(lane: str) -> list[str]:
    """The kinds that wait in a lane."""
    return [name for name, kind in RUN_KINDS.items() if kind.lane == lane]


def lanes() -> set[str]:
    """Every lane."""
    return {kind.lane for kind in RUN_KINDS.values()}
