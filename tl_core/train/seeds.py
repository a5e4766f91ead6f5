"""One seed for every source of chance."""

from __future__ import annotations

import random

import numpy as np


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and torch; call it before anything is created at random."""
    import torch

    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
