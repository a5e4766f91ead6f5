"""Settings of `finetune`: the surgery plan, and how the moving parts are trained."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from tl_core.config.checked import setting
from tl_core.config.finetune_parts.across_domains import AcrossDomains
from tl_core.config.finetune_parts.larger_models import (
    ACTIVATIONS,
    OPTIMIZERS,
    QUANTISED,
    SHARING,
    refuse_larger,
)
from tl_core.config.frozen import INPUT_SIZE, SEED
from tl_core.config.strategies import STRATEGIES, TUNED
from tl_core.errors import ConfigError, nearest

AUGMENTATIONS = ("none", "light", "standard", "strong", "orientation matters", "colour matters")


@dataclass(frozen=True)
class FinetuneSettings(AcrossDomains):
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
        "Passes over the training examples. 0 chooses 5 for large sets, up to 12 for small ones "
        "(at least 500 steps where that is enough); the best state is kept in any case.",
        low=0.0,
        high=1000,
        advanced=False,
        group="Training",
    )
    batch_size: int = setting(
        0,
        "Examples per optimizer step; 0 takes 32. When memory runs out, a batch is split into "
        "micro-batches automatically, with the same result.",
        low=0,
        high=4096,
        group="Training",
    )
    accumulate: int = setting(
        1,
        "Gradient accumulation: micro-batches per optimizer step. Saves memory, costs some time; "
        "batch statistics that follow the data, and what looks at a batch as a whole (DeepCORAL, "
        "MCC, BSS, CORAL), see a micro-batch instead.",
        low=1,
        high=256,
        group="Training",
    )
    lp_start: bool = setting(
        True,
        "Fit the classifier on frozen features first (linear probing, then fine-tuning: LP-FT), so "
        "that the first steps do not distort them.",
        group="Training",
    )
    class_weights: str = setting(
        "none",
        "Class weights in the loss. Balanced: inverse to the class frequency, so that rare classes "
        "count as much as common ones; sqrt: its square root; custom: those of custom_weights.",
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
        "Oversample rare classes, so that every class is seen equally often.",
        group="Classes",
    )
    loss: str = setting(
        "cross-entropy",
        "Focal loss down-weights examples that are already classified with confidence; try it with "
        "many easy ones. Asymmetric loss, for items with several labels, forgets easy noes (Ridnik "
        "et al., 2021). With several labels cross-entropy is that of a yes or no for each.",
        choices=("cross-entropy", "focal", "asymmetric"),
        group="Classes",
    )
    focal_gamma: float = setting(
        2.0,
        "Focusing parameter gamma of focal loss; 0 is cross-entropy.",
        low=0.0,
        high=10.0,
        group="Classes",
    )
    label_smoothing: float = setting(
        0.0,
        "Label smoothing: probability mass spread over the other classes; 0.1 helps when some "
        "labels are wrong.",
        low=0.0,
        high=0.9,
        group="Classes",
    )
    learning_rate: float = setting(
        0.0,
        "Peak learning rate. 0 chooses by size and kind of the backbone; find_lr measures it.",
        low=0.0,
        high=10.0,
        group="Learning rate",
    )
    find_lr: bool = setting(
        False,
        "Learning rate range test first: the rate is raised step by step until the loss diverges, "
        "then the weights are restored.",
        group="Learning rate",
    )
    schedule: str = setting(
        "auto",
        "Learning rate schedule: linear or cosine decay, one-cycle (up, then down) or constant. "
        "Auto takes one-cycle for photos, linear for texts.",
        choices=("auto", "linear", "cosine", "one-cycle", "constant"),
        group="Learning rate",
    )
    warmup: float = setting(
        0.1,
        "Warm-up: share of the steps in which the learning rate rises from 0.",
        low=0.0,
        high=0.9,
        group="Learning rate",
    )
    gradual: bool = setting(
        False,
        "Gradual unfreezing: the classifier first, then block after block from the top over the "
        "first half of the training.",
        group="Learning rate",
    )
    weight_decay: float = setting(
        0.01,
        "Decoupled weight decay (AdamW); not applied to norms and biases.",
        low=0.0,
        high=1.0,
        group="Regularisation and early stopping",
    )
    average: str = setting(
        "none",
        "Weight averaging: ema keeps an exponential moving average; wise-ft interpolates between "
        "the weights before and after fine-tuning (needs lp_start), the share chosen on the "
        "validation rows; swad averages the weights after every step between the epoch in which "
        "the validation loss falls no further and the one in which it clearly rises (Cha et al., "
        "2021; made for domains that nobody has seen, wants 8 epochs or more).",
        choices=("none", "ema", "wise-ft", "swad"),
        group="Regularisation and early stopping",
    )
    ema_decay: float = setting(
        0.99,
        "Decay of the moving average per step.",
        low=0.0,
        high=0.99999,
        group="Regularisation and early stopping",
    )
    patience: int = setting(
        3,
        "Early stopping: epochs clearly worse on the validation rows before training stops, "
        "counted once the learning rate has fallen to half of its peak; 0 disables it. The best "
        "state is restored in any case.",
        low=0,
        high=1000,
        group="Regularisation and early stopping",
    )
    best_by: str = setting(
        "log_loss",
        "Validation score by which a state is kept: the latest within one standard error of the "
        "best. Log loss is taken after calibration; macro_f1 weighs every class alike.",
        choices=("accuracy", "macro_f1", "log_loss"),
        group="Regularisation and early stopping",
    )
    clip: float = setting(
        1.0,
        "Maximum gradient norm; 0 disables clipping.",
        low=0.0,
        high=1e6,
        group="Regularisation and early stopping",
    )
    augment: str = setting(
        "standard",
        "Data augmentation of pictures: none; light; standard; strong; orientation matters (never "
        "mirrored or turned: letters, arrows, left and right); colour matters (no change of "
        "colours). Recordings are shifted, played at other speeds, made louder or softer, noisy, "
        "and silenced for stretches of time and pitch (SpecAugment); orientation matters leaves "
        "their time alone, colour matters their pitch.",
        choices=AUGMENTATIONS,
        advanced=False,
        only="image audio",
        group="Examples",
    )
    input_size: int = setting(0, INPUT_SIZE, low=0, high=1024, only="image", group="Examples")
    mix: str = setting(
        "none",
        "Mix two pictures or recordings and their labels (mixup), or paste a patch of one into "
        "another (cutmix). For long trainings.",
        choices=("none", "mixup", "cutmix"),
        only="image audio",
        group="Examples",
    )
    max_length: int = setting(
        256,
        "Maximum length of a text in tokens (about three quarters of a word each); longer ones are "
        "truncated. Raise it when the end of your texts matters; it costs time.",
        low=8,
        high=32768,
        advanced=False,
        only="text",
        group="Examples",
    )
    word_dropout: float = setting(
        0.0,
        "Word dropout: share of the words left out at random while training.",
        low=0.0,
        high=0.9,
        only="text",
        group="Examples",
    )
    precision: str = setting(
        "auto",
        "Numerical precision of the training. Auto takes bf16 where this machine is measurably "
        "faster with it; scores are always computed in float32.",
        choices=("auto", "float32", "bf16"),
        group="Machine",
    )
    compile: bool = setting(
        False,
        "Compile the network with torch.compile: minutes at the start, faster steps afterwards. "
        "Needs a C++ compiler.",
        group="Machine",
    )
    processes: int = setting(
        1,
        "Processes that share each batch (data parallelism), one for each GPU.",
        low=1,
        high=64,
        group="Machine",
    )
    sharing: str = setting(
        "none",
        "What the processes share beside the batches. none: each has a copy of the network. fsdp: "
        "weights, gradients and optimiser state are shared out, so that each GPU holds a part of "
        "them (fully sharded data parallelism); for networks that train on no GPU alone.",
        choices=SHARING,
        group="Machine",
    )
    activations: str = setting(
        "keep",
        "What the backward pass needs of the forward pass. keep: it stays in the memory. "
        "recompute: only the inputs of the blocks stay, the rest is computed again (gradient "
        "checkpointing), for about a third more time. offload: these inputs wait in the machine's "
        "memory instead of the GPU's. The result is the same.",
        choices=ACTIVATIONS,
        group="Machine",
    )
    optimizer: str = setting(
        "adamw",
        "AdamW, or AdamW whose state takes a quarter of the memory (8 bits). Needs the package "
        "bitsandbytes.",
        choices=OPTIMIZERS,
        group="Machine",
    )
    quantise: str = setting(
        "none",
        "4bit: with LoRA, keep the frozen layers in 4 bits while training (QLoRA), an eighth of "
        "their memory for some accuracy. Needs the package bitsandbytes.",
        choices=QUANTISED,
        group="Machine",
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
        "Also train the no-transfer baseline, to show what transfer bought.",
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
            linear, random = "A probe fits a linear head.", "Random features are not worth a probe."
            why = linear if self.head == "mlp" else random
            raise ConfigError("lp_start cannot be used here.", why, "Set lp_start to false.")
        if self.average == "wise-ft" and not self.lp_start:
            raise ConfigError(
                "wise-ft needs lp_start.",
                "Both ends of the mixture need a head that fits.",
                "Set lp_start to true.",
            )
        if self.stochastic_norm and self.average != "none":
            raise ConfigError(
                "stochastic_norm and an average of weights do not go together.",
                "It keeps the running statistics of its steps; averaged weights need their own.",
                "Set stochastic_norm to 0, or average to none.",
            )
        looks = self.delta or self.bss or self.needs_source_classes or self.reads_target
        if self.compile and (looks or self.domain_coral or self.mix_style or self.stochastic_norm):
            raise ConfigError(
                "A compiled network cannot be read on the way.",
                "What keeps the pretraining and what adapts to a domain look at its features.",
                "Set compile to false.",
            )
        if self.stochastic_norm and self.activations != "keep":
            raise ConfigError(
                "stochastic_norm cannot be recomputed.",
                "Each pass moves its statistics, so that the second one would not be the same.",
                "Set activations to keep.",
            )
        self._check_larger()
        if self.processes > 1:
            self._check_several_gpus()
        if (self.class_weights == "custom") != bool(self.custom_weights):
            raise ConfigError(
                "class_weights is custom exactly when custom_weights are given.",
                "",
                "Set class_weights to custom and custom_weights to one number for each class.",
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

    def _check_several_gpus(self) -> None:
        if self.adaptation != "none" or self.tells_domains or self.target_dataset:
            raise ConfigError(
                "adaptation, target_dataset, group_dro and domain_coral do not work on several"
                " GPUs.",
                "Each would see a part of the domains alone.",
                "Set processes to 1.",
            )
        if self.gradual:
            raise ConfigError(
                "Gradual unfreezing does not work on several GPUs.",
                "Each process must know from the start what moves.",
                "Set gradual to false.",
            )

    def _check_larger(self) -> None:
        looks = self.delta or self.bss or self.needs_source_classes or self.penalty != "none"
        across = self.reads_target or self.target_dataset or self.mix_style or self.domain_coral
        refuse_larger(
            sharing=self.sharing,
            optimizer=self.optimizer,
            quantise=self.quantise,
            lora=self.lora,
            looks=bool(looks or across),
            whole=self.find_lr or self.compile or self.gradual,
        )
