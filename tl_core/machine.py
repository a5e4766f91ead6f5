"""What the machine at hand computes best: where a model goes, how many items at once, whether bf16
is native.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from tl_core.modalities import modality_of

_GPU_BATCH = 64


def place(model: nn.Module) -> None:
    """Move a model to the GPU where there is one."""
    if torch.cuda.is_available():
        model.to("cuda")


def best_batch(modality: str) -> int:
    """Items that this machine best computes together."""
    return _GPU_BATCH if torch.cuda.is_available() else modality_of(modality).cpu_batch


def has_bf16() -> bool:
    """Whether the hardware multiplies bf16 natively (GPU, or a CPU with AMX or AVX-512 BF16)."""
    if torch.cuda.is_available():
        return bool(torch.cuda.is_bf16_supported())
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    return "amx_bf16" in flags or "avx512_bf16" in flags
