"""The kinds of runs, in one table: what each is called, where it waits, what it needs, and who
carries it out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from tl_core.config import specs

TRAIN, LIGHT = "train", "light"  # lanes: the one has a slot for each GPU, the other one of its own


@dataclass(frozen=True)
class RunKind:
    """One kind of run; a new one is an entry here and a function.

    Args:
        title: what the list of runs calls it.
        entry: `module:function`, imported in the worker alone. It takes a
            `jobs.context.RunContext` and gives an `Outcome`.
        spec: what its options are; those of the recipe's settings when there is none.
        lane: the queue it waits in.
        heavy: whether it needs the libraries that a worker standing by has imported.
        listed: whether lists of runs show it unasked.
        metered: whether a network computes, so that its time counts as GPU minutes.
    """

    title: str
    entry: str
    spec: type[specs.RunSpec] | None = None
    lane: str = LIGHT
    heavy: bool = True
    listed: bool = True
    metered: bool = True

    def load(self) -> Callable[[Any], Any]:
        """The function that carries it out, with everything it imports."""
        module, _, name = self.entry.partition(":")
        entry: Callable[[Any], Any] = getattr(import_module(module), name)
        return entry


_HANDLERS = "tl_core.jobs.handlers"
RUN_KINDS: dict[str, RunKind] = {
    "train": RunKind("training", f"{_HANDLERS}.training:train", lane=TRAIN),
    "import": RunKind(
        "import of data", f"{_HANDLERS}.datasets:add", specs.ImportSpec, heavy=False, metered=False
    ),
    "fix": RunKind(
        "new version of a dataset",
        f"{_HANDLERS}.datasets:change",
        specs.FixSpec,
        heavy=False,
        metered=False,
    ),
    "takeout": RunKind(
        "export of a dataset",
        f"{_HANDLERS}.datasets:take_out",
        specs.TakeoutSpec,
        heavy=False,
        metered=False,
    ),
    "predict": RunKind(
        "prediction of a file", f"{_HANDLERS}.predicting:predict", specs.PredictSpec
    ),
    "preflight": RunKind("estimate", f"{_HANDLERS}.analyses:preflight", listed=False),
    "suspect": RunKind("search for wrong labels", f"{_HANDLERS}.analyses:suspect"),
    "explore": RunKind("learning curve and map", f"{_HANDLERS}.analyses:explore"),
    "curve": RunKind("learning curve of a training", f"{_HANDLERS}.analyses:curve", lane=TRAIN),
    "stress": RunKind("robustness test", f"{_HANDLERS}.analyses:stress", specs.RobustnessSpec),
    "trace": RunKind(
        "search for similar training items", f"{_HANDLERS}.analyses:trace", specs.NeighboursSpec
    ),
    "domains": RunKind("comparison of domains", f"{_HANDLERS}.analyses:domains", specs.DomainsSpec),
    "hold_out": RunKind(
        "domains held out in turn", f"{_HANDLERS}.analyses:hold_out", specs.HoldOutSpec, lane=TRAIN
    ),
    "index": RunKind(
        "reading of items to search them", f"{_HANDLERS}.analyses:index", specs.IndexSpec
    ),
    "rank": RunKind("ranking of backbones", f"{_HANDLERS}.analyses:rank", specs.RankSpec),
    "propose": RunKind(
        "choice of rows to label", f"{_HANDLERS}.labelling:propose", specs.ProposeSpec, listed=False
    ),
    "export": RunKind(
        "export of a model", f"{_HANDLERS}.bundles:export", specs.ExportSpec, metered=False
    ),
    "push": RunKind(
        "upload to the Hub", f"{_HANDLERS}.bundles:push", specs.PushSpec, metered=False
    ),
}


def kinds_of(lane: str) -> list[str]:
    """The kinds that wait in a lane."""
    return [name for name, kind in RUN_KINDS.items() if kind.lane == lane]


def lanes() -> set[str]:
    """Every lane."""
    return {kind.lane for kind in RUN_KINDS.values()}
