"""The learning-rate range test of Smith (2017): raise it step by step until the loss diverges, and
suggest one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch

from tl_core.surgery.lr_groups import parameter_groups
from tl_core.surgery.report import SurgeryReport
from tl_core.train.features.examples import Batch, inputs_of
from tl_core.train.loop.checkpoints import load_moving, moving_state
from tl_core.train.tasks.task_training import task_training_of

if TYPE_CHECKING:
    from transformers import PreTrainedModel

LOW, HIGH = 1e-7, 1.0
_DIVERGED = 4.0  # times the best smoothed loss
_SMOOTH = 0.9


def find_lr(
    model: PreTrainedModel,
    report: SurgeryReport,
    batches: Iterator[Batch],
    *,
    steps: int = 60,
    bf16: bool = False,
    task: str,
) -> tuple[float, list[dict[str, float]]]:
    """Suggestion and curve; weights, buffers and the state of chance are put back afterwards.

    Args:
        model: with `requires_grad` as the plan says.
        report: of its surgery; its factors apply on top of each tried rate.
        batches: of training examples, at least `steps` of them.
        steps: tried rates, evenly spaced on a log scale from 1e-7 to 1.
        bf16: whether to compute as the training will.
        task: what is learnt.

    Returns:
        The rate at the point of steepest fall of the smoothed loss (fastai's "steep" suggestion),
        and the points (lr, loss) up to four times the best loss.
    """
    before = {
        name: value.clone() for name, value in moving_state(model, set(report.scale_of)).items()
    }
    was_training, device = model.training, next(model.parameters()).device
    optimizer = torch.optim.AdamW(
        [
            {key: value for key, value in group.items() if key not in ("names", "layer")}
            for group in parameter_groups(model, report.scale_of, report.group_of, 1.0, 0.0)
        ],
        fused=True,
    )
    base = [group["lr"] for group in optimizer.param_groups]
    training = task_training_of(task)
    points: list[dict[str, float]] = []
    average, best = 0.0, np.inf
    with torch.random.fork_rng():
        model.train()
        for step, lr in enumerate(np.geomspace(LOW, HIGH, steps).tolist()):
            for group, scale in zip(optimizer.param_groups, base, strict=True):
                group["lr"] = lr * scale
            inputs, labels = inputs_of(next(batches), device)
            with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
                logits = model(**inputs).logits
            loss = training.losses(logits, labels).mean()
            average = _SMOOTH * average + (1 - _SMOOTH) * float(loss.detach())
            smooth = average / (1 - _SMOOTH ** (step + 1))
            best = min(best, smooth)
            if not np.isfinite(smooth) or (step > 10 and smooth > _DIVERGED * best):
                break
            points.append({"lr": lr, "loss": smooth})
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            optimizer.zero_grad()
    load_moving(model, before)
    model.train(was_training)
    return suggest(points), points


def suggest(points: list[dict[str, float]]) -> float:
    """Where the smoothed loss falls fastest against the logarithm of the rate, between the start
    and its minimum.
    """
    losses = np.array([point["loss"] for point in points])
    rates = np.array([point["lr"] for point in points])
    end = max(int(losses.argmin()) + 1, 3)
    slopes = np.gradient(losses[:end], np.log(rates[:end]))
    return float(f"{rates[:end][int(slopes.argmin())]:.2g}")
