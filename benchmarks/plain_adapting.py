"""The plainest adaptation of a network from photos to sketches, a loop that knows nothing of this
project: `python benchmarks/plain_adapting.py PACS_FOLDER MODEL_FOLDER [--table]`.

What `domain_networks.py` is compared with. PACS_FOLDER holds photo and sketch, MODEL_FOLDER is the
starter for photos as transformers reads it. Four fifths of the photos are learnt from, half of the
sketches are read without their classes, the other half judges; three seeds with draws of their own.
Pictures of 96 pixels, AdamW, one cycle of 12 epochs from 1e-3, batches of 32 photos beside 32
sketches. Nothing is chosen. Statistics of the batch normalisation are

- frozen: those of the pretraining;
- joint: of photos and sketches in one batch, as in the reference implementations;
- apart: of each alone, and in the end those of the sketches.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import numpy as np
import torch
from common import RESULTS, machine, write_result
from domains import spread
from plain_loop import BATCH, DECAY, photo_model, pixels_of, vary
from torch import Tensor, nn
from torch.nn import functional

CELLS = RESULTS / "plain_adapting"
SIZE, EPOCHS, RATE, SEEDS = 96, 12, 1e-3, 3
LOSSES, STATISTICS = ("none", "mcc", "deep_coral", "dann"), ("frozen", "apart", "joint")
WAYS = [(loss, kind) for loss in LOSSES for kind in STATISTICS if (loss, kind) != ("none", "joint")]
Domain = tuple[Tensor, Tensor]


def read(place: Path) -> Domain:
    """Pixels and class numbers of a domain, whose folders are classes."""
    files = [path for folder in sorted(place.iterdir()) for path in sorted(folder.iterdir())]
    names = sorted({path.parent.name for path in files})
    pixels = torch.stack([pixels_of(path, SIZE) for path in files])
    return pixels, torch.tensor([names.index(path.parent.name) for path in files])


class Turned(torch.autograd.Function):
    """Gradient reversal."""

    @staticmethod
    def forward(ctx, values: Tensor, scale: float) -> Tensor:  # type: ignore[no-untyped-def]  # noqa: ANN001
        ctx.scale = scale
        return values.clone()

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[Tensor, None]:  # type: ignore[no-untyped-def]  # noqa: ANN001
        return -ctx.scale * gradient, None


def confusion(logits: Tensor) -> Tensor:
    """Minimum class confusion, temperature 2.5 (Jin et al., 2020)."""
    shares = (logits / 2.5).softmax(1)
    certainty = 1 + torch.exp((shares * torch.log(shares + 1e-5)).sum(1))
    certainty = (certainty / certainty.sum() * len(shares)).detach()
    pairs = torch.einsum("n,ni,nj->ij", certainty, shares, shares)
    pairs = pairs / pairs.sum(1, keepdim=True)
    return (pairs.sum() - pairs.diagonal().sum()) / shares.shape[1]


def correlations(here: Tensor, there: Tensor) -> Tensor:
    """DeepCORAL (Sun and Saenko, 2016), times the width, since the paper's loss has a weight that
    makes it as large as that of the classes.
    """
    apart = torch.cov(here.T) - torch.cov(there.T)
    return (apart**2).sum() / (4 * here.shape[1])


class Adaptation:
    """What is added to the loss of the classes."""

    def __init__(self, kind: str, width: int) -> None:
        self.kind = kind
        self.judge = nn.Sequential(
            nn.Linear(width, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 1)
        )

    def __call__(self, here: Tensor, there: Tensor, logits: Tensor, share: float) -> Tensor:
        """Features of photos and sketches, answers about the sketches, share of the training."""
        if self.kind == "mcc":
            return confusion(logits)
        if self.kind == "deep_coral":
            return correlations(here, there)
        if self.kind == "dann":
            scale = 2 / (1 + math.exp(-10 * share)) - 1
            said = self.judge(Turned.apply(torch.cat([here, there]), scale)).squeeze(1)  # type: ignore[no-untyped-call]
            wanted = torch.cat([torch.ones(len(here)), torch.zeros(len(there))])
            return functional.binary_cross_entropy_with_logits(said, wanted)
        raise ValueError(self.kind)


class Study:
    """One draw: photos to learn from, sketches without classes, sketches that judge."""

    def __init__(self, photo: Domain, sketch: Domain, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        torch.manual_seed(seed)
        here = self.random.permutation(len(photo[1]))[: int(0.8 * len(photo[1]))]
        there = self.random.permutation(len(sketch[1]))
        half = len(there) // 2
        self.pixels, self.labels = photo[0][here], photo[1][here]
        self.unlabelled, self.judging = sketch[0][there[:half]], there[half:]
        self.sketch = sketch

    def train(self, folder: Path, loss: str, statistics: str) -> float:
        """Accuracy on the sketches that judge."""
        model = photo_model(folder, int(self.labels.max()) + 1)
        model = model.to(memory_format=torch.channels_last)
        seen: list[Tensor] = []
        head = [part for part in model.modules() if isinstance(part, nn.Linear)][-1]
        head.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
        norms = [part for part in model.modules() if isinstance(part, nn.BatchNorm2d)]
        added = Adaptation(loss, head.in_features)
        steps = len(self.labels) // BATCH
        optimizer = torch.optim.AdamW(
            [*model.parameters(), *added.judge.parameters()], lr=RATE, weight_decay=DECAY
        )
        cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=EPOCHS * steps)
        for step in range(EPOCHS * steps):
            model.train()
            for norm in norms:
                norm.train(statistics != "frozen")
            if step % steps == 0:
                order = self.random.permutation(len(self.labels))
            rows = order[step % steps * BATCH :][:BATCH]
            share = step / (EPOCHS * steps)
            said, extra = self._step(model, seen, added, rows, statistics, share)
            total = functional.cross_entropy(said, self.labels[rows]) + extra
            optimizer.zero_grad()
            total.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            cycle.step()
        if statistics == "apart":
            self._follow(model, norms)
        model.eval()
        with torch.inference_mode():
            logits = model(self.sketch[0][self.judging])
        return float((logits.argmax(1) == self.sketch[1][self.judging]).float().mean())

    def _step(
        self,
        model: nn.Module,
        seen: list[Tensor],
        added: Adaptation,
        rows: np.ndarray,
        statistics: str,
        share: float,
    ) -> tuple[Tensor, Tensor | float]:
        here = self._varied(self.pixels[rows])
        seen.clear()
        if added.kind == "none":
            return model(here), 0.0
        others = self.random.choice(len(self.unlabelled), BATCH, replace=False)
        there = self._varied(self.unlabelled[others])
        if statistics == "joint":
            said, about = model(torch.cat([here, there])).chunk(2)
            first, second = seen[0].chunk(2)
        else:
            said, about = model(here), model(there)
            first, second = seen
        return said, added(first, second, about, share)

    def _varied(self, pixels: Tensor) -> Tensor:
        return vary(pixels, self.random).contiguous(memory_format=torch.channels_last)

    def _follow(self, model: nn.Module, norms: list[nn.BatchNorm2d]) -> None:
        model.eval()
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None
            norm.train()
        with torch.inference_mode():
            model(self.unlabelled)


def path_of(loss: str, kind: str, seed: int) -> Path:
    """Where a cell is kept."""
    return CELLS / f"{loss}-{kind}-{seed}.json"


def measured(loss: str, kind: str) -> list[float]:
    """Accuracies of the seeds that were measured."""
    paths = [path_of(loss, kind, seed) for seed in range(SEEDS)]
    return [json.loads(path.read_text())["accuracy"] for path in paths if path.exists()]


def table() -> dict[str, object]:
    """Every way that was measured, and the cells that are missing."""
    rows = {f"{loss}, {kind}": spread(own) for loss, kind in WAYS if (own := measured(loss, kind))}
    missing = [
        path_of(loss, kind, seed).stem
        for seed in range(SEEDS)
        for loss, kind in WAYS
        if not path_of(loss, kind, seed).exists()
    ]
    return {"rows": rows, "missing": missing}


def main(place: Path, folder: Path, *, only_table: bool = False) -> None:
    """Every loss under every kind of statistics, which are two where nothing is added; a cell is a
    file below results/plain_adapting and is not measured twice.
    """
    CELLS.mkdir(parents=True, exist_ok=True)
    if not only_table:
        photo, sketch = read(place / "photo"), read(place / "sketch")
        for seed in range(SEEDS):
            for loss, kind in WAYS:
                path = path_of(loss, kind, seed)
                if path.exists():
                    continue
                right = round(Study(photo, sketch, seed).train(folder, loss, kind), 4)
                path.write_text(json.dumps({"accuracy": right}) + "\n")
                print(path.stem, right, flush=True)
    write_result("plain_adapting", {"machine": machine(), **table()})


if __name__ == "__main__":
    words = [word for word in sys.argv[1:] if word != "--table"]
    main(*(Path(word).resolve() for word in words), only_table="--table" in sys.argv)
