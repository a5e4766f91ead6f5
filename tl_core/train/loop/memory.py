"""Whether a training fits this machine: an estimate, then one real step, and smaller parts when
memory runs out.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import nn

from tl_core.errors import TrainingError
from tl_core.progress import Progress
from tl_core.surgery.lr_groups import parameter_groups
from tl_core.surgery.report import SurgeryReport
from tl_core.train.features.examples import Batch, extras_of, inputs_of
from tl_core.train.loop.job import Parts
from tl_core.train.objectives.objective import NOTHING, Objectives, Pass
from tl_core.train.tasks.task_training import task_training_of

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_MOST_PARTS = 256


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that GPU or machine memory ran out."""
    return isinstance(error, MemoryError | torch.cuda.OutOfMemoryError) or any(
        words in str(error).lower() for words in ("out of memory", "can't allocate memory")
    )


def step_once(
    model: PreTrainedModel, batch: Batch, bf16: bool, task: str, objectives: Objectives = NOTHING
) -> None:
    """Forward and backward of one batch, as the training does it; gradients are dropped."""
    device = next(model.parameters()).device
    inputs, labels = inputs_of(batch, device)
    with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
        logits = model(**inputs).logits
    losses = task_training_of(task).losses(logits, labels)
    loss = losses.mean()
    if objectives:
        extras = extras_of(batch, device)
        loss = loss + objectives.added(Pass(inputs, labels, logits, losses, bf16, extras))
    loss.backward()  # type: ignore[no-untyped-call]


@contextmanager
def leaving_no_trace(model: nn.Module) -> Iterator[None]:
    """Train mode inside; buffers, gradients, modes and the state of chance are afterwards what they
    were.
    """
    buffers = {name: value.clone() for name, value in model.named_buffers()}
    was_training = model.training
    with torch.random.fork_rng():
        model.train()
        try:
            yield
        finally:
            model.zero_grad(set_to_none=True)
            model.train(was_training)
            for name, value in model.named_buffers():
                value.copy_(buffers[name])


def settle_parts(
    model: PreTrainedModel,
    largest: Callable[[int], Batch],
    batch: int,
    parts: int,
    bf16: bool,
    progress: Progress,
    *,
    task: str,
    objectives: Objectives = NOTHING,
) -> int:
    """In how many parts a batch fits: one real step with the largest examples; halved while memory
    runs out.

    Args:
        model: ready for training.
        largest: gives a batch of so many of the largest examples.
        batch: examples behind a step.
        parts: to begin with.
        bf16: whether to compute as the training will.
        progress: told about each halving.
        task: what is learnt.
        objectives: what adds to the loss.

    Raises:
        TrainingError: when not even two examples fit.
    """
    plan: Parts = {"batch": batch, "accumulate": parts}
    while True:
        try:
            with leaving_no_trace(model):
                part = largest(max(1, batch // plan["accumulate"]))
                step_once(model, part, bf16, task, objectives)
            return plan["accumulate"]
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
        halve_parts(plan, progress)


def halve_parts(plan: Parts, progress: Progress) -> None:
    """Take each batch of `plan` in twice as many parts, and say so.

    Raises:
        TrainingError: when a part is two examples already.
    """
    size = max(1, plan["batch"] // plan["accumulate"])
    if size <= 2 or plan["accumulate"] >= _MOST_PARTS:
        raise TrainingError(
            "Not even two examples at a time fit into the memory.",
            "",
            "Choose a smaller backbone, LoRA, or a smaller max_length.",
        )
    plan["accumulate"] *= 2
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    progress.log(
        f"{size} examples at once do not fit into the memory: each batch of {plan['batch']} is now"
        f" taken in {plan['accumulate']} parts, which gives the same result."
    )


def time_steps(
    model: PreTrainedModel,
    report: SurgeryReport,
    batches: Iterable[Batch],
    bf16: bool,
    task: str,
    objectives: Objectives = NOTHING,
) -> list[float]:
    """Seconds of whole steps, optimiser included (with learning rate 0, so that nothing moves); the
    first warms up.
    """
    optimizer = torch.optim.AdamW(
        [
            {key: value for key, value in group.items() if key not in ("names", "layer")}
            for group in parameter_groups(model, report.scale_of, report.group_of, 0.0, 0.0)
        ],
        fused=True,
    )
    seconds = []
    with leaving_no_trace(model):
        for batch in batches:
            started = time.perf_counter()
            step_once(model, batch, bf16, task, objectives)
            optimizer.step()
            optimizer.zero_grad()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            seconds.append(time.perf_counter() - started)
    return seconds[1:] or seconds
