"""A few real steps before a run: minutes, memory, cut-off texts, and, if asked for, the learning
rate.
"""

from __future__ import annotations

import math
import resource
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TypedDict

import numpy as np
import psutil
import torch

from tl_core.backbones.load import load_backbone
from tl_core.config import FinetuneSettings, ProbeSettings, RunConfig
from tl_core.data.checks.small import check_trainable
from tl_core.data.domains import as_meant
from tl_core.data.versions.store import DatasetVersion
from tl_core.errors import BackboneError, ConfigError, TrainingError
from tl_core.machine import best_batch
from tl_core.progress import Progress
from tl_core.recipes.shared import common
from tl_core.recipes.shared.source_probe import items_read_beside
from tl_core.results import Estimate, MemoryWay
from tl_core.settings import read_settings
from tl_core.train.features.examples import Key
from tl_core.train.items.item_training import read_inputs
from tl_core.train.larger.fitting import Fit, advice, ways
from tl_core.train.loop import memory
from tl_core.train.loop.batches import EpochBatches
from tl_core.train.probe.probing import spread
from tl_core.train.seeds import seed_everything
from tl_core.train.setup.prepared import Setup
from tl_core.train.setup.set_up import set_up

_STEPS, _PROBE_ROWS = 6, 64
READING = 0.3  # a forward pass takes about this share of a whole step
_START_SECONDS = 15.0  # opening, saving, proving


def measure(
    config: RunConfig,
    version: DatasetVersion,
    folder: Path,
    cache: Path,
    progress: Progress,
    *,
    target: DatasetVersion | None = None,
) -> Estimate:
    """Estimates for a run of `config` on this machine, from a few of its own steps; those about
    steps for a fine-tuning alone. `target` is another dataset that the run is meant for.

    Raises:
        ConfigError: for a recipe without steps.
        DataError: when there is too little to train on.
    """
    version = as_meant(config.settings, version, target)
    check_trainable(version)
    if config.recipe == "probe":
        return _measure_probe(config.settings, config, version, progress)
    if config.recipe != "finetune":
        raise ConfigError("Only a probe or a fine-tuning can be measured.", "", "")
    settings: FinetuneSettings = replace(
        config.settings,
        lp_start=False,
        average="none",
        continue_from="",
        sharing="none",
        processes=1,
    )
    try:
        setup = _set_up(settings, config, version, folder, cache, progress)
    except TrainingError as error:  # which says that the memory ran out
        raise _with_advice(error, settings, config, version, folder, cache) from error
    order = EpochBatches(
        len(setup.examples), setup.plan["batch"], settings.seed, lengths=setup.lengths
    )
    with setup.stack:
        progress.stage("Taking a few steps", share=0.3)
        memory_there = _room(setup)
        known = _ways(setup, config.settings, memory_there)
        step = _step_seconds(setup, list(order))
    aside = items_read_beside(version)
    found = _estimate(setup, step, order.steps, aside, from_probe=config.settings.lp_start)
    return {**found, **known}


def _set_up(
    settings: FinetuneSettings,
    config: RunConfig,
    version: DatasetVersion,
    folder: Path,
    cache: Path,
    progress: Progress,
) -> Setup:
    space = common.label_space(version)
    seed_everything(settings.seed)
    return set_up(
        settings,
        config.backbone,
        version,
        space.to_model(common.SealedVersion(version).targets),
        space.model_names,
        folder,
        cache,
        progress,
    )


class _Ways(TypedDict, total=False):
    """What a training holds in memory; nothing of a network whose blocks are not known."""

    ways: list[MemoryWay]
    advice: str


def _ways(setup: Setup, settings: FinetuneSettings, memory_there: float) -> _Ways:
    try:
        found = ways(setup, settings, memory_there)
    except BackboneError:
        return {}
    return {"ways": [_as_way(fit) for fit in found], "advice": advice(found, memory_there)}


def _as_way(fit: Fit) -> MemoryWay:
    return {
        "way": fit.way,
        "weights": round(fit.parts["weights"]),
        "gradients": round(fit.parts["gradients"]),
        "optimizer": round(fit.parts["optimizer"]),
        "best_state": round(fit.parts["best_state"]),
        "activations": round(fit.parts["activations"]),
        "total": round(fit.total),
        "fits": fit.fits,
    }


