"""Settings of `contrastive`: a sentence encoder learns from pairs, then a probe reads it."""

from __future__ import annotations

from dataclasses import dataclass

from tl_core.config.checked import Checked, setting
from tl_core.config.frozen import SEED, WEIGHTS


@dataclass(frozen=True)
class ContrastiveSettings(Checked):
    """Settings of `contrastive` (SetFit, Tunstall et al., 2022): pairs, cosine loss, then logistic
    regression.
    """

    pairs: int = setting(
        8000,
        "Maximum number of pairs of texts. Few texts already make many pairs; as many alike as "
        "unlike are drawn. More pairs cost time in proportion.",
        low=16,
        high=10**6,
        advanced=False,
    )
    class_weights: str = setting("none", WEIGHTS, choices=("none", "balanced"), advanced=False)
    max_length: int = setting(
        256,
        "Maximum length of a text in tokens; longer ones are truncated.",
        low=8,
        high=32768,
        advanced=False,
    )
    learning_rate: float = setting(2e-5, "Peak learning rate of the encoder.", low=1e-8, high=1e-2)
    batch_size: int = setting(16, "Pairs per optimizer step.", low=2, high=1024)
    warmup: float = setting(
        0.1,
        "Warm-up: share of the steps in which the learning rate rises from 0; it then falls to 0.",
        low=0.0,
        high=0.9,
    )
    weight_decay: float = setting(
        0.01,
        "Decoupled weight decay (AdamW); not applied to norms and biases.",
        low=0.0,
        high=1.0,
    )
    baseline: bool = setting(
        True, "Also train the no-transfer baseline, to show what transfer bought."
    )
    seed: int = setting(0, SEED, low=0, high=2**31 - 1)
