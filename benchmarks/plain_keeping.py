"""The plainest ways to keep a pretraining, a loop that knows nothing of this project:
`python benchmarks/plain_keeping.py DATA_FOLDER MODEL_FOLDER [--table]`.

What `towards_source.py` is compared with, on its own draws of 20 sketches a class (PACS, below
DATA_FOLDER); MODEL_FOLDER is the starter for photos. Pictures of 128 pixels, a random classifier,
AdamW, one cycle of 20 epochs from 1e-3, batches of 32, batch statistics as they come. Nothing is
chosen. Strengths are those of the papers, written down anew from them:

- BSS: .001 times the smallest squared singular value of a batch's features;
- DELTA: .01 / 2 times the squared distance of the feature maps behind each stage, summed over the
  batch and the channels, averaged over positions;
- Co-Tuning: 2.3 times the cross-entropy of the pretraining's classes, whose classifier learns, too;
- LwF: 4 times the divergence from what the pretrained network says, at temperature 2.
"""

from __future__ import annotations

import copy
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from arena_tasks import write
from common import RESULTS, machine, write_result
from domains import spread
from plain_loop import BATCH, DECAY, photo_model, photos, vary
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional
from towards_source import draw

CELLS = RESULTS / "plain_keeping"
LABELS, SIZE, EPOCHS, RATE, SEEDS = 20, 128, 20, 1e-3, 3
WAYS = ("plain", "BSS", "DELTA", "Co-Tuning", "LwF")
Split = tuple[Tensor, Tensor]


class Watched:
    """A network with its stages' maps and the input of its classifier of the newest pass."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model.to(memory_format=torch.channels_last)
        network = model[0] if isinstance(model, nn.Sequential) else model
        self.maps: dict[int, Tensor] = {}
        self.features = torch.zeros(0)
        for number, stage in enumerate(network.blocks):
            stage.register_forward_hook(self._note(number))
        network.get_classifier().register_forward_pre_hook(self._read)

    def _note(self, number: int):  # type: ignore[no-untyped-def]  # noqa: ANN202
        def note(_module: nn.Module, _given: object, out: Tensor) -> None:
            self.maps[number] = out

        return note

    def _read(self, _module: nn.Module, given: tuple[Tensor]) -> None:
        self.features = given[0]


class Kept:
    """What is added to the loss of the classes.

    Args:
        way: a name of `WAYS`.
        now: the network that learns.
        folder: of the pretrained one.
        train: pixels and classes that are learnt from.
    """

    def __init__(self, way: str, now: Watched, folder: Path, train: Split) -> None:
        self.way, self.now = way, now
        self.then = Watched(photo_model(folder, int(train[1].max()) + 1))
        self.then.model.eval().requires_grad_(False)
        weights = load_file(folder / "model.safetensors")
        self.source = nn.Linear(weights["classifier.weight"].shape[1], 1000)
        self.source.load_state_dict(
            {"weight": weights["classifier.weight"], "bias": weights["classifier.bias"]}
        )
        self.frozen = copy.deepcopy(self.source).requires_grad_(False)
        with torch.inference_mode():
            self.then.model(train[0])
            said = self.frozen(self.then.features).softmax(1)
        labels = range(int(train[1].max()) + 1)
        self.mixtures = torch.stack([said[train[1] == label].mean(0) for label in labels]).clone()

    def __call__(self, pixels: Tensor, labels: Tensor) -> Tensor | float:
        """Of the batch that the network has just seen."""
        if self.way == "BSS":
            return 0.001 * torch.linalg.svdvals(self.now.features)[-1] ** 2
        if self.way == "Co-Tuning":
            logs = self.source(self.now.features).log_softmax(1)
            return 2.3 * -(self.mixtures[labels] * logs).sum(1).mean()
        if self.way == "plain":
            return 0.0
        with torch.no_grad():
            self.then.model(pixels)
        if self.way == "DELTA":
            apart = [
                ((now - self.then.maps[number]) ** 2).mean((2, 3)).sum()
                for number, now in self.now.maps.items()
            ]
            return 0.01 / 2 * torch.stack(apart).sum()
        before = (self.frozen(self.then.features) / 2).softmax(1)
        logs = (self.source(self.now.features) / 2).log_softmax(1)
        return 4 * functional.kl_div(logs, before, reduction="batchmean")


def train(folder: Path, way: str, splits: dict[str, Split], seed: int) -> float:
    """Accuracy on the test sketches."""
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    pixels, labels = splits["train"]
    now = Watched(photo_model(folder, int(labels.max()) + 1))
    kept = Kept(way, now, folder, (pixels, labels))
    moving = [*now.model.parameters(), *kept.source.parameters()]
    optimizer = torch.optim.AdamW(moving, lr=RATE, weight_decay=DECAY)
    steps = len(labels) // BATCH
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=EPOCHS * steps)
    for _ in range(EPOCHS):
        now.model.train()
        order = random.permutation(len(labels))
        for step in range(steps):
            rows = order[step * BATCH :][:BATCH]
            seen = vary(pixels[rows], random).contiguous(memory_format=torch.channels_last)
            loss = functional.cross_entropy(now.model(seen), labels[rows])
            optimizer.zero_grad()
            (loss + kept(seen, labels[rows])).backward()
            optimizer.step()
            cycle.step()
    now.model.eval()
    with torch.inference_mode():
        said = now.model(splits["test"][0]).argmax(1)
    return float((said == splits["test"][1]).float().mean())


def path_of(way: str, seed: int) -> Path:
    """Where a cell is kept."""
    return CELLS / f"{way}-{seed}.json"


def table() -> dict[str, object]:
    """Every way that was measured, what it gains on the plain one, and what is missing."""
    cells = {
        way: {
            seed: 100 * float(json.loads(path_of(way, seed).read_text())["accuracy"])
            for seed in range(SEEDS)
            if path_of(way, seed).exists()
        }
        for way in WAYS
    }
    rows: dict[str, object] = {}
    for way, own in cells.items():
        both = sorted(own.keys() & cells["plain"].keys())
        if both:
            gaps = [own[seed] - cells["plain"][seed] for seed in both]
            rows[way] = {
                "accuracy": spread([one / 100 for one in own.values()]),
                "gain": spread([one / 100 for one in gaps]) if way != "plain" else None,
            }
    missing = [
        path_of(way, seed).stem for seed in range(SEEDS) for way in WAYS if seed not in cells[way]
    ]
    return {"rows": rows, "missing": missing}


def main(data: Path, folder: Path, *, only_table: bool = False) -> None:
    """All cells that are missing, unless `only_table`, then the table."""
    CELLS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as staging:
        for seed in () if only_table else range(SEEDS):
            place = Path(staging) / str(seed)
            sketches = write("pacs sketch", data, Path(staging) / "all")
            splits = photos(draw(sketches, LABELS, seed, place), SIZE)
            for way in WAYS:
                if path_of(way, seed).exists():
                    continue
                right = round(train(folder, way, splits, seed), 4)
                path_of(way, seed).write_text(json.dumps({"accuracy": right}) + "\n")
                print(way, seed, right, flush=True)
    write_result("plain_keeping", {"machine": machine(), **table()})


if __name__ == "__main__":
    words = [word for word in sys.argv[1:] if word != "--table"]
    main(*(Path(word).resolve() for word in words), only_table="--table" in sys.argv)
