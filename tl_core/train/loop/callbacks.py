"""What happens beside the steps of a training: reports, gradual unfreezing, stopping, averages, and
when to judge and to write a checkpoint.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from tl_core.errors import TrainingError
from tl_core.progress import Curve, Progress
from tl_core.surgery.modes import ModeKeeper
from tl_core.surgery.report import SurgeryReport
from tl_core.train.loop.checkpoints import placed

_EVERY_SECONDS = 0.5  # between two points of a curve
_FAR = 4.0  # times the first loss
_CALM_STEPS = 10  # a loss is judged only after this many
_SHARE = 50  # a checkpoint may cost one part in so many of the time
_FIRST_CHECKPOINT = 20.0  # seconds


class Reporter(TrainerCallback):  # type: ignore[misc]
    """Steps, losses, learning rates and speed as events; hears requests to cancel or to stop."""

    def __init__(self, progress: Progress, batch: int) -> None:
        self._progress, self._batch = progress, batch
        self._last = time.monotonic()
        self._since: list[float] = []
        self.stopped = False

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        *,
        optimizer: torch.optim.Optimizer,
        **kwargs: object,
    ) -> None:
        del args, control, kwargs
        if not logs or "loss" not in logs or not state.is_world_process_zero:
            return
        self._since.append(logs["loss"])
        now = time.monotonic()
        last = state.global_step >= state.max_steps
        if now - self._last < _EVERY_SECONDS and not last:
            return
        rates = {
            f"lr {group['layer']}": group["lr"]
            for group in optimizer.param_groups
            if group["params"][0].requires_grad
        }
        steps = len(self._since) * max(1, state.logging_steps)
        self._progress.curve(
            Curve.TRAINING,
            step=state.global_step,
            epoch=round(float(state.epoch or 0), 4),
            loss=sum(self._since) / len(self._since),
            grad_norm=float(logs.get("grad_norm", 0.0)),
            rate=steps * self._batch / max(now - self._last, 1e-6),
            **rates,
        )
        self._last, self._since = now, []

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: object,
    ) -> None:
        del args, kwargs
        if state.is_world_process_zero:
            self._progress.batch(state.global_step, state.max_steps)
        if _agreed(self._progress.should_stop()):
            self.stopped = control.should_training_stop = control.should_evaluate = True


def _agreed(wish: bool) -> bool:
    """Whether any process wishes it: all must leave the loop at the same step."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return wish
    flag = torch.tensor(
        float(wish), device="cuda" if torch.distributed.get_backend() == "nccl" else "cpu"
    )
    torch.distributed.all_reduce(flag)
    return bool(flag > 0)


class Guard(TrainerCallback):  # type: ignore[misc]
    """Ends a training that has come apart, with the likely cause; guessing costs log(classes) on
    average.

    Args:
        classes: of the model.
        lr: that is blamed.
        beside: the mean of what was added to the loss beside the labels since it was last asked,
            which says nothing of guessing.
    """

    def __init__(self, classes: int, lr: float, beside: Callable[[], float]) -> None:
        self._beside = beside
        self._limit, self._lr, self._smooth = 2 * math.log(max(classes, 2)) + 1.0, lr, 0.0
        self._first = True

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **kwargs: object,
    ) -> None:
        """Raises `TrainingError` for a loss that is no number, or far above that of guessing."""
        del args, control, kwargs
        loss = (logs or {}).get("loss")
        if loss is None:
            return
        loss -= self._beside()
        # a probe that is very sure begins high on varied pictures, which is no sign of coming apart
        if self._first:
            self._first, self._limit = False, max(self._limit, _FAR * loss)
        self._smooth = loss if not self._smooth else 0.8 * self._smooth + 0.2 * loss
        if math.isfinite(loss) and (state.global_step < _CALM_STEPS or self._smooth <= self._limit):
            return
        what = (
            f"The loss rose to {self._smooth:.1f}, far above that of guessing."
            if math.isfinite(loss)
            else "The loss is no longer a number."
        )
        raise TrainingError(
            what,
            f"The learning rate of {self._lr:g} is most likely too high for this backbone.",
            f"Set learning_rate to {self._lr / 10:.1g}, or let find_lr measure one.",
        )


