"""Predicting files against `transformers.pipeline`, at its defaults and with its best batch size,
in one run.

`python benchmarks/batch_prediction.py DATA_FOLDER`, with `trec` and `hymenoptera` in DATA_FOLDER.
Every way does the
whole job: open the model, read the file or folder, predict, write a CSV. Each runs twice in turn;
the better counts. Then the same predictor reads 10,000 and 200,000 rows in processes of their own,
for the memory that each takes.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from common import machine, open_data, write_result

from tl_core.config import RunConfig
from tl_core.log import quiet_libraries
from tl_core.predict.batch import predict_source
from tl_core.progress import Progress
from tl_core.recipes import run_recipe
from tl_core.settings import Settings

TEXTS, ROUNDS, BATCHES = 5000, 2, (8, 16, 32, 64)


def trained(data: Path, backbone: str, home: Path) -> Path:
    """The model folder of a probe."""
    version, folder = open_data(data, home / f"{data.name}-data"), home / f"{data.name}-run"
    folder.mkdir()
    run_recipe(
        RunConfig(
            "train", "local", "d@1", str(version.folder), backbone, "probe", {"baseline": False}
        ),
        version,
        folder,
        home / "cache",
        Progress(),
    )
    return folder / "model"


def ours(model: Path, source: Path, out: Path, precision: str) -> dict[str, object]:
    return predict_source(
        model, source, out, Settings(home=str(out.parent)), text_column="text", precision=precision
    )


def pipe(model: Path, source: Path, out: Path, batch: int | None) -> None:
    """The same job as its users would write it."""
    from transformers import pipeline

    more = {} if batch is None else {"batch_size": batch}
    if source.is_dir():
        items = [str(path) for path in sorted(source.rglob("*.jpg"))]
        answers = pipeline("image-classification", model=str(model), device="cpu")(items, **more)
    else:
        with source.open(newline="") as handle:
            items = [row["text"] for row in csv.DictReader(handle)]
        answers = pipeline("text-classification", model=str(model), device="cpu")(
            items, top_k=None, **more
        )
    with out.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerows(
            [item, *(f"{one['label']}={one['score']:.9g}" for one in said)]
            for item, said in zip(items, answers, strict=True)
        )


def seconds_of(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def compare(model: Path, source: Path, count: int, home: Path) -> dict[str, object]:
    """Items a second of each way, and the ratios that are asked for."""
    ways: dict[str, Callable[[], object]] = {
        "pipeline, defaults": lambda: pipe(model, source, home / "theirs.csv", None)
    }
    ways |= {
        f"pipeline, batches of {batch}": lambda batch=batch: pipe(
            model, source, home / "theirs.csv", batch
        )
        for batch in BATCHES
    }
    ways |= {
        f"ours, {name}": lambda name=name: ours(model, source, home / f"{name}.csv", name)
        for name in ("float32", "auto")
    }
    best: dict[str, float] = {}
    for _ in range(ROUNDS):
        for name, work in ways.items():
            best[name] = max(best.get(name, 0.0), count / seconds_of(work))
    piped = max(rate for name, rate in best.items() if "batches" in name)
    tables = {
        name: list(csv.DictReader((home / f"{name}.csv").open(newline="")))
        for name in ("float32", "auto")
    }
    numbers = {
        name: np.array([[float(row[key]) for key in row if key.startswith("p:")] for row in rows])
        for name, rows in tables.items()
    }
    return {
        "items": count,
        "items_per_second": {name: round(rate, 1) for name, rate in best.items()},
        "over_defaults": round(best["ours, auto"] / best["pipeline, defaults"], 1),
        "over_best_batch": round(best["ours, auto"] / piped, 2),
        "float32_over_defaults": round(best["ours, float32"] / best["pipeline, defaults"], 1),
        "float32_over_best_batch": round(best["ours, float32"] / piped, 2),
        "same_labels_as_float32": float(
            np.mean(
                [
                    a["label"] == b["label"]
                    for a, b in zip(tables["float32"], tables["auto"], strict=True)
                ]
            )
        ),
        "largest_difference_to_float32": float(
            f"{np.abs(numbers['float32'] - numbers['auto']).max():.2g}"
        ),
    }


def write_rows(texts: list[str], count: int, path: Path) -> Path:
    """`count` rows, the texts again and again."""
    with path.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["text"])
        writer.writerows([texts[i % len(texts)]] for i in range(count))
    return path


def memory_of(model: Path, source: Path, out: Path) -> dict[str, float]:
    """Peak resident memory of a process that predicts `source`, and the rows a second."""
    done = subprocess.run(
        [sys.executable, __file__, "--memory", str(model), str(source), str(out)],
        check=True,
        capture_output=True,
        text=True,
    )
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def measure_memory(model: Path, source: Path, out: Path) -> None:
    """The part of the child process."""
    taken = seconds_of(lambda: ours(model, source, out, "auto"))
    rows = sum(1 for _ in out.open()) - 1
    status = Path(
        "/proc/self/status"
    ).read_text()  # getrusage would begin with the memory of the parent
    peak = int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
    print(
        json.dumps(
            {
                "rows": rows,
                "seconds": round(taken, 1),
                "rows_per_second": round(rows / taken),
                "peak_mb": peak // 1024,
            }
        )
    )


if __name__ == "__main__":
    quiet_libraries()
    if sys.argv[1] == "--memory":
        measure_memory(*map(Path, sys.argv[2:5]))
        raise SystemExit
    data = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        text_model, photo_model = (
            trained(data / "trec", "starter:text", home),
            trained(data / "hymenoptera", "starter:image", home),
        )
        with (data / "trec" / "train.csv").open(newline="") as handle:
            texts = [row["text"] for row in csv.DictReader(handle)]
        photos = data / "hymenoptera"
        result: dict[str, object] = {
            "machine": machine(),
            "texts": compare(text_model, write_rows(texts, TEXTS, home / "texts.csv"), TEXTS, home),
            "photos": compare(photo_model, photos, len(list(photos.rglob("*.jpg"))), home),
        }
        small, large = (
            memory_of(
                text_model, write_rows(texts, count, home / "rows.csv"), home / "rows-out.csv"
            )
            for count in (10_000, 200_000)
        )
        write_result(
            "batch_prediction",
            {
                **result,
                "memory": {
                    "small": small,
                    "large": large,
                    "large_over_small": round(large["peak_mb"] / small["peak_mb"], 2),
                },
            },
        )
