"""Probe wall time over a bare script doing the same work, and with the cache warm over the first
time.

`python benchmarks/probe_speed.py DATA_FOLDER MODEL_FOLDER`, where DATA_FOLDER holds `trec`
(train.csv, test.csv) and `hymenoptera` (train, val) and MODEL_FOLDER the MobileNetV2 for the
photos. Every time is that of whole processes, start-up included; ours do everything but the
no-transfer baseline (checks, report, proof of the saved model). The first run of ours meets no
dispatcher and no worker standing by; the warm one meets both, as any later run of a session does.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from common import machine, write_result

from tl_core.backbones.sources.reference import parse_reference
from tl_core.backbones.sources.resolve import resolve_folder
from tl_core.settings import Settings

ROUNDS = 3
ROOT = Path(__file__).parents[1]


def timed(command: list[str], environment: dict[str, str]) -> tuple[float, str]:
    """Wall seconds and standard output of one process."""
    started = time.perf_counter()
    process = subprocess.run(
        command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True
    )
    return time.perf_counter() - started, process.stdout


def stop_all(home: str) -> None:
    """End dispatcher and standing-by worker, so that the next first run is a first run."""
    for process in psutil.process_iter():
        try:
            if process.environ().get("TL_HOME") == home and "tl_core.jobs" in " ".join(
                process.cmdline()
            ):
                process.kill()
                process.wait(10)
        except psutil.Error:
            continue


def wait_for_standby(home: str) -> None:
    """Until the worker standing by has imported its libraries and sleeps."""
    for _ in range(120):
        for process in psutil.process_iter():
            try:
                if (
                    "--standby" in process.cmdline()
                    and process.environ().get("TL_HOME") == home
                    and process.cpu_percent(0.5) < 2
                    and process.memory_info().rss > 400 << 20
                ):
                    return
            except psutil.Error:
                continue
        time.sleep(0.5)
    raise SystemExit("no worker is standing by")


def ours(source: Path, backbone: str) -> dict[str, float]:
    """One first and one warm run in a home of their own."""
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "TL_HOME": home, "HF_HUB_OFFLINE": "1"}
        tool = [sys.executable, "-m", "tl_core"]
        timed([*tool, "data", "add", str(source), "--name", "d"], environment)
        train = [
            *tool,
            "train",
            "--dataset",
            "d",
            "--recipe",
            "probe",
            "--backbone",
            backbone,
            "--json",
            "--set",
            "baseline=false",
        ]
        first, out = timed(train, environment)
        wait_for_standby(home)
        warm, _ = timed([*train, "--set", "class_weights=balanced"], environment)
        report = json.loads(
            timed([*tool, "report", json.loads(out)["run_id"], "--json"], environment)[1]
        )
        stop_all(home)
        return {"first": first, "warm": warm, "accuracy": report["test"]["accuracy"]["value"]}


def compare(kind: str, source: Path, folder: str, backbone: str) -> dict[str, object]:
    """Medians over rounds in which both take turns."""
    bare, mine, accuracy = [], [], 0.0
    for _ in range(ROUNDS):
        seconds, out = timed(
            [sys.executable, "benchmarks/bare_probe.py", kind, str(source), folder],
            {**os.environ, "HF_HUB_OFFLINE": "1"},
        )
        bare.append(seconds)
        accuracy = float(out)
        mine.append(ours(source, backbone))
    first = statistics.median(round_["first"] for round_ in mine)
    warm = statistics.median(round_["warm"] for round_ in mine)
    return {
        "bare_seconds": round(statistics.median(bare), 1),
        "first_seconds": round(first, 1),
        "warm_seconds": round(warm, 1),
        "first_over_bare": round(first / statistics.median(bare), 2),
        "warm_over_first": round(warm / first, 2),
        "bare_accuracy": round(accuracy, 3),
        "our_accuracy": round(mine[-1]["accuracy"], 3),
        "rounds": ROUNDS,
    }


if __name__ == "__main__":
    data, model = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    starter = str(resolve_folder(parse_reference("starter:text"), Settings()))
    write_result(
        "probe_speed",
        {
            "machine": machine(),
            "trec with starter:text": compare("text", data / "trec", starter, "starter:text"),
            "hymenoptera with MobileNetV2": compare(
                "image", data / "hymenoptera", str(model), f"local:{model}"
            ),
        },
    )
