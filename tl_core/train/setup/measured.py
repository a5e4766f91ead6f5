"""What is measured before the first step: number format, parts of a batch, learning rate."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import torch

from tl_core.json_files import find_object, write_json
from tl_core.machine import has_bf16
from tl_core.progress import Curve, Progress
from tl_core.surgery.modes import norms_of
from tl_core.train import precision
from tl_core.train.loop import memory
from tl_core.train.loop.job import Plan
from tl_core.train.loop.lr_finder import find_lr
from tl_core.train.setup import automatic
from tl_core.train.setup.prepared import Setup

FILE = "plan.json"
_LR_STEPS = 60


def measure(setup: Setup, folder: Path, cache: Path, progress: Progress) -> None:
    """Complete the plan of `setup`; it is kept in the run's folder, so that a resumed run takes the
    same path whatever the machine is doing.
    """
    precision.keep_float32(setup.model, setup.float32_roots(), on=True)
    known = find_object(folder / FILE)
    if known:
        setup.plan = cast(Plan, known)
        return
    if setup.settings.sharing == "fsdp":
        _settle_shared_out(setup)
    elif setup.report.trainable:
        _measure_step(setup, cache, progress)
    setup.plan["lr"] = setup.settings.learning_rate or automatic.learning_rate(
        setup.settings,
        setup.backbone.modality,
        automatic.size_of(setup.backbone.model),
        batch_norms=bool(norms_of(setup.backbone.model)),
    )
    if setup.settings.find_lr and setup.report.trainable:
        _measure_rate(setup, progress)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / FILE, setup.plan)


def _settle_shared_out(setup: Setup) -> None:
    """Nothing is measured of a network that is to be shared out: a step of the whole one may not
    fit. It waits in the machine's memory for what the processes have learnt.
    """
    bf16 = {"auto": torch.cuda.is_available() and has_bf16(), "bf16": True}
    setup.plan["bf16"] = bf16.get(setup.settings.precision, False)
    words = "bf16" if setup.plan["bf16"] else "float32"
    setup.plan["why_bf16"] = f"{words}: not measured where the network is shared out"
    setup.model.to("cpu")


def _measure_step(setup: Setup, cache: Path, progress: Progress) -> None:
    """Whether bf16 pays, and in how many parts a batch fits."""
    model, plan, sample = setup.model, setup.plan, next(setup.batches())

    def step(bf16: bool) -> None:
        with memory.leaving_no_trace(model):
            memory.step_once(model, sample, bf16, setup.task, setup.objectives)

    name = f"{setup.backbone.weights}/{setup.backbone.modality}"
    plan["bf16"], plan["why_bf16"] = precision.choose_training_bf16(
        setup.settings.precision, name, step, cache / "precision.json"
    )
    plan["accumulate"] = memory.settle_parts(
        model,
        setup.largest,
        plan["batch"],
        plan["accumulate"],
        plan["bf16"],
        progress,
        task=setup.task,
        objectives=setup.objectives,
    )


def _measure_rate(setup: Setup, progress: Progress) -> None:
    progress.stage("Measuring the learning rate", share=0.03)
    rate, setup.lr_curve = find_lr(
        setup.model,
        setup.report,
        setup.batches(),
        steps=_LR_STEPS,
        bf16=setup.plan["bf16"],
        task=setup.task,
    )
    setup.plan["lr"] = rate
    for point in setup.lr_curve:
        progress.curve(Curve.LEARNING_RATE, **point)
    progress.log(f"The measured learning rate is {rate:g}.")
