"""The plainest fine-tuning with several labels an item: a PyTorch loop that knows nothing of this
project. Mean over the tokens, a Linear, binary cross-entropy, AdamW over one cycle, batches of 32.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from plain_loop import BATCH, DECAY, Reader
from torch.nn import functional
from transformers import AutoTokenizer

Floats = NDArray[np.float64]


def tuned(
    folder: Path,
    texts: dict[str, list[str]],
    targets: NDArray[np.int64],
    rate: float = 1e-4,
    epochs: int = 5,
    seed: int = 0,
) -> dict[str, Floats]:
    """Probabilities of the labels (rows, labels) of every split but `train`, whose labels are
    `targets` (rows, labels).
    """
    torch.manual_seed(seed)
    tokenizer = AutoTokenizer.from_pretrained(folder)

    def take(some: list[str]) -> dict[str, torch.Tensor]:
        return dict(
            tokenizer(
                some,
                padding=True,
                truncation=True,
                max_length=256,
                return_tensors="pt",
                return_token_type_ids=False,
            )
        )

    model, wanted = Reader(folder, targets.shape[1]), torch.from_numpy(targets).float()
    steps = len(wanted) // BATCH
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=DECAY)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=epochs * steps)
    for _ in range(epochs):
        order = torch.randperm(len(wanted))
        for step in range(steps):
            rows = order[step * BATCH : (step + 1) * BATCH]
            logits = model(take([texts["train"][row] for row in rows.tolist()]))
            functional.binary_cross_entropy_with_logits(logits, wanted[rows]).backward()
            optimizer.step()
            optimizer.zero_grad()
            cycle.step()
    model.eval()
    with torch.inference_mode():
        return {
            split: torch.cat(
                [model(take(some[at : at + 256])).sigmoid() for at in range(0, len(some), 256)]
            )
            .double()
            .numpy()
            for split, some in texts.items()
            if split != "train"
        }
