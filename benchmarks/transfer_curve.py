"""Transfer against scratch on handwritten digits, by labels for each class: `python
benchmarks/transfer_curve.py`.

`starter:image` is fine-tuned after a probe (LP-FT), probed alone, and trained from random weights
with 5, 20 and 100 labels for each class and three seeds; all are judged on the same 500 digits.
Writes the figures, and the plot as docs/screenshots/transfer.png where a Chromium is at hand.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
from common import machine, open_data, write_result
from sklearn.datasets import load_digits

from tl_core.config import RunConfig
from tl_core.data.versions.store import DatasetVersion
from tl_core.log import quiet_libraries
from tl_core.progress import Progress
from tl_core.recipes import run_recipe

SIZES, SEEDS, TEST, VALIDATION = (5, 20, 100), 3, 50, 10
STRATEGIES = {"probe": "Probe", "lpft": "Fine-tune from a probe (LP-FT)", "scratch": "From scratch"}
EPOCHS = {5: 30.0, 20: 15.0, 100: 8.0}
ROOT = Path(__file__).parents[1]


def write_digits(folder: Path, size: int, seed: int) -> DatasetVersion:
    """Class folders under train, val and test; the test digits are the same for all sizes and
    seeds.
    """
    from PIL import Image

    digits = load_digits()
    for label in range(10):
        rows = np.flatnonzero(digits.target == label)
        rest = np.random.default_rng(seed).permutation(rows[TEST:])
        for split, some in (
            ("test", rows[:TEST]),
            ("val", rest[:VALIDATION]),
            ("train", rest[VALIDATION : VALIDATION + size]),
        ):
            place = folder / "photos" / split / str(label)
            place.mkdir(parents=True)
            for row in some:
                picture = Image.fromarray((digits.images[row] * 15.9).astype(np.uint8))
                picture.resize((64, 64), Image.Resampling.BICUBIC).save(place / f"{row}.png")
    return open_data(folder / "photos", folder / "v")


def accuracy(version: DatasetVersion, strategy: str, size: int, seed: int, home: Path) -> float:
    """Test accuracy of one strategy."""
    recipe = "probe" if strategy == "probe" else "finetune"
    options: dict[str, object] = {"seed": seed, "baseline": False}
    if recipe == "finetune":
        options |= {
            "strategy": strategy,
            "epochs": EPOCHS[size],
            "augment": "orientation matters",
            "patience": 0,
        }
    folder = Path(tempfile.mkdtemp(dir=home))
    config = RunConfig(
        "train", "local", "d@1", str(version.folder), "starter:image-small", recipe, options
    )
    score = run_recipe(config, version, folder, home / "cache", Progress())["test"]["accuracy"][
        "value"
    ]
    shutil.rmtree(folder)
    return float(score)


def plot(rows: dict[str, dict[str, list[float]]], target: Path) -> None:
    """The curves as a picture, drawn by a browser."""
    import plotly.graph_objects as go
    from playwright.sync_api import sync_playwright

    figure = go.Figure()
    for (name, title), colour in zip(
        STRATEGIES.items(), ("#0072B2", "#009E73", "#7A8793"), strict=True
    ):
        means = [100 * np.mean(rows[name][str(size)]) for size in SIZES]
        figure.add_scatter(
            x=SIZES,
            y=means,
            mode="lines+markers",
            name=title,
            line={"color": colour},
            error_y={
                "type": "data",
                "symmetric": False,
                "array": [
                    100 * max(rows[name][str(s)]) - m for s, m in zip(SIZES, means, strict=True)
                ],
                "arrayminus": [
                    m - 100 * min(rows[name][str(s)]) for s, m in zip(SIZES, means, strict=True)
                ],
            },
        )
    figure.update_layout(
        template="simple_white",
        width=760,
        height=420,
        font={"size": 14},
        legend={"x": 0.6, "y": 0.1},
        xaxis={"type": "log", "title": "labels for each class", "tickvals": list(SIZES)},
        yaxis={"title": "right in 100 unseen digits (whiskers: three seeds)"},
    )
    with sync_playwright() as play:
        browser = play.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(viewport={"width": 780, "height": 440})
        page.set_content(figure.to_html(include_plotlyjs=True, config={"displayModeBar": False}))
        page.wait_for_selector(".plot-container")
        page.wait_for_timeout(500)
        page.screenshot(path=target)
        browser.close()


if __name__ == "__main__":
    quiet_libraries()
    rows: dict[str, dict[str, list[float]]] = {
        name: {str(size): [] for size in SIZES} for name in STRATEGIES
    }
    with tempfile.TemporaryDirectory() as place:
        for size in SIZES:
            for seed in range(SEEDS):
                version = write_digits(Path(place) / f"{size}-{seed}", size, seed)
                for name in STRATEGIES:
                    rows[name][str(size)].append(
                        round(accuracy(version, name, size, seed, Path(place)), 4)
                    )
                sys.stderr.write(
                    f"{size} labels, seed {seed}: "
                    f"{ {name: rows[name][str(size)][-1] for name in STRATEGIES} }\n"
                )
    write_result(
        "transfer_curve",
        {"machine": machine(), "test_digits": 10 * TEST, "seeds": SEEDS, "accuracy": rows},
    )
    if shutil.which("chromium"):
        plot(rows, ROOT / "docs" / "screenshots" / "transfer.png")
