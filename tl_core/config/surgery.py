"""The surgery plan: what of a backbone is kept, replaced, frozen or adapted, and how fast each part
may move.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tl_core.config.checked import Checked, setting
from tl_core.errors import ConfigError

MOVES = ("all", "last", "first", "norms", "pattern", "head", "nothing")
POOLINGS = ("auto", "native", "cls", "mean", "max", "concat")


@dataclass(frozen=True)
class SurgeryPlan(Checked):
    """What is done to a backbone before it is trained; see `tl_core.surgery.apply.apply_plan`."""

    head: str = setting(
        "linear",
        "The classifier that is grafted on. Linear is best for few examples and stays readable by"
        " every tool; mlp puts hidden layers between, as in the classic Dense(1024) head.",
        choices=("linear", "mlp"),
        group="Head",
    )
    hidden: tuple[float, ...] = setting(
        (1024.0,),
        "Widths of the hidden layers of an mlp head, from the backbone on.",
        low=1,
        high=65536,
        group="Head",
    )
    activation: str = setting(
        "relu",
        "Activation function of the hidden layers of an mlp head.",
        choices=("relu", "gelu", "tanh"),
        group="Head",
    )
    head_dropout: float = setting(
        0.0,
        "Dropout rate before each layer of the head. 0.1 to 0.5 helps against overfitting.",
        low=0.0,
        high=0.9,
        group="Head",
    )
    pooling: str = setting(
        "auto",
        "Pooling of tokens or patches into one vector. Auto and native follow the backbone"
        " (averages where it was trained that way); cls takes the first position, mean averages,"
        " max takes the largest value, concat puts mean and max side by side.",
        choices=POOLINGS,
        group="Head",
    )
    tune: str = setting(
        "all",
        "Which pretrained weights are trained: all; the last blocks (few examples, similar data); "
        "the first blocks (the same things, photographed differently); norms (normalisation "
        "layers alone, a thousandth of the weights); a pattern of names; head (none of them); "
        "nothing at all.",
        choices=MOVES,
        group="Trainable weights",
    )
    blocks: int = setting(
        2,
        "Number of blocks that are trained when tune is last or first.",
        low=1,
        high=200,
        group="Trainable weights",
    )
    pattern: str = setting(
        "",
        "Regular expression for the names of the trained weights when tune is pattern, such as "
        "attention.",
        group="Trainable weights",
    )
    batchnorm: str = setting(
        "auto",
        "Batch normalisation. Freeze keeps the statistics of the pretraining (best"
        " for small sets); adapt follows your pictures; eval also switches every dropout off."
        " Auto adapts where the whole network is trained on 600 pictures or more, and to the target"
        " where it is brought nearer to another domain.",
        choices=("auto", "freeze", "adapt", "eval"),
        group="Trainable weights",
    )
    frozen_dropout: bool = setting(
        False,
        "Keep dropout active in frozen blocks; off, their outputs are deterministic.",
        group="Trainable weights",
    )
    reinit_top: int = setting(
        0,
        "Top blocks that are re-initialised at random. One or two stabilise the tuning of large "
        "text models on few examples.",
        low=0,
        high=100,
        group="Trainable weights",
    )
    lora: bool = setting(
        False,
        "Train small low-rank matrices beside the frozen weights (LoRA) instead of the "
        "weights themselves. Saves memory; they are merged into the model at the end.",
        group="Trainable weights",
    )
    lora_rank: int = setting(
        8,
        "Rank of the LoRA matrices; higher ones can learn more.",
        low=1,
        high=512,
        group="Trainable weights",
    )
    lora_alpha: float = setting(
        16.0,
        "LoRA alpha: the update is scaled by alpha over rank.",
        low=0.1,
        high=1024,
        group="Trainable weights",
    )
    lora_dropout: float = setting(
        0.05,
        "Dropout rate on the inputs of the LoRA matrices.",
        low=0.0,
        high=0.9,
        group="Trainable weights",
    )
    scratch: bool = setting(
        False,
        "Random initialisation of the same architecture: what the data alone can teach.",
        group="Trainable weights",
    )
    unknown_layers: str = setting(
        "refuse",
        "What to do about an architecture whose blocks are not in our table: refuse, or take its"
        " modules in their order as blocks.",
        choices=("refuse", "module order"),
        group="Trainable weights",
    )
    layer_decay: float = setting(
        1.0,
        "Layer-wise learning rate decay: ratio of each block's learning rate to that of the block"
        " above it. 0.65 to 0.9 keeps the early"
        " blocks close to what they know; 1 treats all alike. With more than twelve blocks, the"
        " first one gets the learning rate that it would have with twelve.",
        low=0.1,
        high=1.0,
        group="Learning rate",
    )
    lr_slice: float = setting(
        1.0,
        "Ratio of the classifier's learning rate to that of the first block, with even steps"
        " between"
        " (discriminative learning rates). 1 is off.",
        low=1.0,
        high=1e6,
        group="Learning rate",
    )
    head_lr: float = setting(
        0.0,
        "Ratio of the head's learning rate to that of the block below it. 0 decides: 1 for a head"
        " that a"
        " probe has fitted, 10 for a fresh one; a tenth of that beside LoRA.",
        low=0.0,
        high=1e4,
        group="Learning rate",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.tune == "pattern":
            try:
                re.compile(self.pattern)
            except re.error as error:
                raise ConfigError(
                    f"The pattern {self.pattern!r} cannot be read.",
                    str(error),
                    "Write part of a layer's name, such as attention.",
                ) from error
            if not self.pattern:
                raise ConfigError(
                    "tune is pattern, but no pattern is given.",
                    "",
                    "Write part of a layer's name, such as attention, or choose another value of"
                    " tune.",
                )
        if self.scratch and (self.lora or self.tune != "all"):
            raise ConfigError(
                "From scratch, every weight has to learn.",
                "Frozen or low-rank parts would stay random.",
                "Set tune to all and lora to false.",
            )
        if self.layer_decay < 1 and self.lr_slice > 1:
            raise ConfigError(
                "layer_decay and lr_slice are both set.",
                "Both say how fast the early blocks move.",
                "Leave one of them at 1.",
            )
        if self.head == "mlp" and not self.hidden:
            raise ConfigError(
                "An mlp head without hidden layers is a linear one.",
                "",
                "Give hidden a width, such as 1024, or set head to linear.",
            )
