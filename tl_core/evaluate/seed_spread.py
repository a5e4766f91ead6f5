"""Several seeds of the same training: how much of a score is luck."""

from __future__ import annotations

import json
from dataclasses import dataclass
from statistics import fmean, stdev

from tl_core.config import RunConfig


@dataclass(frozen=True)
class Spread:
    """Mean, standard deviation (n - 1), lowest and highest of one score over seeds."""

    count: int
    mean: float
    deviation: float
    lowest: float
    highest: float

    def sentence(self) -> str:
        """The spread of an accuracy in words."""
        return (
            f"{self.count} seeds: right {100 * self.mean:.1f} times in 100 on average,"
            f" {100 * self.lowest:.1f} to {100 * self.highest:.1f} (standard deviation"
            f" {100 * self.deviation:.1f})."
        )


def spread(values: list[float]) -> Spread:
    """Of two or more values."""
    return Spread(len(values), fmean(values), stdev(values), min(values), max(values))


def siblings(configs: dict[str, RunConfig]) -> list[list[str]]:
    """Groups of two or more runs (keys of `configs`) that differ in nothing but their seed, in the
    order given.
    """
    groups: dict[str, dict[int, str]] = {}
    for key, config in configs.items():
        settings: dict[str, object] = config.settings.as_dict()
        seed = int(str(settings.pop("seed")))
        same = json.dumps(
            [config.dataset, config.backbone, config.recipe, settings], sort_keys=True, default=str
        )
        groups.setdefault(same, {}).setdefault(
            seed, key
        )  # the same seed again would be no second opinion
    return [list(group.values()) for group in groups.values() if len(group) > 1]
