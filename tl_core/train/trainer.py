"""Hugging Face's Trainer, told what a step, a judgement and a checkpoint are here.

The loop, accumulation, clipping, devices and processes are the Trainer's and accelerate's. Ours
are: batches that know their epoch, optimiser groups from the surgery report, the loss, judging by a
plain loop, atomic checkpoints.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from tl_core.config import FinetuneSettings
from tl_core.models.lr_groups import parameter_groups
from tl_core.models.surgery import SurgeryReport
from tl_core.progress import Progress
from tl_core.train import checkpoints
from tl_core.train.batches import EpochBatches, EpochLoader
from tl_core.train.callbacks import Average, Guard, Pace, Reporter, Thaw
from tl_core.train.judging import Best, Floats, Scores, probabilities
from tl_core.train.losses import Penalty, losses_of
from tl_core.train.memory import halve_parts, is_out_of_memory
from tl_core.train.norm_statistics import follow_anew
from tl_core.train.schedules import factor, past_peak


@dataclass
class Job:
    """All that one training needs. `score` judges probabilities of the validation examples, as a
    whole and item by item; `plan` holds what was decided by measuring: lr, bf16, batch, accumulate.
    """

    model: Any
    report: SurgeryReport
    keeper: Any
    examples: Any
    held_out: Any
    score: Callable[[Floats], tuple[Scores, Floats]] | None
    settings: FinetuneSettings
    plan: dict[str, Any]
    classes: int
    folder: Path
    weights: Tensor | None = None
    chances: NDArray[np.float64] | None = None
    lengths: NDArray[np.int64] | None = None
    held_out_lengths: NDArray[np.int64] | None = None
    new_names: set[str] = field(default_factory=set)
    calm: Any = None  # training items without chance, where batch statistics follow them

    def settle_statistics(self) -> None:
        """Make the running statistics belong to the weights that the model has now."""
        if self.calm is not None:
            follow_anew(self.model, self.keeper.following, self.calm)


@dataclass(frozen=True)
class Outcome:
    """How a training ended: why, after how many steps of how many, and the best judgement with its
    step.
    """

    reason: str
    steps: int
    planned: int
    best_step: int
    scores: Scores
    history: list[dict[str, float]]
    state: dict[str, Tensor]


class GraftTrainer(Trainer):  # type: ignore[misc]
    """See the module's text."""

    optimizer: Any
    lr_scheduler: Any
    control: Any

    def __init__(self, job: Job, progress: Progress) -> None:
        self.job, self.progress = job, progress
        settings = job.settings
        args = _arguments(job)
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
        self.pace = Pace(self.batches.steps, settings.checkpoint_steps)
        self.reporter = Reporter(progress, job.plan["batch"])
        self.history: list[dict[str, float]] = []
        self.out_of_patience = False
        calls: list[TrainerCallback] = [
            self.reporter,
            Guard(job.classes, job.plan["lr"]),
            self.pace,
        ]
        if settings.gradual:
            calls.append(Thaw(job.model, job.report, job.keeper, progress))
        self.penalty = (
            None
            if settings.penalty == "none"
            else Penalty(
                job.model,
                set(job.report.scale_of),
                job.new_names,
                settings.penalty,
                settings.penalty_strength,
            )
        )
        super().__init__(
            model=job.model,
            args=args,
            train_dataset=job.examples,
            data_collator=_as_is,
            callbacks=calls,
        )
        self.remove_callback(PrinterCallback)
        self.model_accepts_loss_kwargs = (
            True  # our loss divides by the items of the whole accumulated batch
        )

    def get_train_dataloader(self) -> EpochLoader:
        workers = (
            4 if torch.cuda.is_available() else 0
        )  # a CPU has no time to spare while it computes
        return EpochLoader(
            self.job.examples, batch_sampler=self.batches, collate_fn=_as_is, num_workers=workers
        )

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:  # noqa: ANN401
        del model
        if self.optimizer is None:
            groups = parameter_groups(
                self.job.model,
                self.job.report.scale_of,
                self.job.report.group_of,
                self.job.plan["lr"],
                self.job.settings.weight_decay,
            )
            plain = [
                {key: value for key, value in group.items() if key != "names"} for group in groups
            ]
            self.optimizer = torch.optim.AdamW(plain, fused=True)
        made: torch.optim.Optimizer = self.optimizer
        return made

    def create_scheduler(
        self, num_training_steps: int, optimizer: torch.optim.Optimizer | None = None
    ) -> torch.optim.lr_scheduler.LRScheduler:
        settings = self.job.settings
        if self.lr_scheduler is None:
            self.lr_scheduler = torch.optim.lr_scheduler.LambdaLR(
                optimizer or self.optimizer,
                lambda step: factor(step, num_training_steps, settings.schedule, settings.warmup),
            )
            self._created_lr_scheduler = True
        made: torch.optim.lr_scheduler.LRScheduler = self.lr_scheduler
        return made

    def compute_loss(
        self,
        model: Any,  # noqa: ANN401
        inputs: dict[str, Tensor],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        """Sum of the examples' losses over the number of examples in the whole step, on all
        processes together, so that parts of a batch add up to exactly the gradient of the batch.
        """
        inputs = dict(inputs)
        labels, mixed, kept = (
            inputs.pop("labels"),
            inputs.pop("mixed_labels", None),
            inputs.pop("kept", torch.ones(())),
        )
        settings, count = (
            self.job.settings,
            (num_items_in_batch if num_items_in_batch is not None else len(labels)),
        )
        with torch.autocast(labels.device.type, torch.bfloat16, enabled=self.job.plan["bf16"]):
            outputs = model(**inputs)
        weights = self.job.weights.to(labels.device) if self.job.weights is not None else None
        options: dict[str, Any] = {
            "weights": weights,
            "smoothing": settings.label_smoothing,
            "gamma": settings.focal_gamma if settings.loss == "focal" else 0.0,
        }
        loss = losses_of(outputs.logits, labels, **options)
        if mixed is not None:
            loss = kept * loss + (1 - kept) * losses_of(outputs.logits, mixed, **options)
        total = loss.sum() / count * self.args.world_size
        if self.penalty is not None:
            total = total + self.penalty(self.job.model) * (
                len(labels) / count * self.args.world_size
            )
        return (total, outputs) if return_outputs else total

    def optimizer_was_stepped(self) -> None:
        """Lets the average follow; called once a step."""
        if self.average is not None:
            self.average.follow(self._moving(), self.state.global_step)

    def evaluate(self, *_: Any, **__: Any) -> Scores:  # noqa: ANN401
        """Judge the validation examples by a plain loop, keep the best state, and stop when
        patience has run out.
        """
        job, step = self.job, self.state.global_step
        if job.score is None or any(point["step"] == step for point in self.history):
            return {}
        with self._averaged():
            job.settle_statistics()
            scores, losses = job.score(
                probabilities(job.model, job.held_out, 2 * job.plan["batch"], job.held_out_lengths)
            )
            self.out_of_patience = self.best.hear(
                scores, losses, step, self._moving, counts=step > self.patient_from
            )
        point = {"step": float(step), "epoch": round(float(self.state.epoch or 0), 4), **scores}
        self.history.append(point)
        if self.args.process_index == 0:
            self.progress.curve("validation", **point)
        self.control.should_training_stop |= self.out_of_patience
        found = {f"eval_{name}": value for name, value in scores.items()}
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, found)
        return found

    def floating_point_ops(self, inputs: dict[str, Any]) -> int:
        """Not counted: walking over all parameters each step costs more than it tells."""
        del inputs
        return 0

    def _moving(self) -> dict[str, Tensor]:
        return checkpoints.moving_state(self.job.model, set(self.job.report.scale_of))

    @contextmanager
    def _averaged(self) -> Iterator[None]:
        """The averaged weights inside, where an average is kept; the training's own ones
        afterwards.
        """
        if self.average is None or not self.average.state:
            yield
            return
        own = {name: value.clone() for name, value in self._moving().items()}
        checkpoints.load_moving(self.job.model, self.average.state)
        yield
        checkpoints.load_moving(self.job.model, own)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:  # noqa: ANN401
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
        if self.args.process_index:
            return
        folder = Path(str(output_dir))
        folder.mkdir(parents=True, exist_ok=True)
        checkpoints.write_state(folder / "state.safetensors", self._moving())
        if self.best.state:
            checkpoints.write_state(folder / "best.safetensors", self.best.state)
        if self.average is not None and self.average.state:
            checkpoints.write_state(folder / "average.safetensors", self.average.state)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:  # noqa: ANN401
        del model
        folder = Path(resume_from_checkpoint)
        checkpoints.load_moving(
            self.job.model, checkpoints.read_state(folder / "state.safetensors")
        )
        found = checkpoints.newest(folder.parent)
        facts: dict[str, Any] = found[1] if found else {}
        if facts.get("best", {}).get("scores"):
            self.best.restore(facts["best"], checkpoints.read_state(folder / "best.safetensors"))
        if self.average is not None and (folder / "average.safetensors").exists():
            self.average.state = checkpoints.read_state(folder / "average.safetensors")
        self.history = facts.get("history", [])


