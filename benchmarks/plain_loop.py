"""The plainest fine-tuning: a PyTorch loop that knows nothing of this project; prints one JSON
object.

`python benchmarks/plain_loop.py PLACE MODEL_FOLDER LR EPOCHS SEED [SIZE]`: PLACE is a folder of
photos (train, val and test with class folders) or a table (text, label, split), as `arena_tasks.py`
writes them. AdamW, one cycle, batches of 32; photos are mirrored and cropped from a padded frame,
texts padded to the longest of the batch and averaged.
"""

from __future__ import annotations

import csv
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional

BATCH, DECAY = 32, 0.01


def pixels_of(path: Path, size: int) -> torch.Tensor:
    """The middle of a photo, from -1 to 1 (3, size, size)."""
    picture = Image.open(path).convert("RGB")
    scale = size / 0.875 / min(picture.size)
    picture = picture.resize(
        (round(picture.width * scale), round(picture.height * scale)), Image.Resampling.BICUBIC
    )
    left, top = (picture.width - size) // 2, (picture.height - size) // 2
    picture = picture.crop((left, top, left + size, top + size))
    return torch.from_numpy(np.asarray(picture).copy()).permute(2, 0, 1).float() / 127.5 - 1


def photos(place: Path, size: int) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Pixels from -1 to 1 (rows, 3, size, size) and class numbers of each split."""
    names = sorted(path.name for path in (place / "train").iterdir())
    splits = {}
    for split in ("train", "val", "test"):
        pixels, labels = [], []
        for number, name in enumerate(names):
            folder = place / split / name
            for path in sorted(folder.iterdir()) if folder.is_dir() else ():
                pixels.append(pixels_of(path, size))
                labels.append(number)
        splits[split] = torch.stack(pixels), torch.tensor(labels)
    return splits


def photo_model(folder: Path, classes: int) -> nn.Module:
    """The pretrained network with a fresh classifier."""
    config = json.loads((folder / "config.json").read_text())
    if "architecture" in config:
        import timm

        model = timm.create_model(config["architecture"], num_classes=classes)
        weights = load_file(folder / "model.safetensors")
        own = model.state_dict()
        model.load_state_dict(
            {k: v for k, v in weights.items() if k in own and v.shape == own[k].shape}, strict=False
        )
        return nn.Sequential(model)
    from transformers import AutoModelForImageClassification

    class Logits(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = AutoModelForImageClassification.from_pretrained(
                folder, num_labels=classes, ignore_mismatched_sizes=True, dtype=torch.float32
            )
            for part in self.inner.modules():
                if isinstance(part, nn.BatchNorm2d):
                    part.momentum = 0.1

        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            return self.inner(pixel_values=pixels).logits

    return Logits()


def vary(pixels: torch.Tensor, random: np.random.Generator) -> torch.Tensor:
    """Mirrored by chance, and cropped from a frame padded by an eighth."""
    flipped = torch.from_numpy(random.random(len(pixels)) < 0.5)
    pixels = torch.where(flipped[:, None, None, None], pixels.flip(-1), pixels)
    edge = pixels.shape[-1] // 8
    padded = functional.pad(pixels, (edge,) * 4, mode="reflect")
    top, left = random.integers(0, 2 * edge + 1, 2)
    return padded[..., top : top + pixels.shape[-2], left : left + pixels.shape[-1]]


class Reader(nn.Module):
    """A text encoder, the mean over its tokens, a Linear."""

    def __init__(self, folder: Path, classes: int) -> None:
        from transformers import AutoModel

        super().__init__()
        self.encoder = AutoModel.from_pretrained(folder, dtype=torch.float32)
        self.head = nn.Linear(self.encoder.config.hidden_size, classes)

    def forward(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        hidden = self.encoder(**batch).last_hidden_state
        weights = batch["attention_mask"].unsqueeze(-1).float()
        return self.head((hidden * weights).sum(1) / weights.sum(1))


def texts(place: Path) -> dict[str, tuple[list[str], torch.Tensor]]:
    """Texts and class numbers of each split."""
    with place.open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    names = sorted({row["label"] for row in rows if row["split"] == "train"})
    return {
        split: (
            [row["text"] for row in rows if row["split"] == split],
            torch.tensor([names.index(row["label"]) for row in rows if row["split"] == split]),
        )
        for split in ("train", "val", "test")
    }


class Scores(TypedDict):
    """One split: accuracy, by item 0 or 1 for right, and the mean log loss."""

    accuracy: float
    right: str
    log_loss: float


class TextTask:
    """Encoded texts of a table, and the network that reads them."""

    def __init__(self, place: Path, folder: Path) -> None:
        from transformers import AutoTokenizer

        self._data = texts(place)
        self._tokenizer = AutoTokenizer.from_pretrained(folder)
        self.labels = {split: labels for split, (_, labels) in self._data.items()}
        self.model: nn.Module = Reader(folder, int(self.labels["train"].max()) + 1)

    def take(self, split: str, rows: Sequence[int]) -> dict[str, torch.Tensor]:
        """Some rows of a split, padded to the longest of them."""
        return dict(
            self._tokenizer(
                [self._data[split][0][row] for row in rows],
                padding=True,
                truncation=True,
                max_length=256,
                return_tensors="pt",
                return_token_type_ids=False,
            )
        )

    def take_varied(
        self, split: str, rows: Sequence[int], _random: np.random.Generator
    ) -> dict[str, torch.Tensor]:
        """The same: texts are not varied."""
        return self.take(split, rows)


class PhotoTask:
    """Pixels of a folder of photos, and the network that reads them."""

    def __init__(self, place: Path, folder: Path, size: int) -> None:
        self._data = photos(place, size)
        self.labels = {split: labels for split, (_, labels) in self._data.items()}
        model = photo_model(folder, int(self.labels["train"].max()) + 1)
        self.model = model.to(memory_format=torch.channels_last)

    def take(self, split: str, rows: Sequence[int]) -> torch.Tensor:
        """Some rows of a split."""
        return self._data[split][0][rows].contiguous(memory_format=torch.channels_last)

    def take_varied(
        self, split: str, rows: Sequence[int], random: np.random.Generator
    ) -> torch.Tensor:
        """Some rows of a split, mirrored and cropped by chance."""
        pixels = vary(self._data[split][0][rows], random)
        return pixels.contiguous(memory_format=torch.channels_last)


def train(
    task: TextTask | PhotoTask, rate: float, epochs: int, random: np.random.Generator
) -> None:
    """AdamW over one cycle of the learning rate."""
    model, labels = task.model, task.labels["train"]
    steps = max(1, len(labels) // BATCH)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=DECAY)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=epochs * steps)
    for _ in range(epochs):
        model.train()
        order = random.permutation(len(labels))
        for step in range(steps):
            rows = order[step * BATCH : (step + 1) * BATCH]
            logits = model(task.take_varied("train", rows, random))
            loss = functional.cross_entropy(logits, labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            cycle.step()


def evaluate(task: TextTask | PhotoTask, split: str) -> Scores:
    """How the trained network does on a split."""
    task.model.eval()
    labels = task.labels[split]
    count = len(labels)
    with torch.inference_mode():
        logits = torch.cat(
            [
                task.model(task.take(split, list(range(start, min(start + 64, count)))))
                for start in range(0, count, 64)
            ]
        )
    right = (logits.argmax(1) == labels).tolist()
    return {
        "accuracy": round(float(np.mean(right)), 4),
        "right": "".join("01"[one] for one in right),
        "log_loss": round(float(functional.cross_entropy(logits, labels)), 4),
    }


def main(
    place: Path, folder: Path, rate: float, epochs: int, seed: int, size: int
) -> dict[str, object]:
    """Train once; validation and test accuracy, validation loss and seconds."""
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    is_text = place.suffix == ".csv"
    task = TextTask(place, folder) if is_text else PhotoTask(place, folder, size)
    started = time.perf_counter()
    train(task, rate, epochs, random)
    seconds = time.perf_counter() - started
    scores = {split: evaluate(task, split) for split in ("val", "test")}
    return {"seconds": round(seconds, 1), **scores}


if __name__ == "__main__":
    place, folder, rate, epochs, seed, *rest = sys.argv[1:]
    size = int(rest[0]) if rest else 192
    print(json.dumps(main(Path(place), Path(folder), float(rate), int(epochs), int(seed), size)))
