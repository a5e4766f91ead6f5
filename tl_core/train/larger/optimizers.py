"""The optimiser of a training."""

from __future__ import annotations

import torch

from tl_core.surgery.lr_groups import parameter_groups
from tl_core.train.larger.few_bits import optimizer_of_8_bits
from tl_core.train.loop.job import Job


def optimizer_of(job: Job) -> torch.optim.Optimizer:
    """AdamW over the groups of the surgery, its state in 32 or 8 bits.

    Raises:
        ConfigError: for 8 bits without bitsandbytes.
    """
    groups = parameter_groups(
        job.model,
        job.report.scale_of,
        job.report.group_of,
        job.plan["lr"],
        job.settings.weight_decay,
        job.pulled_to_start,
    )
    plain = [{key: value for key, value in group.items() if key != "names"} for group in groups]
    if job.settings.optimizer == "adamw-8bit":
        return optimizer_of_8_bits(plain)
    return torch.optim.AdamW(plain, fused=True)
