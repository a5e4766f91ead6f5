"""Settings of `finetune`: the surgery plan, and how the moving parts are trained."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from tl_core.config.checked import setting
from tl_core.config.frozen import INPUT_SIZE, SEED
from tl_core.config.strategies import STRATEGIES, TUNED
from tl_core.config.surgery import SurgeryPlan
from tl_core.errors import ConfigError, nearest

AUGMENTATIONS = ("none", "light", "standard", "strong", "orientation matters", "colour matters")


@dataclass(frozen=True)
class FinetuneSettings(SurgeryPlan):
    """Settings of `finetune`: the surgery plan, and how the moving parts are trained.

    `strategy` brings the values of its card; settings given beside it win.
    """

    strategy: str = setting(
        "lpft",
        "The set of values to begin with; every other setting can still be changed.",
        choices=TUNED,
        group="Training",
    )
    epochs: float = setting(
        0.0,
        "How often every example is seen. 0 decides: 5 for large sets, up to 12 for small "
        "ones (500 steps at least, where that is enough); a good state is kept in any case.",
        low=0.0,
        high=1000,
        advanced=False,
        group="Training",
    )
    batch_size: int = setting(
        0,
        "Examples behind each step; 0 takes 32. When memory runs out, the machine takes them "
        "in smaller parts by itself, with the same result.",
        low=0,
        high=4096,
        group="Training",
    )
    accumulate: int = setting(
        1,
        "Parts that each batch is taken in, one after the other. Saves memory, costs some "
        "time, changes nothing else.",
        low=1,
        high=256,
        group="Training",
    )
    lp_start: bool = setting(
        True,
        "Fit the classifier on frozen features first, so that the first steps do not "
        "spoil them (LP-FT).",
        group="Training",
    )
    class_weights: str = setting(
        "none",
        "How much a mistake counts. Balanced: as much on a rare class as on a common one; sqrt:"
        " half-way; custom: as you say.",
        choices=("none", "balanced", "sqrt", "custom"),
        advanced=False,
        group="Classes",
    )
    custom_weights: tuple[float, ...] = setting(
        (),
        "Weights of the classes in their order, for class_weights custom.",
        low=0.0,
        high=1e4,
        group="Classes",
    )
    oversample: bool = setting(
        False,
        "Show rare classes as often as common ones, by repeating their examples.",
        group="Classes",
    )
    loss: str = setting(
        "cross-entropy",
        "Focal loss looks away from examples that are already easy; try it with many easy ones.",
        choices=("cross-entropy", "focal"),
        group="Classes",
    )
    focal_gamma: float = setting(
        2.0, "How strongly focal loss looks away.", low=0.0, high=10.0, group="Classes"
    )
    label_smoothing: float = setting(
        0.0,
        "Share of certainty that is taken from the labels; 0.1 helps when some are wrong.",
        low=0.0,
        high=0.9,
        group="Classes",
    )
    learning_rate: float = setting(
        0.0,
        "How far each step goes. 0 chooses by size and kind of the backbone; find_lr measures it.",
        low=0.0,
        high=10.0,
        group="Learning rate",
    )
    find_lr: bool = setting(
        False,
        "Measure the learning rate first: it is raised step by step until the loss bursts, "
        "then everything is put back.",
        group="Learning rate",
    )
    schedule: str = setting(
        "auto",
        "How the learning rate falls: linear, cosine, one-cycle (up, then down) or "
        "constant. Auto takes one-cycle for photos, linear for texts.",
        choices=("auto", "linear", "cosine", "one-cycle", "constant"),
        group="Learning rate",
    )
    warmup: float = setting(
        0.1,
        "Share of the training in which the learning rate rises from 0.",
        low=0.0,
        high=0.9,
        group="Learning rate",
    )
    gradual: bool = setting(
        False,
        "Thaw block after block from the top over the first half of the training, the "
        "classifier first.",
        group="Learning rate",
    )
    weight_decay: float = setting(
        0.01,
        "Pull of all moving weights towards zero; never on norms and biases.",
        low=0.0,
        high=1.0,
        group="Keeping what it knows",
    )
    penalty: str = setting(
        "none",
        "Extra pull: l2 towards zero, l2-sp towards the pretrained weights, the "
        "classifier left alone.",
        choices=("none", "l2", "l2-sp"),
        group="Keeping what it knows",
    )
    penalty_strength: float = setting(
        0.01, "Strength of that pull.", low=0.0, high=100.0, group="Keeping what it knows"
    )
    average: str = setting(
        "none",
        "Average of weights that is kept: ema follows the training slowly; wise-ft mixes the state"
        " before and after fine-tuning (needs lp_start), the share chosen on the validation rows.",
        choices=("none", "ema", "wise-ft"),
        group="Keeping what it knows",
    )
    ema_decay: float = setting(
        0.99, "How slowly ema follows.", low=0.0, high=0.99999, group="Keeping what it knows"
    )
    patience: int = setting(
        3,
        "Epochs that are clearly worse on the validation rows before training stops, counted "
        "once the learning rate has fallen to half of its peak; 0 never stops early. A good state "
        "is restored in any case.",
        low=0,
        high=1000,
        group="Keeping what it knows",
    )
    best_by: str = setting(
        "log_loss",
        "The validation score that says which state is kept: the latest that is within "
        "one standard error of the best. Log loss is taken after calibration; macro_f1 by mistakes "
        "that count alike for every class.",
        choices=("accuracy", "macro_f1", "log_loss"),
        group="Keeping what it knows",
    )
    clip: float = setting(
        1.0,
        "Longest step of the gradient; 0 never shortens it.",
        low=0.0,
        high=1e6,
        group="Keeping what it knows",
    )
    augment: str = setting(
        "standard",
        "How pictures are varied while training: none; light; standard; strong; orientation matters"
        " (never mirrored or turned: letters, arrows, left and right); colour matters (colours"
        " stay).",
        choices=AUGMENTATIONS,
        advanced=False,
        only="image",
        group="Examples",
    )
    input_size: int = setting(0, INPUT_SIZE, low=0, high=1024, only="image", group="Examples")
    mix: str = setting(
        "none",
        "Blend two pictures and their classes (mixup), or paste a piece of one into another "
        "(cutmix). For long trainings.",
        choices=("none", "mixup", "cutmix"),
        only="image",
        group="Examples",
    )
    max_length: int = setting(
        256,
        "Longest text in tokens (about three quarters of a word each); the rest is cut off. Raise"
        " it when the end of your texts matters; it costs time.",
        low=8,
        high=32768,
        advanced=False,
        only="text",
        group="Examples",
    )
    word_dropout: float = setting(
        0.0,
        "Share of the words that are left out at random while training.",
        low=0.0,
        high=0.9,
        only="text",
        group="Examples",
    )
    precision: str = setting(
        "auto",
        "Number format of the training. Auto takes bf16 where this machine is measurably "
        "faster with it; scores are always computed in float32.",
        choices=("auto", "float32", "bf16"),
        group="Machine",
    )
    compile: bool = setting(
        False,
        "Let torch compile the network: minutes at the start, faster steps afterwards. "
        "Needs a C++ compiler.",
        group="Machine",
    )
    processes: int = setting(
        1, "Processes that share the work, one for each GPU.", low=1, high=64, group="Machine"
    )
    checkpoint_steps: int = setting(
        0,
        "Steps between two checkpoints; 0 spaces them so that they cost no more than a "
        "fiftieth of the time.",
        low=0,
        high=10**6,
        group="Machine",
    )
    continue_from: str = setting(
        "",
        "Id of a finished run on the same data, whose model is trained further.",
        group="Training",
    )
    baseline: bool = setting(
        True,
        "Also train the no-transfer yardstick, to show what transfer bought.",
        group="Training",
    )
    seed: int = setting(0, SEED, low=0, high=2**31 - 1, group="Training")

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Self:
        """The strategy's values under the given ones."""
        name = str(values.get("strategy", "lpft"))
        if name not in TUNED:
            raise ConfigError(f"There is no strategy {name!r}.", "", nearest(name, TUNED))
        return super().from_dict({**STRATEGIES[name].values, **values})

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.lp_start and (self.head == "mlp" or self.scratch):
            raise ConfigError(
                "lp_start cannot be used here.",
                (
                    "A probe fits a linear head."
                    if self.head == "mlp"
                    else "Random features are not worth a probe."
                ),
                "Set lp_start to false.",
            )
        if self.average == "wise-ft" and not self.lp_start:
            raise ConfigError(
                "wise-ft needs lp_start.",
                "Both ends of the mixture need a head that fits.",
                "Set lp_start to true.",
            )
        if (self.class_weights == "custom") != bool(self.custom_weights):
            raise ConfigError(
                "class_weights is custom exactly when custom_weights are given.",
                "",
                "Set class_weights to custom and custom_weights to one number for each class.",
            )
        if self.processes > 1 and self.gradual:
            raise ConfigError(
                "Gradual thawing does not work on several GPUs.",
                "Each process must know from the start what moves.",
                "Set gradual to false.",
            )
        if self.continue_from and not re.fullmatch(r"[0-9a-f]{4,32}", self.continue_from):
            raise ConfigError(
                f"{self.continue_from!r} is no run id.", "", "Ids look like 3f9a0c12de."
            )
        if self.continue_from and (self.lp_start or self.scratch):
            raise ConfigError(
                "A run that continues another has its weights and classifier already.",
                "",
                "Set lp_start and scratch to false.",
            )
