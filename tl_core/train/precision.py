"""Whether bf16 is worth it on this machine: detected, then measured, never assumed."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import torch

from tl_core.data.store import write_json
from tl_core.models.backbones import Backbone, Extractor
from tl_core.models.references import read_json

_WORTH = 1.2  # times faster than float32 before bf16 is taken
_MIN_ROWS = 500  # below this, measuring costs more than it can save


def has_bf16() -> bool:
    """Whether the hardware multiplies bf16 natively (GPU, or a CPU with AMX or AVX-512 BF16)."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    return "amx_bf16" in flags or "avx512_bf16" in flags


def choose_bf16(setting: str, backbone: Backbone, extractor: Extractor, batch: dict[str, Any], rows: int,
                memory: Path) -> tuple[bool, str]:
    """Decide on bf16 for `rows` training features; the measured ratio is kept in `memory` for this backbone.

    Keeping it makes a repeated run take the same path, whatever else the machine is doing.
    """
    if setting == "float32":
        return False, "float32 as set"
    if not backbone.allows_bf16:
        return False, "float32: this architecture's head loses too much in bf16"
    if setting == "bf16":
        return True, "bf16 as set"
    if not has_bf16():
        return False, "float32: this machine has no fast bf16"
    if rows < _MIN_ROWS:
        return False, "float32: too few rows for bf16 to matter"
    known = read_json(memory)
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    key = f"{backbone.weights}/{device}"
    if key not in known:
        known[key] = _ratio(extractor, batch)
        memory.parent.mkdir(parents=True, exist_ok=True)
        write_json(memory, known)
    ratio = float(str(known[key]))
    return ratio >= _WORTH, f"bf16 measured {ratio:.1f} times as fast as float32 here"


def _ratio(extractor: Extractor, batch: dict[str, Any]) -> float:
    """Time of float32 over time of bf16 for one batch, each warmed up once."""
    seconds = []
    for bf16 in (False, True):
        extractor(batch, bf16=bf16)
        started = time.perf_counter()
        extractor(batch, bf16=bf16)
        seconds.append(time.perf_counter() - started)
    return round(seconds[0] / seconds[1], 2)
