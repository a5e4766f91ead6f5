"""Settings of `finetune` that keep a network near what it has learnt before: its weights, what it
sees, its classes, its batch statistics.
"""

from __future__ import annotations

from dataclasses import dataclass

from tl_core.config.checked import setting
from tl_core.config.surgery import SurgeryPlan
from tl_core.errors import ConfigError

_GROUP = "Towards the pretrained network"


@dataclass(frozen=True)
class TowardsSource(SurgeryPlan):
    """What is added to the loss so that the pretrained network is not forgotten; 0 leaves each
    part out.
    """

    penalty: str = setting(
        "none",
        "Weight penalty added to the loss: l2 towards zero, l2-sp towards the pretrained weights "
        "(the classifier is exempt).",
        choices=("none", "l2", "l2-sp"),
        group=_GROUP,
    )
    penalty_strength: float = setting(
        0.01,
        "Coefficient of that penalty.",
        low=0.0,
        high=100.0,
        group=_GROUP,
    )
    delta: float = setting(
        0.0,
        "DELTA: keeps the feature maps near those of the pretrained network on the same items (Li"
        " et al., 2019; every channel counts alike, distances are relative to the size of the maps,"
        " so that a strength means the same for every network). 1 pulls gently; 0 leaves it out."
        " Keeps a second copy of the network in memory, and a step takes about a third longer.",
        low=0.0,
        high=100.0,
        group=_GROUP,
    )
    bss: float = setting(
        0.0,
        "Batch spectral shrinkage: pushes down the smallest singular values of the features of a"
        " batch, which transfer worst (Chen et al., 2019). 0.001 in the paper; 0 leaves it out.",
        low=0.0,
        high=100.0,
        group=_GROUP,
    )
    bss_values: int = setting(
        1,
        "How many of the smallest singular values bss pushes down.",
        low=1,
        high=64,
        group=_GROUP,
    )
    co_tuning: float = setting(
        0.0,
        "Co-Tuning: the classes of the pretraining are learnt along, each item as a mixture of them"
        " that its own class was found to be (You et al., 2020). 2.3 in the paper; 0 leaves it"
        " out. Needs a backbone that still has its classes, such as starter:image.",
        low=0.0,
        high=100.0,
        group=_GROUP,
    )
    lwf: float = setting(
        0.0,
        "Learning without forgetting: what the classifier of the pretraining says of each item"
        " should stay (Li and Hoiem, 2016). 4 is usual; 0 leaves it out. Needs a backbone that"
        " still has its classes; keeps a second copy of the network in memory.",
        low=0.0,
        high=100.0,
        group=_GROUP,
    )
    lwf_temperature: float = setting(
        3.0,
        "Softens what lwf compares: the higher, the more unlikely classes count.",
        low=0.1,
        high=100.0,
        group=_GROUP,
    )
    stochastic_norm: float = setting(
        0.0,
        "Stochastic normalisation: the share of channels that batch normalisation scales by its"
        " running statistics in each step, the others by those of the batch (Kou et al., 2020)."
        " 0.5 in the paper; 0 leaves it out. For networks with batch normalisation.",
        low=0.0,
        high=1.0,
        only="image audio",
        group=_GROUP,
    )

    @property
    def needs_source_classes(self) -> bool:
        """Whether the classifier of the pretraining is read."""
        return self.co_tuning > 0 or self.lwf > 0

    def __post_init__(self) -> None:
        super().__post_init__()
        named = [name for name in ("delta", "co_tuning", "lwf") if getattr(self, name)]
        if named and self.scratch:
            raise ConfigError(
                f"{named[0]} cannot be used from scratch.",
                "Random weights know nothing that could be kept.",
                f"Set {named[0]} to 0, or scratch to false.",
            )
        if named and self.reinit_top:
            raise ConfigError(
                f"{named[0]} cannot be used with reinit_top.",
                "Blocks that start anew see nothing that the pretrained ones saw.",
                f"Set {named[0]} or reinit_top to 0.",
            )
        if self.stochastic_norm and self.batchnorm not in ("auto", "adapt"):
            raise ConfigError(
                "stochastic_norm needs batch statistics that follow the data.",
                f"batchnorm is {self.batchnorm}.",
                "Set batchnorm to adapt or auto.",
            )
