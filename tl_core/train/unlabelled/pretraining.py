"""The loop of a continued pretraining: steps on an objective without labels, with checkpoints from
which it goes on to the same weights.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn

from tl_core.errors import TrainingError
from tl_core.progress import Progress
from tl_core.train.arrays import Ints
from tl_core.train.features.examples import Key
from tl_core.train.loop import checkpoints
from tl_core.train.loop.batches import EpochBatches
from tl_core.train.loop.pair_tuning import StepReporter
from tl_core.train.loop.schedules import factor

_CLIP, _WARMUP, _DECAY = 1.0, 0.1, 0.01
_FIRST, _SHARE = (
    20.0,
    50.0,
)  # seconds to the first checkpoint; one costs a part in so many of the time
_STATE, _OPTIMIZER = "state.safetensors", "optimizer.safetensors"


class Objective(Protocol):
    """What a network learns without labels."""

    @property
    def name(self) -> str:
        """What it is called in a report."""
        ...

    @property
    def module(self) -> nn.Module:
        """All that learns: the network, and the head that is thrown away."""
        ...

    @property
    def fresh_head(self) -> bool:
        """Whether that head has no pretrained weights."""
        ...

    def __len__(self) -> int:
        """Number of items."""
        ...

    @property
    def lengths(self) -> Ints | None:
        """What each item takes in a batch (items,), where they differ in that."""
        ...

    def settle(self, share_done: float) -> None:
        """Free what learns once this share of the steps (0-1) is done."""
        ...

    def loss(self, keys: list[Key]) -> Tensor:
        """Mean loss of these items, a scalar."""
        ...

    def give_back(self) -> None:
        """Leave what was learnt in the backbone."""
        ...


@dataclass(frozen=True)
class Budget:
    """How long and how fast: passes over all items, items in a step, the peak learning rate, and
    after how many steps a checkpoint is written (0: as time goes by).
    """

    epochs: float
    batch: int
    learning_rate: float
    checkpoint_steps: int = 0


@dataclass(frozen=True)
class Pretrained:
    """Steps taken and planned, and the mean loss of the first and of the last tenth of them."""

    steps: int
    planned: int
    first_loss: float
    last_loss: float


def pretrain(
    objective: Objective, budget: Budget, seed: int, folder: Path, progress: Progress
) -> Pretrained:
    """Learn, from the newest checkpoint in `folder` on where there is one; what was learnt is in
    the backbone at the end, also when somebody stops it early.

    Raises:
        TrainingError: when the loss is no number any more.
        Cancelled: when the progress object says so; checkpoints stay.
    """
    batches = EpochBatches(len(objective), budget.batch, seed, lengths=objective.lengths)
    total = max(1, round(budget.epochs * batches.steps))
    loop = _Loop(objective, budget, total, seed, folder, progress)
    reporter = StepReporter(progress, total, loop.step, batches.steps)
    objective.module.train()
    while loop.step < total and not progress.should_stop():
        epoch, place = divmod(loop.step, batches.steps)
        if place == 0 or not loop.order:
            batches.set_epoch(epoch)
            loop.order = list(batches)
        keys = loop.order[place]
        loss, length = loop.take(keys)
        reporter.note(loss, length, loop.rate, len(keys))
        loop.keep_when_due()
    loop.keep()
    objective.settle(1.0)
    objective.module.eval()
    objective.give_back()
    tenth = max(1, len(loop.losses) // 10)
    first, last = loop.losses[:tenth], loop.losses[-tenth:]
    return Pretrained(loop.step, total, sum(first) / tenth, sum(last) / tenth)


class _Loop:
    """The state of the loop: weights, moments of the optimiser, step and losses."""

    def __init__(
        self,
        objective: Objective,
        budget: Budget,
        total: int,
        seed: int,
        folder: Path,
        progress: Progress,
    ) -> None:
        self._objective, self._budget, self._total, self._seed = objective, budget, total, seed
        self._folder = folder
        self._named = {
            name: parameter
            for name, parameter in objective.module.named_parameters()
            if parameter.requires_grad
        }
        matrices = [one for one in self._named.values() if one.ndim > 1]
        vectors = [one for one in self._named.values() if one.ndim < 2]  # norms and biases
        self._optimizer = torch.optim.AdamW(matrices, lr=budget.learning_rate, weight_decay=_DECAY)
        self._optimizer.add_param_group({"params": vectors, "weight_decay": 0.0})
        self.step, self.losses, self.order = 0, list[float](), list[list[Key]]()
        self._last, self._cost, self._kept = time.monotonic(), 0.0, -1
        folder.mkdir(parents=True, exist_ok=True)
        if checkpoint := checkpoints.newest(folder):
            progress.log(f"Going on from step {checkpoint.step}.")
            self._load(checkpoint)

    @property
    def rate(self) -> float:
        """The learning rate of the step that was taken."""
        return float(self._optimizer.param_groups[0]["lr"])

    def take(self, keys: list[Key]) -> tuple[float, float]:
        """One step; its loss and the length of the gradient. Chance (dropout) depends on seed and
        step alone.
        """
        torch.manual_seed(self._seed * 1_000_003 + self.step)
        self._objective.settle(self.step / self._total)
        for group in self._optimizer.param_groups:
            group["lr"] = self._budget.learning_rate * factor(
                self.step, self._total, "linear", _WARMUP
            )
        loss = self._objective.loss(keys)
        if not torch.isfinite(loss):
            raise TrainingError(
                "The loss is no longer a number.",
                f"The learning rate of {self._budget.learning_rate:g} is most likely too high.",
                f"Set learning_rate to {self._budget.learning_rate / 10:.1g}.",
            )
        loss.backward()  # type: ignore[no-untyped-call]
        length = torch.nn.utils.clip_grad_norm_(list(self._named.values()), _CLIP)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        self.step += 1
        self.losses.append(float(loss.detach()))
        return self.losses[-1], float(length)

    def keep_when_due(self) -> None:
        """Write a checkpoint where one is due."""
        every = self._budget.checkpoint_steps
        waited = time.monotonic() - self._last > max(_FIRST, _SHARE * self._cost)
        if (self.step % every == 0) if every else waited:
            self.keep()

    def keep(self) -> None:
        """Write a checkpoint, unless there is one of this step."""
        if self._kept == self.step:
            return
        started = time.monotonic()
        staged = self._folder / f"staged-{self.step}" / f"checkpoint-{self.step}"
        staged.mkdir(parents=True, exist_ok=True)
        checkpoints.write_state(staged / _STATE, self._objective.module.state_dict())
        checkpoints.write_state(staged / _OPTIMIZER, self._moments())
        losses = [{"loss": loss} for loss in self.losses]
        checkpoints.publish(staged, self._folder, {"history": losses})
        staged.parent.rmdir()
        self._last, self._cost, self._kept = time.monotonic(), time.monotonic() - started, self.step

    def _moments(self) -> dict[str, Tensor]:
        names = {id(parameter): name for name, parameter in self._named.items()}
        return {
            f"{names[id(parameter)]}|{kind}": value
            for parameter, state in self._optimizer.state.items()
            for kind, value in state.items()
        }

    def _load(self, checkpoint: checkpoints.Checkpoint) -> None:
        state = checkpoints.read_state(checkpoint.folder / _STATE)
        self._objective.module.load_state_dict(state)
        for name, value in checkpoints.read_state(checkpoint.folder / _OPTIMIZER).items():
            weight, _, kind = name.rpartition("|")
            parameter = self._named[weight]
            place = "cpu" if kind == "step" else parameter.device
            self._optimizer.state[parameter][kind] = value.to(place)
        self.step = self._kept = checkpoint.step
        self.losses = [point["loss"] for point in checkpoint.manifest["history"]]
