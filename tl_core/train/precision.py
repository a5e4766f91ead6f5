"""Whether bf16 is worth it on this machine: detected, then measured, never assumed."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch
from torch import Tensor, nn
from torch.nn import functional

from tl_core.backbones.backbone import Backbone, Extractor
from tl_core.json_files import find_object, write_json
from tl_core.machine import has_bf16
from tl_core.train.features.examples import Batch

_WORTH = 1.1  # times faster than float32 before bf16 is taken
_ROUNDS = 3  # of both formats in turn; single ones differed by a fifth on a shared machine
_MIN_ROWS = 500  # below this, measuring costs more than it can save


def choose_bf16(
    setting: str,
    backbone: Backbone,
    extractor: Extractor,
    batch: Batch,
    rows: int,
    memory: Path,
) -> tuple[bool, str]:
    """Decide on bf16 for `rows` training features; the measured ratio is kept in `memory` for this
    backbone.

    Keeping it makes a repeated run take the same path, whatever else the machine is doing.
    """
    if setting == "auto" and rows < _MIN_ROWS:
        return False, "float32: too few rows for bf16 to matter"
    if not backbone.allows_bf16:
        return False, "float32: this architecture's head loses too much in bf16"
    return _decide(setting, memory, backbone.weights, lambda bf16: extractor(batch, bf16=bf16))


def choose_training_bf16(
    setting: str, name: str, step: Callable[[bool], object], memory: Path
) -> tuple[bool, str]:
    """The same for training; `step` is one forward and backward pass, `name` says of what
    network.
    """
    return _decide(setting, memory, f"{name}/training", step)


def _decide(
    setting: str, memory: Path, name: str, work: Callable[[bool], object]
) -> tuple[bool, str]:
    if setting != "auto":
        return setting == "bf16", f"{setting} as set"
    if not has_bf16():
        return False, "float32: this machine has no fast bf16"
    known = find_object(memory)
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    key = f"{name}/{device}"
    if key not in known:
        known[key] = _ratio(work)
        memory.parent.mkdir(parents=True, exist_ok=True)
        write_json(memory, known)
    ratio = float(str(known[key]))
    return ratio >= _WORTH, f"bf16 measured {ratio:.1f} times as fast as float32 here"


def _ratio(work: Callable[[bool], object]) -> float:
    """Time of float32 over time of bf16, each warmed up once: the medians of some rounds."""
    seconds: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(1 + _ROUNDS):
        for bf16, taken in seconds.items():
            started = time.perf_counter()
            work(bf16)
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            taken.append(time.perf_counter() - started)
    plain, fast = (median(taken[1:]) for taken in seconds.values())
    return round(plain / fast, 2)


class Float32Linear(nn.Linear):
    """A Linear that computes in float32 whatever the number format around it; heads lose too much
    otherwise.
    """

    def forward(self, input: Tensor) -> Tensor:
        with torch.autocast(input.device.type, enabled=False):
            return functional.linear(input.float(), self.weight, self.bias)


def keep_float32(model: nn.Module, roots: list[str], *, on: bool) -> None:
    """Make the Linears at and below `roots` compute in float32, or ordinarily again; weights and
    names stay.
    """
    for root in roots:
        for module in model.get_submodule(root).modules():
            if type(module) in (nn.Linear, Float32Linear):
                module.__class__ = Float32Linear if on else nn.Linear
