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

import numpy as np
import psutil
import torch

from tl_core.config import FinetuneSettings, ProbeSettings, RunConfig
from tl_core.data.small import check_trainable
from tl_core.data.store import DatasetVersion
from tl_core.errors import ConfigError
from tl_core.models.backbones import load_backbone
from tl_core.models.machine import best_batch
from tl_core.progress import Progress
from tl_core.recipes import common
from tl_core.results import Estimate, MemoryUse
from tl_core.settings import read_settings
from tl_core.train import memory
from tl_core.train.batches import EpochBatches
from tl_core.train.probing import read_inputs, spread
from tl_core.train.seeds import seed_everything
from tl_core.train.setup import set_up

_STEPS, _PROBE_ROWS = 6, 64
READING = 0.3  # a forward pass takes about this share of a whole step
_START_SECONDS = 15.0  # opening, saving, proving


def measure(
    config: RunConfig, version: DatasetVersion, folder: Path, cache: Path, progress: Progress
) -> Estimate:
    """Estimates for a run of `config` on this machine, from a few of its own steps.

    Returns:
        minutes, memory_bytes (highest so far, libraries included), free_bytes, trainable, total;
        for fine-tuning also step_seconds, steps_per_epoch, steps, accumulate, cut_off (share of
        texts that are cut), lr_curve and learning_rate.

    Raises:
        ConfigError: for a recipe without steps.
        DataError: when there is too little to train on.
    """
    check_trainable(version)
    if config.recipe == "probe":
        return _measure_probe(config.settings, config, version, progress)
    if config.recipe != "finetune":
        raise ConfigError("Only a probe or a fine-tuning can be measured.", "", "")
    settings: FinetuneSettings = replace(
        config.settings, lp_start=False, average="none", continue_from=""
    )
    space = common.label_space(version)
    seed_everything(settings.seed)
    setup = set_up(
        settings,
        config.backbone,
        version,
        space.to_model(common.SealedVersion(version).labels),
        space.model_names,
        folder,
        cache,
        progress,
    )
    with setup.stack:
        progress.stage("Taking a few steps", share=0.3)
        order = EpochBatches(
            len(setup.examples), setup.plan["batch"], settings.seed, lengths=setup.lengths
        )
        keys = list(order)
        some = [keys[i] for i in spread(len(keys), _STEPS)]
        seconds = memory.time_steps(
            setup.model,
            setup.report,
            (setup.examples.__getitems__(one) for one in [some[0], *some]),
            setup.plan["bf16"],
        )
    step = float(np.mean(seconds))
    epochs = setup.settings.epochs
    steps = math.ceil(epochs * order.steps)
    held = len(setup.held_out) if setup.held_out is not None else 0
    judging = (
        READING * step * held / setup.plan["batch"] * (math.ceil(epochs) + config.settings.lp_start)
    )
    reading = READING * step * len(setup.examples) / setup.plan["batch"] * config.settings.lp_start
    lengths = setup.lengths
    return {
        "minutes": (steps * step + judging + reading + _START_SECONDS) / 60,
        "step_seconds": step,
        "steps_per_epoch": order.steps,
        "steps": steps,
        "accumulate": setup.plan["accumulate"],
        "trainable": setup.report.trainable,
        "total": setup.report.total,
        **_memory(),
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
    inputs, batch = (
        read_inputs(version, rows[spread(len(rows), _PROBE_ROWS)]),
        best_batch(backbone.modality),
    )
    with backbone.extracting() as extractor:
        extractor(backbone.encode(inputs[:2]))
        started = time.perf_counter()
        for start in range(0, len(inputs), batch):
            extractor(backbone.encode(inputs[start : start + batch]))
        seconds = time.perf_counter() - started
    total = sum(parameter.numel() for parameter in backbone.model.parameters())
    memory_use = _memory()
    return {
        "minutes": (seconds / len(inputs) * len(rows) + _START_SECONDS) / 60,
        "trainable": backbone.port.width * len(space.kept),
        "total": total,
        "memory_bytes": memory_use["memory_bytes"],
        "free_bytes": memory_use["free_bytes"],
        "lr_curve": [],
    }


def _memory() -> MemoryUse:
    """Highest use so far and what is free: of the GPU where there is one, else of the machine."""
    if torch.cuda.is_available():
        free, _ = torch.cuda.mem_get_info()
        return {"memory_bytes": int(torch.cuda.max_memory_allocated()), "free_bytes": int(free)}
    unit = 1 if sys.platform == "darwin" else 1024
    return {
        "memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit,
        "free_bytes": int(psutil.virtual_memory().available),
    }
