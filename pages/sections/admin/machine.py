"""The machine now and in the last minutes, what waits for it, and what lies on its disk."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from pages.shell import frame, others, problems, services
from pages.shell.words import ago, plain, size
from pages.widgets import spark
from tl_core.config import RUN_KINDS
from tl_core.jobs.monitor import GpuFacts, MachineFacts, read_machine
from tl_core.registry.run import Run
from tl_core.storage import folder_size

_EVERY = 3.0  # seconds between two readings
_MEASURED = 0.1  # seconds in which the use of the processor is measured
_KEPT = 60  # readings that a session keeps for the lines
_SHOWN = 50  # runs in the table
_NARROWEST = 170  # pixels of a tile
_LOOSE = "database and logs"
_MEANINGS = {
    "datasets": "Items of every dataset version",
    "runs": "Trained models, reports, predictions, bundles",
    "features": "What backbones made of items; computed again when it is needed",
    "uploads": "Files on their way in",
    "models": "Backbones that were uploaded",
    "static": "Word vectors",
    "starters": "Backbones that come with the studio",
    "stored": "What is known of folders in the store",
    "store": "Folders on their way from the store",
    "looks": "First looks into sources",
    "staging": "Sources while they are unpacked",
    _LOOSE: "What is known of datasets and runs",
}


@st.fragment(run_every=_EVERY)
@problems.looking
def show() -> None:
    """Processor, memory, GPUs and the queue, as they are now."""
    machine = read_machine(over=_MEASURED)  # each look may be a thread of its own
    active = services.runs().list(active=True, every_kind=True)  # all of them hold a slot
    used = machine["memory_used"] / machine["memory_total"]
    readings: list[list[float]] = [
        *st.session_state.get("readings", []),
        [machine["cpu"], 100 * used],
    ]
    st.session_state["readings"] = readings[-_KEPT:]
    _tiles(machine, readings[-_KEPT:], active)
    for gpu in machine["gpus"]:
        _gpu(gpu)
    if not machine["gpus"]:
        st.caption("No GPU was found; training runs on the processor.")
    _queue(active)


def _tiles(
    machine: MachineFacts, readings: Sequence[Sequence[float]], active: Sequence[Run]
) -> None:
    with st.grid(2, min_column_width=_NARROWEST):
        spark.tile(
            f"Processor ({machine['cores']} cores)",
            f"{machine['cpu']:.0f} %",
            [cpu for cpu, _ in readings],
            "Use of all cores together; the line shows the last minutes.",
            " %",
        )
        spark.tile(
            "Memory",
            size(machine["memory_used"]),
            [memory for _, memory in readings],
            f"of {size(machine['memory_total'])}; the line is the share of it.",
            " %",
        )
        for label, status, text in (
            ("Running", "running", "Your runs that are computed now"),
            ("Waiting", "queued", "Your runs that wait for their turn"),
        ):
            st.metric(
                label,
                sum(_state(run) == status for run in active),
                border=True,
                height="stretch",
                help=text,
            )


def _state(run: Run) -> str:
    """What waits in another scheduler waits."""
    return "queued" if run.waits_elsewhere else run.status


def _gpu(gpu: GpuFacts) -> None:
    """One GPU: its use, and what else the card tells."""
    told = [
        f"{size(gpu['memory_used'] or 0)} of {size(gpu['memory_total'])} memory"
        if gpu["memory_total"]
        else "",
        f"{gpu['temperature']} °C" if gpu["temperature"] is not None else "",
        f"{gpu['power']:.0f} W" if gpu["power"] is not None else "",
    ]
    st.metric(
        plain(gpu["name"] or "GPU"),
        f"{gpu['use']} %" if gpu["use"] is not None else "not reported",
        " · ".join(part for part in told if part) or None,
        delta_color="off",
        delta_arrow="off",
        border=True,
        help="Use of the card now",
    )


def _queue(active: Sequence[Run]) -> None:
    """What runs and waits, the running first."""
    st.subheader("Queue")
    if not active:
        st.caption("Nothing runs or waits.")
        return
    ordered = sorted(active, key=lambda run: (run.status != "running", run.place))
    who = others.starters(active)
    st.dataframe(
        [
            {
                "what": run.dataset or run.kind,
                **({"who": who[run.id]} if who else {}),
                "kind": RUN_KINDS[run.kind].title,
                "state": frame.state_word(run) if run.status == "running" else f"place {run.place}",
                "done": 100 * run.progress,
                "since": ago(run.started or run.queued),
            }
            for run in ordered[:_SHOWN]
        ],
        hide_index=True,
        key="queue",
        column_config={
            "done": st.column_config.ProgressColumn(format="%.0f %%", min_value=0, max_value=100)
        },
        alt="Runs that are computed or wait",
    )
    st.page_link("pages/evaluate/runs.py", label="All runs", icon=":material/list:")


@st.cache_data(ttl=60, max_entries=4, show_spinner="Measuring the folders…")
def sizes(home: str) -> dict[str, int]:
    """Bytes by kind of content: the folders of the studio's home, and the files beside them."""
    root = Path(home)
    counted = dict.fromkeys(_MEANINGS, 0)
    counted |= {path.name: folder_size(path) for path in root.iterdir() if path.is_dir()}
    loose = sum(path.stat().st_size for path in root.iterdir() if path.is_file())
    return {**counted, _LOOSE: loose}


def show_disk(home: Path) -> None:
    """What lies on the disk, the most first."""
    counted = sorted(sizes(str(home)).items(), key=lambda one: -one[1])
    whole = sum(count for _, count in counted) or 1
    st.dataframe(
        [
            {
                "what": name,
                "size": size(count),
                "share": 100 * count / whole,
                "meaning": _MEANINGS.get(name, ""),
            }
            for name, count in counted
        ],
        hide_index=True,
        key="disk",
        height="content",
        column_config={
            "share": st.column_config.ProgressColumn(format="%.0f %%", min_value=0, max_value=100)
        },
        alt="Disk use by kind of content",
    )
