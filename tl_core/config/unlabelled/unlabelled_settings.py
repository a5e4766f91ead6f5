"""Continued pretraining, self-training and distillation, as somebody sets them."""

from __future__ import annotations

from dataclasses import dataclass

from tl_core.config.checked import Checked, setting
from tl_core.config.finetune import AUGMENTATIONS
from tl_core.config.frozen import INPUT_SIZE, SEED, WEIGHTS
from tl_core.errors import ConfigError

LENGTH = "Maximum length of a text in tokens; longer ones are truncated."
BASELINE = "Also train the no-transfer baseline, to show what transfer bought."


@dataclass(frozen=True)
class PretrainSettings(Checked):
    """Settings of `pretrain`: the backbone goes on learning from your own items without labels,
    then a probe reads it.
    """

    epochs: float = setting(
        0.0,
        "Passes over the training rows and the rows without a class; 0 chooses by their number"
        " (about a thousand steps for texts, two hundred for others).",
        low=0.0,
        high=1000,
        advanced=False,
    )
    learning_rate: float = setting(
        0.0,
        "Peak learning rate; 0 chooses by the backbone, as for fine-tuning.",
        low=0.0,
        high=1.0,
        advanced=False,
    )
    mask_share: float = setting(
        0.15,
        "Share of the tokens of a text that are hidden and have to be named.",
        low=0.01,
        high=0.9,
        only="text",
    )
    augment: str = setting(
        "strong",
        "Data augmentation that makes two views of one item. What it changes, the backbone learns"
        " to overlook; choose another one where colour or orientation tells the class.",
        choices=AUGMENTATIONS[1:],
        advanced=False,
        only="image audio",
    )
    temperature: float = setting(
        0.1,
        "Temperature of the contrastive loss; lower ones push the most alike items apart harder.",
        low=0.01,
        high=10.0,
        only="image audio",
    )
    batch_size: int = setting(
        0,
        "Items per optimizer step; 0 takes 32 texts or 64 others. Each of the latter is told apart"
        " from all others of its step.",
        low=0,
        high=4096,
    )
    class_weights: str = setting("none", WEIGHTS, choices=("none", "balanced"))
    max_length: int = setting(256, LENGTH, low=8, high=32768, advanced=False, only="text")
    input_size: int = setting(0, INPUT_SIZE, low=0, high=1024, only="image")
    checkpoint_steps: int = setting(
        0,
        "Steps between two checkpoints; 0 spaces them so that they cost no more than a fiftieth of"
        " the time.",
        low=0,
        high=10**6,
    )
    baseline: bool = setting(True, BASELINE)
    seed: int = setting(0, SEED, low=0, high=2**31 - 1)


@dataclass(frozen=True)
class SelfTrainingSettings(Checked):
    """Settings of `self_training`: a probe labels rows without a class, as far as it is sure, and
    learns from them in the next round.
    """

    threshold: float = setting(
        0.9,
        "Confidence from which on an answer becomes a pseudo-label. Higher ones give fewer and"
        " cleaner labels.",
        low=0.3,
        high=0.9999,
        advanced=False,
    )
    rounds: int = setting(
        5,
        "Rounds of labelling and learning at most. The best one by held-out rows is kept; that may"
        " be the plain probe.",
        low=1,
        high=50,
        advanced=False,
    )
    balanced: bool = setting(
        True,
        "Class balance: no class gets a larger share of the pseudo-labels than it has of the"
        " labels, so that a common answer does not crowd out the others.",
        advanced=False,
    )
    class_weights: str = setting("none", WEIGHTS, choices=("none", "balanced"))
    max_length: int = setting(256, LENGTH, low=8, high=32768, only="text")
    baseline: bool = setting(True, BASELINE)
    seed: int = setting(0, SEED, low=0, high=2**31 - 1)


@dataclass(frozen=True)
class DistillationSettings(Checked):
    """Settings of `distillation`: a small backbone learns what a trained model says, on rows with
    and without a class.
    """

    teacher: str = setting(
        "",
        "The model to learn from: run:<id> of a finished training, or a model of the Hub that"
        " already tells these classes apart (hub:<owner>/<name>).",
        advanced=False,
    )
    temperature: float = setting(
        2.0,
        "Temperature that softens the probabilities of teacher and student: higher ones tell more"
        " of how alike the teacher finds the other classes.",
        low=0.1,
        high=100.0,
        advanced=False,
    )
    soft_share: float = setting(
        0.7,
        "Share of the teacher's probabilities in the loss. The rest is the class of the row, or"
        " where it has none the teacher's answer.",
        low=0.0,
        high=1.0,
        advanced=False,
    )
    epochs: float = setting(
        0.0,
        "Epochs: passes over the training rows and the rows without a class; 0 chooses by their"
        " number.",
        low=0.0,
        high=1000,
        advanced=False,
    )
    learning_rate: float = setting(
        0.0, "Peak learning rate; 0 chooses by the backbone.", low=0.0, high=10.0
    )
    batch_size: int = setting(
        0, "Items per optimizer step; 0 takes 32, fewer where memory is short.", low=0, high=4096
    )
    augment: str = setting(
        "standard",
        "Data augmentation of what the student sees; the teacher has seen each item as it is.",
        choices=AUGMENTATIONS,
        only="image audio",
    )
    class_weights: str = setting("none", WEIGHTS, choices=("none", "balanced"))
    max_length: int = setting(256, LENGTH, low=8, high=32768, advanced=False, only="text")
    input_size: int = setting(0, INPUT_SIZE, low=0, high=1024, only="image")
    baseline: bool = setting(True, BASELINE)
    seed: int = setting(0, SEED, low=0, high=2**31 - 1)

    def need_teacher(self) -> str:
        """The teacher's reference.

        Raises:
            ConfigError: when none is named.
        """
        if not self.teacher:
            raise ConfigError(
                "A distillation needs a teacher.",
                "The student learns from the answers of a trained model.",
                "Set teacher to run:<id> of a finished training, or to a model of the Hub.",
            )
        return self.teacher
