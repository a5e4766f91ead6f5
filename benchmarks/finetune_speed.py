"""Fine-tuning throughput over three alternatives, what events and checkpoints cost, and the share
of the hardware.

`python benchmarks/finetune_speed.py DATA_FOLDER MODEL_FOLDER`, with `trec` and `hymenoptera` in
DATA_FOLDER and the MobileNetV2 for the photos in MODEL_FOLDER; without MODEL_FOLDER ours against
the bare loop alone. Every figure is items a second of
the training loop, judging included for ours and for the bare loop; the alternatives run in
processes of their own, in turn with ours.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from common import machine, open_data, write_result

from tl_core.backbones.sources.reference import parse_reference
from tl_core.backbones.sources.resolve import resolve_folder
from tl_core.config import RunConfig
from tl_core.data.versions.store import DatasetVersion
from tl_core.jobs.events import EventLog
from tl_core.log import quiet_libraries
from tl_core.machine import has_bf16
from tl_core.progress import Progress
from tl_core.recipes import run_recipe
from tl_core.recipes.shared import common
from tl_core.recipes.shared.finetune_job import make_job
from tl_core.settings import Settings
from tl_core.train.loop import trainer
from tl_core.train.setup.set_up import set_up

ROOT = Path(__file__).parents[1]
TEXT_EPOCHS, PHOTO_EPOCHS, ROUNDS = 1, 5, 3
Turn = tuple[dict[str, float], dict[str, float]]  # ours, the bare loop
TURNS = 4  # of ours and the bare loop: the ratio of one turn moves by some hundredths


def alternative(kind: str, data: Path, model: Path, epochs: int) -> dict[str, float]:
    """One alternative in a process of its own."""
    process = subprocess.run(
        [sys.executable, "benchmarks/bare_finetune.py", kind, str(data), str(model), str(epochs)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
        text=True,
    )
    figures: dict[str, float] = json.loads(process.stdout.splitlines()[-1])
    return figures


def ours(version: DatasetVersion, backbone: str, home: Path, epochs: int) -> dict[str, float]:
    """A whole run by the recipe; throughput of its training stage."""

    class Clock(Progress):
        started = ended = 0.0

        def curve(self, name: str, **values: float) -> None:
            if name == "validation" and values["epoch"] >= epochs:
                self.ended = time.perf_counter()

        def stage(self, name: str, total: int = 0, share: float = 0.0) -> None:
            del total, share
            if name == "Training":
                self.started = time.perf_counter()

    folder = Path(tempfile.mkdtemp(dir=home))
    config = RunConfig(
        "train",
        "local",
        "d@1",
        str(version.folder),
        backbone,
        "finetune",
        {"strategy": "full", "epochs": float(epochs), "baseline": False, "patience": 0},
    )
    clock = Clock()
    report = run_recipe(config, version, folder, home / "cache", clock)
    return {
        "items_per_second": epochs * len(version.rows_of("train")) / (clock.ended - clock.started),
        "accuracy": report["test"]["accuracy"]["value"],
    }


def overhead(version: DatasetVersion, home: Path) -> dict[str, float]:
    """Seconds of 100 steps with events and checkpoints over those without, the median of the
    turns.
    """
    ratios = []
    for _ in range(ROUNDS):
        seconds = []
        for logs in (False, True):
            folder = Path(tempfile.mkdtemp(dir=home))
            settings = RunConfig(
                "train",
                "local",
                "d@1",
                "",
                "starter:text",
                "finetune",
                {"strategy": "full", "epochs": 0.65},
            ).settings
            space = common.label_space(version)
            setup = set_up(
                settings,
                "starter:text",
                version,
                space.to_model(version.labels),
                space.model_names,
                folder,
                home / "cache",
                Progress(),
            )
            with setup.stack:
                job = make_job(setup, folder)
                job.score = None
                (folder / "checkpoints").mkdir()
                loop = trainer.GraftTrainer(job, EventLog(folder) if logs else Progress())
                loop.pace._last -= 0 if logs else -1e9  # without: never due
                started = time.perf_counter()
                loop.train()
                seconds.append(time.perf_counter() - started)
        ratios.append(seconds[1] / seconds[0])
    return {"over_without": round(float(np.median(ratios)), 3), "rounds": ROUNDS}


def hardware_share(version: DatasetVersion, items_per_second: float) -> dict[str, float]:
    """Useful operations a second over the rate of a large matrix product in the same number
    format.
    """
    rates = {}
    for name, kind in (("float32", torch.float32), ("bf16", torch.bfloat16)):
        one = torch.randn(2048, 2048, dtype=kind)
        one @ one
        started = time.perf_counter()
        for _ in range(10):
            one @ one
        rates[name] = 10 * 2 * 2048**3 / (time.perf_counter() - started)
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(
        resolve_folder(parse_reference("starter:text"), Settings())
    )
    rows = version.rows_of("train")
    tokens = float(np.mean([len(ids) for ids in tokenizer(version.texts(rows))["input_ids"]]))
    encoder = 6 * (4 * 384**2 + 2 * 384 * 1536)  # weights that every token is multiplied with
    reached = 6 * encoder * tokens * items_per_second
    return {
        "matrix_product_gflops_float32": round(rates["float32"] / 1e9),
        "tokens_per_text": round(tokens, 1),
        "matrix_product_gflops_bf16": round(rates["bf16"] / 1e9),
        "reached_gflops": round(reached / 1e9),
        "share_of_bf16": round(reached / rates["bf16"], 2),
    }


def rounded(figures: dict[str, object]) -> dict[str, object]:
    """Figures as people read them."""
    return {
        name: round(value, 3) if name == "accuracy" else round(value, 1)
        for name, value in figures.items()
    }


def taken_in_turns(data: Path, version: DatasetVersion, home: Path) -> list[Turn]:
    """Ours and the bare loop, again and again on the same texts."""
    starter = resolve_folder(parse_reference("starter:text"), Settings())
    return [
        (
            ours(version, "starter:text", home, TEXT_EPOCHS),
            alternative("bare-text", data / "trec", starter, TEXT_EPOCHS),
        )
        for _ in range(TURNS)
    ]


def over_bare_loop(turns: list[Turn]) -> dict[str, object]:
    """Our rate over the bare loop's: the median, and every turn's."""
    ratios = sorted(a["items_per_second"] / b["items_per_second"] for a, b in turns)
    return {
        "over_bare_loop": round(float(np.median(ratios)), 2),
        "turns": [round(ratio, 2) for ratio in ratios],
    }


def turns_alone(data: Path) -> None:
    """The ratio to the bare loop, in a file of its own."""
    with tempfile.TemporaryDirectory() as place:
        turns = taken_in_turns(data, open_data(data / "trec", Path(place) / "trec"), Path(place))
    write_result(
        "finetune_turns", {"machine": machine(), "bf16": has_bf16(), **over_bare_loop(turns)}
    )


if __name__ == "__main__":
    quiet_libraries()
    data = Path(sys.argv[1]).resolve()
    if len(sys.argv) == 2:
        turns_alone(data)
        raise SystemExit
    model = Path(sys.argv[2]).resolve()
    resolve_folder(parse_reference(f"local:{model}"), Settings())  # refused now, not at the end
    starter = resolve_folder(parse_reference("starter:text"), Settings())
    with tempfile.TemporaryDirectory() as place:
        home = Path(place)
        trec, photos = (
            open_data(data / "trec", home / "trec"),
            open_data(data / "hymenoptera", home / "photos"),
        )
        turns = taken_in_turns(data, trec, home)
        mine, bare = (
            max((turn[i] for turn in turns), key=lambda one: one["items_per_second"])
            for i in (0, 1)
        )
        plain = alternative("plain-text", data / "trec", starter, TEXT_EPOCHS)
        own = ours(photos, f"local:{model}", home, PHOTO_EPOCHS)
        theirs = alternative("plain-images", data / "hymenoptera", model, PHOTO_EPOCHS)
        write_result(
            "finetune_speed",
            {
                "machine": machine(),
                "texts": {
                    "ours": rounded(mine),
                    "bare_loop": rounded(bare),
                    "plain_trainer": rounded(plain),
                    "over_plain_trainer": round(
                        mine["items_per_second"] / plain["items_per_second"], 1
                    ),
                    **over_bare_loop(turns),
                    "epochs": TEXT_EPOCHS,
                },
                "photos": {
                    "ours": rounded(own),
                    "plain_trainer": rounded(theirs),
                    "epochs": PHOTO_EPOCHS,
                    "over_plain_trainer": round(
                        own["items_per_second"] / theirs["items_per_second"], 1
                    ),
                },
                "events_and_checkpoints": overhead(trec, home),
                "hardware": hardware_share(trec, mine["items_per_second"]),
            },
        )
