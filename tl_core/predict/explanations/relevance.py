"""What the methods of explanation share: their maps, log odds, and the network that they are
checked with.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import logit
from torch import nn

from tl_core.backbones.classifier import Classifier
from tl_core.predict.one_item import ModelInput

Floats = NDArray[np.float64]
Maps = tuple[list[tuple[str, Floats, float | None]], Floats]
"""Maps by the names of their methods, each with its completeness error, and the last method's map
of a network with random weights.
"""


def log_odds(classifier: Classifier, items: Sequence[ModelInput], place: int) -> Floats:
    """ln(p / (1 - p)) of one class (items,): the weight of evidence (Robnik-Sikonja and Kononenko,
    IEEE TKDE 2008), which still moves where a probability near 1 does not.
    """
    odds: Floats = logit(np.clip(classifier.probabilities(list(items))[:, place], 1e-12, 1 - 1e-12))
    return odds


def randomised(model: nn.Module) -> nn.Module:
    """The same network with random weights: its maps show what a method draws by itself (Adebayo,
    NeurIPS 2018).
    """
    other = copy.deepcopy(model)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in other.parameters():
            if parameter.ndim > 1:
                spread = float(parameter.std()) or 0.02
                parameter.copy_(
                    torch.randn(parameter.shape, generator=generator).to(parameter.device) * spread
                )
    return other.eval()
