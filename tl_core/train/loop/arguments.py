"""The arguments of Hugging Face's Trainer for one of our trainings."""

from __future__ import annotations

import os
from contextlib import suppress

import torch
from transformers import TrainingArguments

from tl_core.train.loop.job import Job


def training_arguments(job: Job) -> TrainingArguments:
    """Logging, judging and saving are left to our callbacks; `max_steps` is set by the trainer."""
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
