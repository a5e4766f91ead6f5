"""Settings of `auto`: the best model that can be found within some minutes."""

from __future__ import annotations

from dataclasses import dataclass

from tl_core.config.checked import Checked, setting
from tl_core.config.finetune import AUGMENTATIONS
from tl_core.config.frozen import SEED, WEIGHTS


@dataclass(frozen=True)
class AutoSettings(Checked):
    """Settings of `auto`; without a backbone it tries those at hand."""

    budget_minutes: float = setting(
        20.0,
        "Minutes that the whole search may take, saving and report included. A first probe is"
        " always finished, even if it takes longer.",
        low=0.1,
        high=10080.0,
        advanced=False,
    )
    class_weights: str = setting("none", WEIGHTS, choices=("none", "balanced"), advanced=False)
    max_length: int = setting(
        256,
        "Maximum length of a text in tokens; longer ones are truncated.",
        low=8,
        high=32768,
        only="text",
    )
    augment: str = setting(
        "standard",
        "Data augmentation of pictures and recordings. With standard, light is tried, too; "
        "everything else is kept as it is: letters must not be mirrored.",
        choices=AUGMENTATIONS,
        only="image audio",
        advanced=False,
    )
    baseline: bool = setting(
        True, "Also train the no-transfer baseline, to show what transfer bought."
    )
    processes: int = setting(
        1,
        "Trainings at the same time, each on a GPU or processors of its own in a Ray cluster; "
        "without one they follow each other.",
        low=1,
        high=64,
    )
    seed: int = setting(0, SEED, low=0, high=2**31 - 1)
