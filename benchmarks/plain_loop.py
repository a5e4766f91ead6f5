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
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional

BATCH, DECAY = 32, 0.01


def photos(place: Path, size: int) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Pixels from -1 to 1 (rows, 3, size, size) and class numbers of each split."""
    names, found = sorted(path.name for path in (place / "train").iterdir()), {}
    for split in ("train", "val", "test"):
        pixels, labels = [], []
        for number, name in enumerate(names):
            folder = place / split / name
            for path in sorted(folder.iterdir()) if folder.is_dir() else ():
                picture = Image.open(path).convert("RGB")
                scale = size / 0.875 / min(picture.size)
                picture = picture.resize(
                    (round(picture.width * scale), round(picture.height * scale)),
                    Image.Resampling.BICUBIC,
                )
                left, top = (picture.width - size) // 2, (picture.height - size) // 2
                picture = picture.crop((left, top, left + size, top + size))
                pixels.append(
                    torch.from_numpy(np.asarray(picture).copy()).permute(2, 0, 1).float() / 127.5
                    - 1
                )
                labels.append(number)
        found[split] = torch.stack(pixels), torch.tensor(labels)
    return found


def photo_model(folder: Path, classes: int) -> nn.Module:
    """The pretrained network with a fresh classifier."""
    config = json.loads((folder / "config.json").read_text())
    if "architecture" in config:
        import timm

        model: Any = timm.create_model(config["architecture"], num_classes=classes)
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


def main(
    place: Path, folder: Path, rate: float, epochs: int, seed: int, size: int
) -> dict[str, Any]:
    """Train once; validation and test accuracy, validation loss and seconds."""
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    is_text = place.suffix == ".csv"
    data: Any = texts(place) if is_text else photos(place, size)
    classes = int(data["train"][1].max()) + 1
    if is_text:
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(folder)
        model: nn.Module = Reader(folder, classes)
    else:
        model = photo_model(folder, classes).to(memory_format=torch.channels_last)

    def take(split: str, rows: Any, *, train: bool) -> Any:  # noqa: ANN401
        if is_text:
            return dict(
                tokenizer(
                    [data[split][0][row] for row in rows],
                    padding=True,
                    truncation=True,
                    max_length=256,
                    return_tensors="pt",
                    return_token_type_ids=False,
                )
            )
        pixels = data[split][0][rows]
        return (vary(pixels, random) if train else pixels).contiguous(
            memory_format=torch.channels_last
        )

    def say(split: str) -> torch.Tensor:
        model.eval()
        count = len(data[split][1])
        with torch.inference_mode():
            return torch.cat(
                [
                    model(take(split, list(range(start, min(start + 64, count))), train=False))
                    for start in range(0, count, 64)
                ]
            )

    labels = data["train"][1]
    steps = max(1, len(labels) // BATCH)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=DECAY)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=epochs * steps)
    started = time.perf_counter()
    for _ in range(epochs):
        model.train()
        order = random.permutation(len(labels))
        for step in range(steps):
            rows = order[step * BATCH : (step + 1) * BATCH]
            loss = functional.cross_entropy(model(take("train", rows, train=True)), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            cycle.step()
    seconds = time.perf_counter() - started
    found: dict[str, Any] = {"seconds": round(seconds, 1)}
    for split in ("val", "test"):
        logits = say(split)
        right = (logits.argmax(1) == data[split][1]).tolist()
        found[split] = {
            "accuracy": round(float(np.mean(right)), 4),
            "right": "".join("01"[one] for one in right),
            "log_loss": round(float(functional.cross_entropy(logits, data[split][1])), 4),
        }
    return found


if __name__ == "__main__":
    told = sys.argv[1:]
    print(
        json.dumps(
            main(
                Path(told[0]),
                Path(told[1]),
                float(told[2]),
                int(told[3]),
                int(told[4]),
                int(told[5]) if len(told) > 5 else 192,
            )
        )
    )
