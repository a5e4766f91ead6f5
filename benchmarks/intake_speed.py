"""Intake with all checks on against `datasets.load_dataset` on the same files, and its memory at
two sizes.

`python benchmarks/intake_speed.py` generates 200,000 texts and 20,000 JPEGs, and a tenth of each.
Ours is what
`data add` does: every row read, every picture decoded, facts, near-duplicates, splits, findings,
everything written. `load_dataset("csv")` only parses and writes; `load_dataset("imagefolder")` only
lists files. Rates are rows per second of the work alone, libraries imported beforehand, best of
three; `process` is a whole process, start-up included. Memory is the peak of RssAnon less what the
imports took.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from common import machine, write_result
from PIL import Image

TEXTS, PICTURES, ROUNDS = 200_000, 20_000, 3
ROOT = Path(__file__).parents[1]
CHILD = """
import json, sys, tempfile, threading, time
from pathlib import Path
kind, path = sys.argv[1], Path(sys.argv[2])

def anon():
    lines = open("/proc/self/status")
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024

if kind == "ours":
    import pandas, pyarrow.compute, pyarrow.csv, pyarrow.parquet, scipy.sparse.csgraph
    from tl_core.data.versions.build import build_version
    from tl_core.data.limits import Limits
    from tl_core.data.dataset_version import ImportOptions
    from tl_core.data.sources.detect import open_source
else:
    import datasets
    datasets.disable_progress_bars()
start, peak, going = anon(), 0.0, True

def watch():
    global peak
    while going:
        peak = max(peak, anon())
        time.sleep(0.01)

with tempfile.TemporaryDirectory() as folder:
    watcher = threading.Thread(target=watch)
    watcher.start()
    began = time.perf_counter()
    if kind == "ours":
        source = open_source(path, Path(folder) / "staging", Limits())
        rows = build_version({"": source}, ImportOptions(), Path(folder), path.name).rows
    elif path.is_dir():
        options = {"path": "imagefolder", "data_dir": str(path)}
        rows = len(datasets.load_dataset(**options, cache_dir=folder, split="train"))
    else:
        options = {"path": "csv", "data_files": str(path)}
        rows = len(datasets.load_dataset(**options, cache_dir=folder, split="train"))
    seconds = time.perf_counter() - began
    going = False
    watcher.join()
print(json.dumps({"rows": rows, "seconds": seconds, "memory_mb": peak - start}))
"""


def write_texts(path: Path, count: int) -> Path:
    """Texts of 4 to 24 words with the frequencies of a natural language (Zipf-Mandelbrot)."""
    random = np.random.default_rng(0)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    words = np.array(
        ["".join(random.choice(letters, random.integers(2, 10))) for _ in range(20_000)]
    )
    shares = 1 / (np.arange(len(words)) + 2.7)
    drawn, place = random.choice(len(words), count * 25, p=shares / shares.sum()), 0
    with path.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["text", "label"])
        for _ in range(count):
            length = int(random.integers(4, 25))
            writer.writerow(
                [" ".join(words[drawn[place : place + length]]), f"class {random.integers(8)}"]
            )
            place += length
    return path


def write_pictures(root: Path, count: int) -> Path:
    """Noisy JPEGs of 256 x 256 pixels in eight class folders."""
    random = np.random.default_rng(0)
    for number in range(count):
        folder = root / f"class {number % 8}"
        folder.mkdir(parents=True, exist_ok=True)
        coarse = Image.fromarray(random.integers(0, 256, (12, 12, 3), dtype=np.uint8)).resize(
            (256, 256), 3
        )
        noisy = np.asarray(coarse).astype(np.int16) + random.integers(-8, 9, (256, 256, 1))
        Image.fromarray(noisy.clip(0, 255).astype("uint8")).save(
            folder / f"{number:05}.jpg", quality=85
        )
    return root


def measure(kind: str, path: Path) -> dict[str, float]:
    """Best rate of three processes, and the whole process' seconds and memory of that one."""
    best: dict[str, float] = {}
    for _ in range(ROUNDS):
        started = time.perf_counter()
        process = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", CHILD, kind, str(path)],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        )
        one = json.loads(process.stdout)
        one["process"] = time.perf_counter() - started
        if not best or one["seconds"] < best["seconds"]:
            best = one
    return {
        "rows_per_second": round(best["rows"] / best["seconds"]),
        "process_seconds": round(best["process"], 2),
        "memory_mb": round(best["memory_mb"]),
    }


def main() -> None:
    result: dict[str, object] = {"machine": machine()}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name, count, write in (
            ("texts", TEXTS, write_texts),
            ("pictures", PICTURES, write_pictures),
        ):
            whole = write(root / (f"{name}.csv" if name == "texts" else name), count)
            tenth = write(
                root / (f"{name}-tenth.csv" if name == "texts" else f"{name}-tenth"), count // 10
            )
            ours, small, theirs = (
                measure("ours", whole),
                measure("ours", tenth),
                measure("theirs", whole),
            )
            result[name] = {
                "rows": count,
                "ours": ours,
                "ours_at_a_tenth": small,
                "load_dataset": theirs,
                "rate_over_load_dataset": round(
                    ours["rows_per_second"] / theirs["rows_per_second"], 2
                ),
                "process_over_load_dataset": round(
                    theirs["process_seconds"] / ours["process_seconds"], 2
                ),
                "bytes_per_row": round(
                    (ours["memory_mb"] - small["memory_mb"]) * 2**20 / (count * 0.9)
                ),
            }
    write_result("intake_speed", result)


if __name__ == "__main__":
    main()