class _Follow(TrainerCallback):  # type: ignore[misc]
    """Tells the trainer that a step was taken."""

    def __init__(self, trainer: GraftTrainer) -> None:
        self._trainer = trainer

    def on_optimizer_step(self, *_: Any, **__: Any) -> None:  # noqa: ANN401
        self._trainer.optimizer_was_stepped()


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
    if state:
        checkpoints.load_moving(job.model, state)
    if not trainer.best.state:
        job.settle_statistics()
    reason = (
        "You stopped it; the best state was kept."
        if trainer.reporter.stopped
        else (
            f"Clearly worse on the validation rows for {job.settings.patience} epochs; the best"
            " state was restored."
            if trainer.out_of_patience and steps < planned
            else "It ran to the planned end."
        )
    )
    kept = trainer.best.step if trainer.best.scores else steps
    return Outcome(
        reason,
        steps,
        planned,
        kept,
        trainer.best.scores,
        trainer.history,
        (
            {
                name: value.clone()
                for name, value in checkpoints.moving_state(
                    job.model, set(job.report.scale_of)
                ).items()
            }
            if job.settings.average == "wise-ft"
            else {}
        ),
    )


def _train(job: Job, progress: Progress) -> GraftTrainer:
    """The whole loop; when memory runs out on the way, on from the last whole step in parts of half
    the size.
    """
    while True:
        found = checkpoints.newest(job.folder)
        if found:
            progress.log(f"Going on from step {found[0].name.rpartition('-')[2]}.")
            job.plan["accumulate"] = found[1]["plan"]["accumulate"]
        trainer = GraftTrainer(job, progress)
        trainer.add_callback(_Follow(trainer))
        # the fitted head may already be the best state; a resumed run has judged it
        trainer.args.eval_on_start = job.settings.lp_start and not found
        try:
            trainer.train(resume_from_checkpoint=str(found[0]) if found else None)
            return trainer
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error) or trainer.args.world_size > 1:
                raise
            halve_parts(job.plan, progress)
        job.model.zero_grad(set_to_none=True)
        trainer._save_checkpoint(job.model, None)


def _as_is(batch: Any) -> Any:  # noqa: ANN401
    """Examples come as whole batches."""
    return batch


def _arguments(job: Job) -> TrainingArguments:
    settings = job.settings
    args = TrainingArguments(
        output_dir=str(job.folder / "staging"),
        per_device_train_batch_size=job.plan["batch"],
        max_steps=1,
        max_grad_norm=settings.clip,
        logging_strategy="steps",
        logging_steps=10 if torch.cuda.is_available() else 1,
        logging_nan_inf_filter=False,
        save_strategy="no",
        eval_strategy="no",
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
        label_names=["labels"],
        seed=settings.seed,
        use_cpu=not torch.cuda.is_available(),
        torch_compile=settings.compile,
        ddp_find_unused_parameters=True,
        ddp_backend=(
            "gloo" if "WORLD_SIZE" in os.environ and not torch.cuda.is_available() else None
        ),
    )
    with suppress(AttributeError):
        args._n_gpu = min(args.n_gpu, 1)  # one process, one GPU: DataParallel is never wanted
    return args
