"""Settings of `ladder`: several strategies on the same splits and seeds, in one job."""

from __future__ import annotations

from dataclasses import dataclass

from tl_core.config.checked import Checked, setting
from tl_core.config.finetune import AUGMENTATIONS
from tl_core.config.frozen import SEED
from tl_core.config.strategies import STRATEGIES
from tl_core.errors import ConfigError

# a ladder learns from all items, whatever their domain, and from no model or dataset to be named
_NO_RUNGS = ("adapt", "distillation", "fast_adaptation")
RUNGS = ("baseline", *(name for name, one in STRATEGIES.items() if one.recipe not in _NO_RUNGS))


@dataclass(frozen=True)
class LadderSettings(Checked):
    """Settings of `ladder`; the other settings of each rung are those of its strategy's card."""

    rungs: tuple[str, ...] = setting(
        ("baseline", "probe", "lpft", "lora", "full", "scratch"),
        "The strategies to compare, the cheapest first.",
        items=RUNGS,
        advanced=False,
    )
    seeds: int = setting(
        3,
        "Trainings of each strategy, with different random seeds. Three show the spread.",
        low=1,
        high=20,
        advanced=False,
    )
    epochs: float = setting(
        0.0,
        "Epochs of the fine-tuned strategies; 0 chooses by the size of the set.",
        low=0.0,
        high=1000,
        advanced=False,
    )
    learning_rate: float = setting(
        0.0, "Peak learning rate; 0 chooses by strategy and backbone.", low=0.0, high=10.0
    )
    max_length: int = setting(
        256,
        "Maximum length of a text in tokens; longer ones are truncated.",
        low=8,
        high=32768,
        only="text",
    )
    augment: str = setting(
        "standard",
        "Data augmentation of pictures and recordings.",
        choices=AUGMENTATIONS,
        only="image audio",
    )
    processes: int = setting(
        1,
        "Trainings at the same time, each on a GPU or processors of its own in a Ray cluster; "
        "without one they follow each other.",
        low=1,
        high=64,
    )
    seed: int = setting(0, SEED, low=0, high=2**30)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.rungs:
            raise ConfigError(
                "A ladder needs at least one strategy.", "", f"Choose among: {', '.join(RUNGS)}."
            )

    def options(self, rung: str, seed: int) -> tuple[str, dict[str, object]]:
        """Recipe and settings of one rung."""
        if rung == "baseline":
            return "baseline", {"seed": seed}
        strategy = STRATEGIES[rung]
        if strategy.recipe != "finetune":
            return strategy.recipe, {
                **strategy.values,
                "seed": seed,
                "max_length": self.max_length,
                "baseline": False,
            }
        chosen = {"epochs": self.epochs, "learning_rate": self.learning_rate}
        return "finetune", {
            "strategy": rung,
            "seed": seed,
            "max_length": self.max_length,
            "augment": self.augment,
            "baseline": False,
            **{name: value for name, value in chosen.items() if value},
        }
