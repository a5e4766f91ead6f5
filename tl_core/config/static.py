"""Settings of `static_embeddings`: word vectors and the small network that reads them."""

from __future__ import annotations

from dataclasses import dataclass

from tl_core.config.checked import Checked, setting
from tl_core.config.finetune import FinetuneSettings
from tl_core.config.frozen import SEED

HEADS = ("mlp", "cnn", "lstm", "gru", "attention")


@dataclass(frozen=True)
class StaticSettings(Checked):
    """Settings of `static_embeddings`. The backbone is a `static:` reference, or any text backbone,
    whose input embeddings are then the vectors.
    """

    head: str = setting(
        "mlp",
        "Network over the word vectors: mlp averages them and adds a hidden layer; cnn looks "
        "for groups of three to five words; lstm and gru read in order, forwards and backwards; "
        "attention learns how much each word matters.",
        choices=HEADS,
        advanced=False,
    )
    vectors: str = setting(
        "frozen",
        "Frozen keeps the pretrained vectors, so that words outside your labelled texts still"
        " count; tuned trains them, which needs more labels.",
        choices=("frozen", "tuned"),
        advanced=False,
    )
    epochs: float = setting(
        20.0,
        "Passes over the training examples; the best state is kept in any case.",
        low=0.01,
        high=1000,
        advanced=False,
    )
    width: int = setting(
        0,
        "Width: hidden units of mlp (0 takes 256), filters of each size of cnn (100), states in "
        "each direction of lstm and gru (128), hidden units of attention (128).",
        low=0,
        high=4096,
    )
    dropout: float = setting(
        0.5,
        "Dropout rate before the classifier.",
        low=0.0,
        high=0.9,
    )
    class_weights: str = setting(
        "none",
        "Class weights in the loss. Balanced: inverse to the class frequency; sqrt: its square "
        "root.",
        choices=("none", "balanced", "sqrt"),
    )
    max_length: int = setting(
        256,
        "Maximum length of a text in words or tokens; longer ones are truncated.",
        low=8,
        high=32768,
    )
    learning_rate: float = setting(0.001, "Peak learning rate.", low=1e-7, high=10.0)
    batch_size: int = setting(32, "Examples per optimizer step.", low=1, high=4096)
    patience: int = setting(
        5,
        "Early stopping: epochs without a better validation score; 0 disables it.",
        low=0,
        high=1000,
    )
    baseline: bool = setting(
        True, "Also train the no-transfer baseline, to show what the vectors bought."
    )
    seed: int = setting(0, SEED, low=0, high=2**31 - 1)

    def as_finetuning(self) -> FinetuneSettings:
        """The same training in the words of the trainer. One rate for all and no decay, as small
        networks are used.
        """
        return FinetuneSettings(
            strategy="full",
            lp_start=False,
            tune="all" if self.vectors == "tuned" else "head",
            head_lr=1.0,
            schedule="linear",
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            patience=self.patience,
            class_weights=self.class_weights,
            max_length=self.max_length,
            weight_decay=0.0,
            precision="float32",
            baseline=self.baseline,
            seed=self.seed,
        )

    @property
    def reader(self) -> dict[str, object]:
        """How the network reads, in the words of its configuration."""
        return {"reader": self.head, "reader_width": self.width, "reader_dropout": self.dropout}