class GradualUnfreezing(TrainerCallback):  # type: ignore[misc]
    """Gradual unfreezing (Howard and Ruder, 2018): the classifier first, the last group at half of
    the training.
    """

    def __init__(
        self,
        model: nn.Module,
        report: SurgeryReport,
        keeper: ModeKeeper,
        progress: Progress,
    ) -> None:
        self._model, self._report, self._keeper, self._progress = model, report, keeper, progress
        self._order = [group["name"] for group in reversed(report.groups) if group["trainable"]]
        self._awake = 0

    def on_step_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: object,
    ) -> None:
        del args, control, kwargs
        share = state.global_step / max(1.0, 0.5 * state.max_steps)
        awake = min(len(self._order), 1 + int(share * (len(self._order) - 1)))
        if awake != self._awake:
            self._awake = awake
            self._set(set(self._order[:awake]))
            self._progress.learning(self._order[:awake])

    def on_train_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: object,
    ) -> None:
        del args, state, control, kwargs
        self._set(set(self._order))

    def _set(self, groups: set[str]) -> None:
        moving = {name for name, group in self._report.group_of.items() if group in groups}
        for name, parameter in self._model.named_parameters():
            if name in self._report.group_of:
                parameter.requires_grad_(name in moving)
        self._keeper.settle(moving)


class Stepped(TrainerCallback):  # type: ignore[misc]
    """Tells somebody that the optimiser has taken a step."""

    def __init__(self, tell: Callable[[], None]) -> None:
        self._tell = tell

    def on_optimizer_step(self, *_: object, **__: object) -> None:
        self._tell()


class Average:
    """An exponential moving average of the moving weights; a young one forgets faster, as in
    torch's own EMA.
    """

    def __init__(self, decay: float) -> None:
        self._decay = decay
        self.state: dict[str, Tensor] = {}

    def follow(self, current: dict[str, Tensor], step: int) -> None:
        """Take one step towards `current`."""
        if not self.state:
            self.state = {name: value.clone() for name, value in current.items()}
            return
        decay = min(self._decay, (1 + step) / (10 + step))
        for name, value in current.items():
            if value.is_floating_point():
                self.state[name].lerp_(value, 1 - decay)
            else:
                self.state[name].copy_(value)

    def restore(self, state: dict[str, Tensor], current: dict[str, Tensor]) -> None:
        """Put back a state of it, where the `current` weights are."""
        self.state = placed(state, current)


class Pace(TrainerCallback):  # type: ignore[misc]
    """When to judge and when to write a checkpoint.

    At the end of an epoch the judging comes before the checkpoint, which then holds its outcome; a
    checkpoint at an epoch's last step would skip it on resuming.
    """

    def __init__(self, steps_an_epoch: int, checkpoint_steps: int) -> None:
        self._epoch, self._every = steps_an_epoch, checkpoint_steps
        self._last, self.cost = time.monotonic(), 0.0

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: object,
    ) -> None:
        del args, kwargs
        if (
            state.global_step % self._epoch
            and state.global_step < state.max_steps
            and self._due(state.global_step)
        ):
            control.should_save = True

    def on_epoch_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: object,
    ) -> None:
        del args, kwargs
        control.should_evaluate = True
        control.should_save = self._due(state.global_step) or bool(self._every)

    def _due(self, step: int) -> bool:
        if self._every:
            return step % self._every == 0
        return time.monotonic() - self._last > max(_FIRST_CHECKPOINT, _SHARE * self.cost)

    def wrote(self, seconds: float) -> None:
        """Called after each checkpoint with the time that it took."""
        self.cost, self._last = seconds, time.monotonic()