def _with_advice(
    error: TrainingError,
    settings: FinetuneSettings,
    config: RunConfig,
    version: DatasetVersion,
    folder: Path,
    cache: Path,
) -> TrainingError:
    """The same error with what would fit, as far as that can be told from the machine's memory."""
    unmeasured = replace(settings, sharing="fsdp", find_lr=False, compile=False, penalty="none")
    setup = _set_up(unmeasured, config, version, folder, cache, Progress())
    with setup.stack:
        known = _ways(setup, settings, _room(setup))
    return TrainingError(error.what, error.why, known.get("advice", error.try_this))


def _room(setup: Setup) -> float:
    """Bytes that there are for a training: what is free, and what the network itself takes."""
    if torch.cuda.is_available():
        return float(torch.cuda.mem_get_info()[0] + torch.cuda.memory_reserved())
    own = sum(weight.nbytes for weight in setup.model.parameters())
    return float(psutil.virtual_memory().available + own)


def _step_seconds(setup: Setup, batches: list[list[Key]]) -> float:
    """Mean time of a few steps, spread over an epoch; the first of them is taken twice."""
    some = [batches[place] for place in spread(len(batches), _STEPS)]
    seconds = memory.time_steps(
        setup.model,
        setup.report,
        (setup.examples.__getitems__(keys) for keys in [some[0], *some]),
        setup.plan["bf16"],
        setup.task,
        setup.objectives,
    )
    return float(np.mean(seconds))


def _estimate(
    setup: Setup, step: float, steps_per_epoch: int, aside: int, *, from_probe: bool
) -> Estimate:
    """The whole from a step's seconds: steps, judging after each epoch, reading for a probe that
    the head starts from, and that of `aside` further items.
    """
    epochs, batch = setup.settings.epochs, setup.plan["batch"]
    steps = math.ceil(epochs * steps_per_epoch)
    held = len(setup.held_out) if setup.held_out is not None else 0
    judging = READING * step * held / batch * (math.ceil(epochs) + from_probe)
    reading = READING * step * (len(setup.examples) * from_probe + aside) / batch
    lengths, (used, free) = setup.lengths, _memory()
    return {
        "minutes": (steps * step + judging + reading + _START_SECONDS) / 60,
        "step_seconds": step,
        "steps_per_epoch": steps_per_epoch,
        "steps": steps,
        "accumulate": setup.plan["accumulate"],
        "trainable": setup.report.trainable,
        "total": setup.report.total,
        "memory_bytes": used,
        "free_bytes": free,
        "cut_off": (
            float((lengths >= setup.backbone.max_length).mean()) if lengths is not None else 0.0
        ),
        "learning_rate": setup.plan["lr"],
        "lr_curve": setup.lr_curve,
    }


def _measure_probe(
    settings: ProbeSettings, config: RunConfig, version: DatasetVersion, progress: Progress
) -> Estimate:
    """The time of reading a sample of rows, taken to all of them."""
    space = common.label_space(version)
    progress.stage("Opening the backbone", share=0.5)
    backbone = load_backbone(
        config.backbone,
        space.model_names,
        read_settings(),
        pooling=settings.pooling,
        max_length=settings.max_length,
    )
    rows = version.rows_of("train", "validation", "test")
    inputs = read_inputs(version, rows[spread(len(rows), _PROBE_ROWS)])
    batch = best_batch(backbone.modality)
    with backbone.extracting() as extractor:
        extractor(backbone.encode(inputs[:2]))
        started = time.perf_counter()
        for start in range(0, len(inputs), batch):
            extractor(backbone.encode(inputs[start : start + batch]))
        seconds = time.perf_counter() - started
    used, free = _memory()
    return {
        "minutes": (seconds / len(inputs) * len(rows) + _START_SECONDS) / 60,
        "trainable": backbone.port.width * len(space.kept),
        "total": common.parameters_of(backbone),
        "memory_bytes": used,
        "free_bytes": free,
        "lr_curve": [],
    }


def _memory() -> tuple[int, int]:
    """Highest use so far and what is free: of the GPU where there is one, else of the machine."""
    if torch.cuda.is_available():
        free, _ = torch.cuda.mem_get_info()
        return int(torch.cuda.max_memory_allocated()), int(free)
    unit = 1 if sys.platform == "darwin" else 1024
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return used, int(psutil.virtual_memory().available)
