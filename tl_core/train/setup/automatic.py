"""Settings that are left to the program: budget, schedule, batch statistics and learning rate, by
network and data.

The numbers were measured on photos, drawings and texts of 200 to 5,000 examples.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from tl_core.config import FinetuneSettings
from tl_core.train.items.item_training import LARGE, training_of

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_STEPS = 500  # that a training should have at least ...
# ... within so many epochs; beyond the most, small sets were learnt by heart
_LEAST, _MOST = 5.0, 12.0
# training pictures from which statistics of their own serve better than those of the pretraining
_FOLLOWING = 600


def settle(
    settings: FinetuneSettings, modality: str, *, examples: int, batch: int, batch_norms: bool
) -> FinetuneSettings:
    """The settings with every automatic one decided, but for the learning rate, which needs the
    surgery's report.

    Args:
        settings: as a person gave them.
        modality: of the examples.
        examples: to train on.
        batch: examples behind a step.
        batch_norms: whether the network has batch normalisation.
    """
    steps = max(1, math.ceil(examples / batch))
    follows = (
        batch_norms and examples >= _FOLLOWING and settings.tune == "all" and not settings.lora
    )
    follows |= settings.stochastic_norm > 0
    # what is brought nearer to another domain is normalised by that domain's own statistics: under
    # those of the pretraining every way to adapt lost to the statistics alone
    follows |= batch_norms and settings.adaptation != "none"
    return replace(
        settings,
        epochs=settings.epochs or min(max(float(math.ceil(_STEPS / steps)), _LEAST), _MOST),
        schedule=(
            settings.schedule if settings.schedule != "auto" else training_of(modality).schedule
        ),
        batchnorm=(
            settings.batchnorm if settings.batchnorm != "auto" else "adapt" if follows else "freeze"
        ),
    )


def size_of(model: PreTrainedModel) -> int:
    """Parameters of a network without its table of words.

    A step moves only the rows of the words that it reads, and many words make no network that needs
    smaller steps: on Chinese messages a multilingual one of MiniLM's size ended with a log loss of
    .89 at the rate for its 118 million weights, of .64 at that for the 21 million of its encoder
    (two seeds).
    """
    from torch import nn

    count = getattr(model.config, "vocab_size", 0)
    words = sum(
        int(one.weight.numel())
        for one in model.modules()
        if isinstance(one, nn.Embedding) and one.num_embeddings == count
    )
    return sum(int(one.numel()) for one in model.parameters()) - words


def learning_rate(
    settings: FinetuneSettings, modality: str, parameters: int, *, batch_norms: bool
) -> float:
    """Where to begin: smaller steps for larger networks, larger ones for LoRA and for random
    weights.

    How small and how large is a matter of the modality.
    """
    training = training_of(modality)
    if settings.scratch:
        return training.scratch_rate
    if settings.lora:
        return 1e-3 if parameters < LARGE else 3e-4
    base = training.learning_rate(
        parameters, batch_norms=batch_norms, follows=settings.batchnorm == "adapt"
    )
    return base * (5 if settings.lr_slice > 1 else 1)
