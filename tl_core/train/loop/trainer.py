"""Trainer subclass with our batching, loss, evaluation and atomic checkpoints.

The loop, accumulation, clipping, devices and processes are the Trainer's and accelerate's. Ours
are: batches that know their epoch, optimiser groups from the surgery report, the loss, judging by a
plain loop, checkpoints that are published whole.
"""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import (
    PreTrainedModel,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
)
from transformers.modeling_outputs import SequenceClassifierOutput
from transformers.trainer import OPTIMIZER_NAME, SCHEDULER_NAME

from tl_core.progress import Curve, Progress
from tl_core.train.arrays import Floats
from tl_core.train.features.examples import EXTRAS, Batch, Examples
from tl_core.train.larger.optimizers import optimizer_of
from tl_core.train.larger.sharding import (
    is_shared_out,
    share_out_optimizer,
    whole_optimizer_state,
    whole_state,
)
from tl_core.train.loop import checkpoints
from tl_core.train.loop.arguments import training_arguments
from tl_core.train.loop.averages import DenseAverage
from tl_core.train.loop.batches import EpochBatches, EpochLoader
from tl_core.train.loop.best_state import Best, Scores, probabilities
from tl_core.train.loop.callbacks import Average, GradualUnfreezing, Guard, Pace, Reporter, Stepped
from tl_core.train.loop.job import Job, Outcome, Score
from tl_core.train.loop.memory import halve_parts, is_out_of_memory
from tl_core.train.loop.schedules import factor, past_peak
from tl_core.train.objectives.objective import Moment, Pass
from tl_core.train.tasks.task_training import task_training_of


