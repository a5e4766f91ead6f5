"""The right-hand column of the live page: how far, what moves, and what the machine does."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.sections.train.live import layer_strip
from pages.shell.words import plain, size
from pages.widgets import curves, spark
from tl_core.jobs.events import MachineAt, RunView
from tl_core.jobs.monitor import GpuFacts, MachineFacts, read_machine
from tl_core.progress import Curve
from tl_core.surgery.facts import SurgeryFacts

_SPARK = 60  # points of a sparkline
_MEASURED = 0.1  # seconds in which the use of the processor is measured
_UNKNOWN = "not reported"


def show(view: RunView, facts: SurgeryFacts | None, items: int, *, active: bool) -> None:
    """Tiles, layers and machine of a run whose scores are of so many validation items."""
    if view.of(Curve.TRAINING):
        with st.container(border=True):
            curves.tiles(view, 2, items)
    elif active and view.total:
        with st.container(border=True), st.grid(2, min_column_width=120, gap="xsmall"):
            st.metric("Done", f"{view.done:,}", help=f"Of {view.total:,} in this step.")
            st.metric("Items a second", f"{view.rate:.0f}" if view.rate else "-")
    layer_strip.show(facts, view.learning, ended=not active)
    if active:
        # what the worker has told: it may run elsewhere, and a page need not measure again
        now = view.machine[-1] if view.machine else read_machine(over=_MEASURED)
        for number, gpu in enumerate(now["gpus"]):
            _gpu(number, gpu, view.machine)
        if not now["gpus"]:
            _processor(now, view.machine)


def recent(values: Sequence[float]) -> list[float]:
    """The last minutes of a series, for a sparkline; nothing when there is no line yet."""
    return list(values[-_SPARK:]) if len(values) > 1 else []


def _processor(now: MachineFacts, before: list[MachineAt]) -> None:
    with st.grid(2, min_column_width=120, gap="xsmall"):
        spark.tile(
            f"Processor ({now['cores']} cores)",
            f"{now['cpu']:.0f} %",
            recent([point["cpu"] for point in before]),
            "Of the whole machine, now; the line is this run so far.",
            " %",
        )
        spark.tile(
            "Memory",
            size(now["memory_used"]),
            recent([100 * point["memory_used"] / point["memory_total"] for point in before]),
            f"In use, of {size(now['memory_total'])}.",
            " %",
        )


def _gpu(number: int, gpu: GpuFacts, before: list[MachineAt]) -> None:
    """Use and memory as tiles, the rest in a line; further GPUs in a line each."""
    heat = f"{gpu['temperature']} °C" if gpu["temperature"] is not None else ""
    watts = f"{gpu['power']:.0f} W" if gpu["power"] is not None else ""
    use = f"{gpu['use']} %" if gpu["use"] is not None else _UNKNOWN
    memory = size(gpu["memory_used"]) if gpu["memory_used"] is not None else _UNKNOWN
    name = gpu["name"] or f"GPU {number + 1}"
    if number:
        parts = [f"GPU {number + 1}: {use}", memory, heat, watts]
        st.caption(plain(" · ".join(part for part in parts if part)))
        return
    past = [point["gpus"][0] for point in before if point["gpus"]]
    total = f"Of {size(gpu['memory_total'])}." if gpu["memory_total"] else None
    with st.grid(2, min_column_width=120, gap="xsmall"):
        spark.tile("GPU", use, recent([one["use"] or 0 for one in past]), plain(name), " %")
        spark.tile(
            "GPU memory",
            memory,
            recent([100 * (one["memory_used"] or 0) / (one["memory_total"] or 1) for one in past]),
            total,
            " %",
        )
    st.caption(plain(" · ".join(part for part in (name, heat, watts) if part)))
