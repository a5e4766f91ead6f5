"""What benchmarks share: data, a free port, and a JSON file with the machine it was measured on."""

from __future__ import annotations

import csv
import json
import platform
import socket
import tempfile
import time
from pathlib import Path

import psutil

from tl_core.config import RunConfig
from tl_core.data.dataset_version import ImportOptions
from tl_core.data.limits import Limits
from tl_core.data.sources.detect import open_source
from tl_core.data.versions.build import build_version
from tl_core.data.versions.store import DatasetVersion
from tl_core.progress import Progress
from tl_core.recipes import run_recipe

RESULTS = Path(__file__).parent / "results"


def machine() -> str:
    """Processor, cores and memory in a line."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        name = next(
            (
                line.split(":")[1].strip()
                for line in cpuinfo.read_text().splitlines()
                if line.startswith("model name")
            ),
            name,
        )
    return (
        f"{name}, {psutil.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB,"
        " no GPU"
    )


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def open_data(source: Path, folder: Path) -> DatasetVersion:
    """A source as a dataset version in `folder`."""
    folder.mkdir(parents=True)
    build_version(
        {"": open_source(source, folder / "staging", Limits())},
        ImportOptions(),
        folder,
        source.name,
    )
    return DatasetVersion(folder)


def trained(
    version: DatasetVersion,
    backbone: str,
    way: tuple[str, dict[str, object]],
    seed: int,
    home: Path,
) -> tuple[list[bool], float]:
    """A recipe with its options, without a baseline: which test items are right, in the order of
    the answers, and the seconds. Features are kept in `home`.
    """
    folder = Path(tempfile.mkdtemp(dir=home))
    recipe, options = way
    started = time.monotonic()
    run_recipe(
        RunConfig(
            "train",
            "local",
            "d@1",
            str(version.folder),
            backbone,
            recipe,
            {**options, "baseline": False, "seed": seed},
        ),
        version,
        folder,
        home / "cache",
        Progress(),
    )
    seconds = time.monotonic() - started
    with (folder / "predictions.csv").open(newline="", encoding="utf-8") as handle:
        return [row["true"] == row["label"] for row in csv.DictReader(handle)], seconds


def write_result(name: str, content: dict[str, object]) -> None:
    """Keep and show the figures."""
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(content, indent=1, ensure_ascii=False)
    (RESULTS / f"{name}.json").write_text(text + "\n")
    print(text)