class GraftTrainer(Trainer):  # type: ignore[misc]
    """See the module's text."""

    optimizer: torch.optim.Optimizer | None
    lr_scheduler: torch.optim.lr_scheduler.LRScheduler | None
    control: TrainerControl

    def __init__(self, job: Job, progress: Progress) -> None:
        self.job, self.progress = job, progress
        settings = job.settings
        args = training_arguments(job)
        self.batches = EpochBatches(
            len(job.examples),
            job.plan["batch"],
            settings.seed,
            accumulate=job.plan["accumulate"],
            lengths=job.lengths,
            chances=job.chances,
            rank=args.process_index,
            world=args.world_size,
        )
        args.gradient_accumulation_steps = self.batches.accumulate
        args.max_steps = max(1, math.ceil(settings.epochs * self.batches.steps))
        self.best = Best(settings.patience)
        self.patient_from = past_peak(args.max_steps, settings.schedule, settings.warmup)
        self.average = Average(settings.ema_decay) if settings.average == "ema" else None
        self.dense = DenseAverage() if settings.average == "swad" else None
        self.pace = Pace(self.batches.steps, settings.checkpoint_steps)
        self.reporter = Reporter(progress, job.plan["batch"])
        self.history: list[dict[str, float]] = []
        self.out_of_patience = False
        self._last_step, self._part = -1, 0  # of the pass made last
        self._beside: Tensor | float = 0.0  # added to the loss since it was logged
        super().__init__(
            model=job.model,
            args=args,
            train_dataset=job.examples,
            data_collator=_as_is,
            callbacks=self._callbacks(),
        )
        self.remove_callback(PrinterCallback)
        self.model_accepts_loss_kwargs = (
            True  # our loss divides by the items of the whole accumulated batch
        )

    def _callbacks(self) -> list[TrainerCallback]:
        job = self.job
        callbacks = [
            self.reporter,
            Guard(job.classes, job.plan["lr"], self._mean_beside),
            self.pace,
        ]
        if job.settings.gradual:
            callbacks.append(GradualUnfreezing(job.model, job.report, job.keeper, self.progress))
        return callbacks

    def get_train_dataloader(self) -> EpochLoader:
        # a CPU has no time to spare while it computes
        workers = 4 if torch.cuda.is_available() else 0
        return EpochLoader(
            self.job.examples, batch_sampler=self.batches, collate_fn=_as_is, num_workers=workers
        )

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        del model
        if self.optimizer is None:
            self.optimizer = optimizer_of(self.job)
        return self.optimizer

    def create_scheduler(
        self, num_training_steps: int, optimizer: torch.optim.Optimizer | None = None
    ) -> torch.optim.lr_scheduler.LRScheduler:
        settings = self.job.settings
        if self.lr_scheduler is None:
            self.lr_scheduler = torch.optim.lr_scheduler.LambdaLR(
                optimizer or self.create_optimizer(),
                lambda step: factor(step, num_training_steps, settings.schedule, settings.warmup),
            )
            self._created_lr_scheduler = True
        return self.lr_scheduler

    def compute_loss(
        self,
        model: nn.Module,
        inputs: Batch,
        return_outputs: bool = False,
        num_items_in_batch: Tensor | int | None = None,
    ) -> Tensor | tuple[Tensor, SequenceClassifierOutput]:
        """Sum of the examples' losses over the number of examples in the whole step, on all
        processes together, so that parts of a batch add up to exactly the gradient of the batch.
        """
        extras = {name: inputs[name] for name in EXTRAS if name in inputs}
        inputs = {name: value for name, value in inputs.items() if name not in EXTRAS}
        labels = inputs.pop("labels")
        count: Tensor | int | float = len(labels)
        if (
            num_items_in_batch is not None
        ):  # the Trainer counts answers, of which a row may have many
            count = num_items_in_batch / labels[0].numel()
        bf16 = self.job.plan["bf16"]
        with torch.autocast(labels.device.type, torch.bfloat16, enabled=bf16):
            outputs = model(**inputs)
        loss = self._losses(outputs.logits, labels)
        if "mixed_labels" in extras:
            kept = extras["kept"]
            loss = kept * loss + (1 - kept) * self._losses(outputs.logits, extras["mixed_labels"])
        total: Tensor = loss.sum() / count * self.args.world_size
        if self.job.objectives:
            made = Pass(inputs, labels, outputs.logits, loss, bf16, extras, self._moment())
            share = len(labels) / count * self.args.world_size
            added = self.job.objectives.added(made) * share
            self._beside = self._beside + added.detach()
            total = total + added
        return (total, outputs) if return_outputs else total

    def _mean_beside(self) -> float:
        """What was added to the loss of a step beside the labels, since this was last asked."""
        mean: float = float(self._beside) / self.args.logging_steps
        self._beside = 0.0
        return mean

    def _moment(self) -> Moment:
        """When the pass that has just been made was made; counts the parts of a step."""
        step = self.state.global_step
        self._part = self._part + 1 if step == self._last_step else 0
        self._last_step = step
        passes = step * self.args.gradient_accumulation_steps + self._part
        return Moment(passes, self._part == 0, step / self.args.max_steps)

    def _losses(self, logits: Tensor, labels: Tensor) -> Tensor:
        settings, weights = self.job.settings, self.job.weights
        return task_training_of(self.job.task).losses(
            logits,
            labels,
            weights=weights.to(labels.device) if weights is not None else None,
            smoothing=settings.label_smoothing,
            gamma=settings.focal_gamma if settings.loss == "focal" else 0.0,
            asymmetric=settings.loss == "asymmetric",
        )

    def optimizer_was_stepped(self) -> None:
        """Lets the average and what else learns follow; called once a step."""
        self.job.objectives.stepped()
        for average in (self.average, self.dense):
            if average is not None:
                average.follow(self._moving(), self.state.global_step)

    def evaluate(self, *_: object, **__: object) -> Scores:
        """Judge the validation examples by a plain loop, keep the best state, and stop when
        patience has run out.
        """
        job, step = self.job, self.state.global_step
        judged = any(point["step"] == step for point in self.history)
        if job.score is None or job.held_out is None or judged:
            return {}
        with self._averaged():
            scores, losses = _judge(job, job.score, job.held_out)
            self.out_of_patience = self.best.hear(
                scores, losses, step, self._moving, counts=step > self.patient_from
            )
        if self.dense is not None:
            self.dense.heard(scores["log_loss"])
        point = {"step": float(step), "epoch": round(float(self.state.epoch or 0), 4), **scores}
        self.history.append(point)
        if self.args.process_index == 0:
            self.progress.curve(Curve.VALIDATION, **point)
        self.control.should_training_stop |= self.out_of_patience
        named = {f"eval_{name}": value for name, value in scores.items()}
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, named)
        return named

    def floating_point_ops(self, inputs: Batch) -> int:
        """Not counted: walking over all parameters each step costs more than it tells."""
        del inputs
        return 0

    def _moving(self) -> dict[str, Tensor]:
        return checkpoints.moving_state(self.job.model, self.job.moving)

    @contextmanager
    def _averaged(self) -> Iterator[None]:
        """The averaged weights inside, where an average is kept; the training's own ones
        afterwards.
        """
        if self.average is None or not self.average.state:
            yield
            return
        own = checkpoints.copied_state(self.job.model, self.job.moving)
        checkpoints.load_moving(self.job.model, self.average.state)
        yield
        checkpoints.load_moving(self.job.model, own)

    def _save_checkpoint(self, model: PreTrainedModel, trial: object) -> None:
        started = time.monotonic()
        super()._save_checkpoint(model, trial)
        staged = Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}"
        if self.args.world_size > 1:
            torch.distributed.barrier()
        if self.args.process_index == 0:
            checkpoints.publish(
                staged,
                self.job.folder,
                {"best": self.best.facts(), "history": self.history, "plan": self.job.plan},
            )
        if self.args.world_size > 1:
            torch.distributed.barrier()
        self.pace.wrote(time.monotonic() - started)

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """What moves, the best state of it, and its average; the rest can be made again from the
        backbone.
        """
        states = {
            "state": self._moving(),
            "best": self.best.state,
            "average": self.average.state if self.average else {},
            "dense": self.dense.as_state() if self.dense else {},
            "objectives": self.job.objectives.state(),
        }
        folder = Path(str(output_dir))
        folder.mkdir(parents=True, exist_ok=True)
        for name, state in states.items():
            together = whole_state(state)
            if state and not self.args.process_index:
                checkpoints.write_state(folder / f"{name}.safetensors", together)

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        if self.optimizer is None or not is_shared_out(self.job.model):
            super()._save_optimizer_and_scheduler(output_dir)
            return
        together = whole_optimizer_state(self.optimizer)
        if not self.args.process_index:
            torch.save(together, Path(output_dir) / OPTIMIZER_NAME)
            torch.save(self.create_scheduler(0).state_dict(), Path(output_dir) / SCHEDULER_NAME)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        super()._load_optimizer_and_scheduler(checkpoint)
        if checkpoint and self.optimizer is not None:
            share_out_optimizer(self.optimizer)

    def _load_from_checkpoint(
        self, resume_from_checkpoint: str, model: nn.Module | None = None
    ) -> None:
        del model
        folder = Path(resume_from_checkpoint)
        checkpoints.load_moving(
            self.job.model, checkpoints.read_state(folder / "state.safetensors")
        )
        checkpoint = checkpoints.newest(folder.parent)
        manifest: checkpoints.Manifest = checkpoint.manifest if checkpoint else {}
        best = manifest.get("best")
        if best and best["scores"]:
            self.best.restore(best, checkpoints.read_state(folder / "best.safetensors"))
        if self.average is not None and (folder / "average.safetensors").exists():
            self.average.restore(
                checkpoints.read_state(folder / "average.safetensors"), self._moving()
            )
        if self.dense is not None and (folder / "dense.safetensors").exists():
            self.dense.restore(checkpoints.read_state(folder / "dense.safetensors"), self._moving())
        if (folder / "objectives.safetensors").exists():
            self.job.objectives.restore(checkpoints.read_state(folder / "objectives.safetensors"))
        self.history = manifest.get("history", [])


