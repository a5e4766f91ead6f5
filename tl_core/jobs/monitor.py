"""What the machine is doing: GPUs through NVML where there are any, else processor and memory."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import TypedDict, TypeVar

import psutil

Answer = TypeVar("Answer")


class GpuFacts(TypedDict):
    """Use in per cent, memory in bytes, degrees Celsius and watts; None where not told."""

    name: str | None
    use: int | None
    memory_used: int | None
    memory_total: int | None
    temperature: int | None
    power: float | None


class MachineFacts(TypedDict):
    """Processor use in per cent, and memory in bytes."""

    gpus: list[GpuFacts]
    cpu: float
    cores: int
    memory_used: int
    memory_total: int


def gpu_count() -> int:
    """GPUs that NVML sees; 0 without a driver. torch is not imported."""
    return len(read_gpus())


def read_gpus() -> list[GpuFacts]:
    """One entry for each GPU; none without a driver."""
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return []
    try:
        return [
            _read_gpu(pynvml, pynvml.nvmlDeviceGetHandleByIndex(i))
            for i in range(pynvml.nvmlDeviceGetCount())
        ]
    except pynvml.NVMLError:
        return []
    finally:
        pynvml.nvmlShutdown()


def _read_gpu(nvml: ModuleType, handle: object) -> GpuFacts:
    def ask(question: Callable[..., Answer], *arguments: object) -> Answer | None:
        try:
            return question(handle, *arguments)
        except nvml.NVMLError:
            return None  # many cards keep one of these to themselves

    memory, use = ask(nvml.nvmlDeviceGetMemoryInfo), ask(nvml.nvmlDeviceGetUtilizationRates)
    watts, name = ask(nvml.nvmlDeviceGetPowerUsage), ask(nvml.nvmlDeviceGetName)
    return {
        "name": name.decode() if isinstance(name, bytes) else name,
        "use": use.gpu if use else None,
        "memory_used": memory.used if memory else None,
        "memory_total": memory.total if memory else None,
        "temperature": ask(nvml.nvmlDeviceGetTemperature, nvml.NVML_TEMPERATURE_GPU),
        "power": watts / 1000 if watts is not None else None,
    }


def read_machine(over: float | None = None) -> MachineFacts:
    """GPUs, processor and memory as they are now.

    Args:
        over: seconds in which the use of the processor is measured. None: since this thread last
            asked, which takes no time and tells 0 at its first question.
    """
    memory = psutil.virtual_memory()
    return {
        "gpus": read_gpus(),
        "cpu": psutil.cpu_percent(interval=over),
        "cores": psutil.cpu_count() or 1,
        "memory_used": memory.total - memory.available,
        "memory_total": memory.total,
    }
