"""What an automatic search may try: probes, and fine-tunings by what moves, how far, and how
pictures vary.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from tl_core.config import STRATEGIES, AutoSettings
from tl_core.data.versions.store import DatasetVersion
from tl_core.train.items.item_training import Try, training_of

Options = dict[str, object]  # settings of a recipe that differ from its own


@dataclass(frozen=True)
class Candidate:
    """Something to train: `name` is its folder, `part` the share of a whole training that it gets
    (0: none).
    """

    name: str
    title: str
    recipe: str
    backbone: str
    options: Options
    part: float = 1.0
    rate: float = 1.0

    @property
    def shown(self) -> str:
        """What it is called while it trains."""
        return self.title + (f", {self.part:.0%} of it" if self.part < 1 else "")

    def shorter(self, part: float, epochs: float) -> Candidate:
        """The same for `part` of `epochs`; what has no epochs stays as it is."""
        if "strategy" not in self.options:
            return self
        return replace(
            self,
            name=f"{self.name}-{part:.2f}",
            part=part,
            options={**self.options, "epochs": round(max(1.0, part * epochs), 2)},
        )

    def whole(self, epochs: float, share: float = 1.0) -> Candidate:
        """The same for all of its epochs, or the share of them that there is time for; its folder
        is the same.
        """
        if "strategy" not in self.options:
            return self
        return replace(
            self.shorter(share, epochs) if share < 1 else self, name=f"{self.name}-whole"
        )


def probe(number: int, backbone: str, settings: AutoSettings) -> Candidate:
    """A linear classifier on the frozen backbone."""
    return Candidate(
        f"probe-{number}", STRATEGIES["probe"].title, "probe", backbone, _common(settings)
    )


def depths(backbone: str, settings: AutoSettings) -> Candidate:
    """The same on the outputs of all blocks side by side."""
    return Candidate(
        "depths", "Probe of all depths", "probe", backbone, {**_common(settings), "depth": -1}
    )


def tuned(backbone: str, version: DatasetVersion, settings: AutoSettings) -> list[Candidate]:
    """Fine-tunings in the order in which they are worth a try; the first is the plain one."""
    largest = int(version.sets.counts(version.labels[version.rows_of("train")]).max())
    tries = training_of(version.info.modality).tries(settings, largest)
    return [_candidate(one, backbone, _common(settings)) for one in tries]


def _candidate(one: Try, backbone: str, common: Options) -> Candidate:
    strategy = STRATEGIES[one.strategy]
    title = strategy.title + (f", {one.note}" if one.note else "")
    named: Options = {"strategy": one.strategy} if strategy.recipe == "finetune" else {}
    return Candidate(
        re.sub(r"\W+", "-", title.lower()),
        title,
        strategy.recipe,
        backbone,
        {**named, **common, **one.options},
        rate=one.rate,
    )


def with_rates(pool: list[Candidate], base: float) -> list[Candidate]:
    """The same with learning rates in numbers, where they differ from what the program chooses,
    `base`.
    """
    return [
        (
            one
            if one.rate == 1.0
            else replace(one, options={**one.options, "learning_rate": base * one.rate})
        )
        for one in pool
    ]


def _common(settings: AutoSettings) -> Options:
    """The settings of every candidate."""
    return {
        "class_weights": settings.class_weights,
        "max_length": settings.max_length,
        "seed": settings.seed,
        "baseline": settings.baseline,
    }