def fit(job: Job, progress: Progress) -> Outcome:
    """Train, from the newest checkpoint where there is one, and leave the best state in
    `job.model`.

    Raises:
        TrainingError: when the loss comes apart, or not even two examples fit into the memory.
        Cancelled: when the progress object says so; checkpoints stay.
    """
    trainer = _train(job, progress)
    planned, steps = trainer.state.max_steps, trainer.state.global_step
    state = trainer.best.state or (trainer.average.state if trainer.average else {})
    dense = trainer.dense.result() if trainer.dense else {}
    if dense or state:
        checkpoints.load_moving(job.model, dense or state)
    if dense or not trainer.best.state:
        job.settle_statistics()
    scores, best = trainer.best.scores, trainer.best.step if trainer.best.scores else steps
    if dense and job.score is not None and job.held_out is not None:
        scores, best = _judge(job, job.score, job.held_out)[0], steps
    return Outcome(
        _reason(trainer),
        steps,
        planned,
        best,
        scores,
        trainer.history,
        checkpoints.copied_state(job.model, job.moving)
        if job.settings.average == "wise-ft"
        else {},
    )


def _judge(job: Job, score: Score, held_out: Examples) -> tuple[Scores, Floats]:
    """What the network of `job` is worth on held-out examples, as a whole and item by item."""
    job.settle_statistics()
    size = 2 * job.plan["batch"]
    return score(probabilities(job.model, held_out, size, job.held_out_lengths, task=job.task))


def _reason(trainer: GraftTrainer) -> str:
    """Why a training ended, in words."""
    if trainer.reporter.stopped:
        return "You stopped it; the best state was kept."
    if trainer.out_of_patience and trainer.state.global_step < trainer.state.max_steps:
        return (
            f"Clearly worse on the validation rows for {trainer.job.settings.patience} epochs; the"
            " best state was restored."
        )
    return "It ran to the planned end."


def _train(job: Job, progress: Progress) -> GraftTrainer:
    """The whole loop; when memory runs out on the way, on from the last whole step in parts of half
    the size.
    """
    while True:
        checkpoint = checkpoints.newest(job.folder)
        if checkpoint:
            progress.log(f"Going on from step {checkpoint.step}.")
            job.plan["accumulate"] = checkpoint.manifest["plan"]["accumulate"]
        trainer = GraftTrainer(job, progress)
        trainer.add_callback(Stepped(trainer.optimizer_was_stepped))
        # the fitted head may already be the best state; a resumed run has judged it
        trainer.args.eval_on_start = job.settings.lp_start and not checkpoint
        try:
            # what is there by now stays; the collector would go over all of it again and again
            gc.freeze()
            trainer.train(resume_from_checkpoint=str(checkpoint.folder) if checkpoint else None)
            return trainer
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error) or trainer.args.world_size > 1:
                raise
            halve_parts(job.plan, progress)
        finally:
            gc.unfreeze()
        job.model.zero_grad(set_to_none=True)
        trainer._save_checkpoint(job.model, None)


def _as_is(batch: object) -> object:
    """Examples come as whole batches."""
    return batch
