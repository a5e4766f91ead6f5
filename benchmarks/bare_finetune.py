"""The alternatives that fine-tuning is measured against, each in a process of its own; prints one
JSON object.

`bare_finetune.py bare-text DATA MODEL`: a bare loop with length buckets, fused AdamW, a tenth
judged, and bf16 steps where the processor has them (emulated ones take ten times as long).
`bare_finetune.py plain-text DATA MODEL`: Hugging Face's Trainer, every text padded to 128 tokens,
float32. `bare_finetune.py plain-images DATA MODEL`: the same with PIL transforms in two loader
workers.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from transformers import (
    AutoImageProcessor,
    AutoModel,
    AutoModelForImageClassification,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    BaseImageProcessor,
    Trainer,
    TrainingArguments,
)

from tl_core.machine import has_bf16

BATCH, LR, FAST_BF16 = 32, 1e-4, has_bf16()


class MeanClassifier(torch.nn.Module):
    """An encoder, the mean over its tokens, a Linear."""

    def __init__(self, folder: Path, classes: int) -> None:
        super().__init__()
        self.encoder = AutoModel.from_pretrained(folder, dtype=torch.float32)
        self.head = torch.nn.Linear(self.encoder.config.hidden_size, classes)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=self.training and FAST_BF16):
            hidden = self.encoder(input_ids=ids, attention_mask=mask).last_hidden_state.float()
        weights = mask.unsqueeze(-1).float()
        return self.head((hidden * weights).sum(1) / weights.sum(1))


def read_texts(folder: Path) -> tuple[list[str], np.ndarray, list[str], np.ndarray]:
    """Training and test texts with their class numbers."""
    parts = [
        pd.read_csv(folder / f"{name}.csv", dtype=str, keep_default_na=False)
        for name in ("train", "test")
    ]
    names = sorted(parts[0].label.unique())
    (one, first), (two, second) = (
        (list(p.text), p.label.map(names.index).to_numpy(np.int64)) for p in parts
    )
    return one, first, two, second


def bare_text(data: Path, folder: Path, epochs: int) -> dict[str, float]:
    """The bare loop."""
    texts, labels, held, truth = read_texts(data)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    torch.manual_seed(0)
    model, random = MeanClassifier(folder, labels.max() + 1), np.random.default_rng(0)
    ids = tokenizer(texts)["input_ids"]
    aside = random.permutation(len(ids))
    judged, learnt = (
        aside[: len(ids) // 10],
        aside[len(ids) // 10 :],
    )  # a tenth judges after each epoch, as in ours
    optimizer = torch.optim.AdamW(model.parameters(), lr=LR, fused=True)
    total = epochs * -(-len(learnt) // BATCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1, 10 * step / total) * (1 - step / total)
    )

    def pad(some: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        longest = max(len(row) for row in some)
        out, mask = (torch.zeros((len(some), longest), dtype=torch.long) for _ in range(2))
        for number, row in enumerate(some):
            out[number, : len(row)], mask[number, : len(row)] = torch.tensor(row), 1
        return out, mask

    def count_right(rows: list[list[int]], classes: np.ndarray) -> int:
        model.eval()
        order = sorted(range(len(rows)), key=lambda place: len(rows[place]))
        with torch.inference_mode():
            return sum(
                int((model(*pad([rows[i] for i in some])).argmax(1).numpy() == classes[some]).sum())
                for some in (order[i : i + 2 * BATCH] for i in range(0, len(order), 2 * BATCH))
            )

    seconds = 0.0
    for _ in range(epochs):
        order = random.permutation(learnt)
        order = np.concatenate(
            [
                sorted(order[i : i + 1600], key=lambda place: -len(ids[place]))
                for i in range(0, len(order), 1600)
            ]
        )
        batches = [order[i : i + BATCH] for i in range(0, len(order), BATCH)]
        random.shuffle(batches)
        model.train()
        started = time.perf_counter()
        for batch in batches:
            loss = torch.nn.functional.cross_entropy(
                model(*pad([ids[i] for i in batch])), torch.from_numpy(labels[batch])
            )
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
        count_right([ids[i] for i in judged], labels[judged])
        seconds += time.perf_counter() - started
    right = count_right(tokenizer(held)["input_ids"], truth)
    return {"items_per_second": epochs * len(learnt) / seconds, "accuracy": right / len(truth)}


def plain_text(data: Path, folder: Path, epochs: int) -> dict[str, float]:
    """The plain Trainer."""
    texts, labels, held, truth = read_texts(data)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(
        folder, num_labels=int(labels.max() + 1), dtype=torch.float32
    )

    def rows(some: list[str], classes: np.ndarray) -> list[dict[str, object]]:
        encoded = tokenizer(some, padding="max_length", truncation=True, max_length=128)
        return [
            {
                "input_ids": encoded["input_ids"][i],
                "attention_mask": encoded["attention_mask"][i],
                "labels": int(classes[i]),
            }
            for i in range(len(some))
        ]

    trainer = Trainer(model=model, args=arguments(epochs), train_dataset=rows(texts, labels))
    started = time.perf_counter()
    trainer.train()
    seconds = time.perf_counter() - started
    predicted = trainer.predict(rows(held, truth)).predictions.argmax(axis=1)
    return {
        "items_per_second": epochs * len(texts) / seconds,
        "accuracy": float((predicted == truth).mean()),
    }


def arguments(epochs: int, workers: int = 0) -> TrainingArguments:
    """What the nearest product sets: linear schedule, warm-up, AdamW, no reports."""
    return TrainingArguments(
        output_dir=tempfile.mkdtemp(),
        per_device_train_batch_size=BATCH,
        num_train_epochs=epochs,
        learning_rate=LR,
        warmup_steps=0.1,
        report_to="none",
        disable_tqdm=True,
        use_cpu=True,
        save_strategy="no",
        logging_strategy="no",
        remove_unused_columns=False,
        dataloader_num_workers=workers,
    )


class Photos(torch.utils.data.Dataset):
    """Photos of class folders, opened and varied by PIL each time."""

    def __init__(self, folder: Path, processor: BaseImageProcessor, *, vary: bool) -> None:
        from torchvision import transforms

        self.names = sorted(path.name for path in folder.iterdir() if path.is_dir())
        self.items = [
            (path, number)
            for number, name in enumerate(self.names)
            for path in sorted((folder / name).iterdir())
        ]
        size = (
            processor.crop_size["height"]
            if getattr(processor, "do_center_crop", False)
            else processor.size.get("height", 224)
        )
        pick = (
            [
                transforms.RandomResizedCrop(size, (0.4, 1.0)),
                transforms.RandomHorizontalFlip(),
                transforms.ColorJitter(0.2, 0.2, 0.2),
            ]
            if vary
            else [transforms.Resize(int(size * 1.15)), transforms.CenterCrop(size)]
        )
        self.change = transforms.Compose(
            [
                *pick,
                transforms.ToTensor(),
                transforms.Normalize(processor.image_mean, processor.image_std),
            ]
        )

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, place: int) -> dict[str, object]:
        from PIL import Image

        path, label = self.items[place]
        return {"pixel_values": self.change(Image.open(path).convert("RGB")), "labels": label}


def plain_images(data: Path, folder: Path, epochs: int) -> dict[str, float]:
    """The plain Trainer on photos."""
    processor = AutoImageProcessor.from_pretrained(folder)
    train, held = (
        Photos(data / "train", processor, vary=True),
        Photos(data / "val", processor, vary=False),
    )
    model = AutoModelForImageClassification.from_pretrained(
        folder, num_labels=len(train.names), dtype=torch.float32
    )
    trainer = Trainer(model=model, args=arguments(epochs, workers=2), train_dataset=train)
    started = time.perf_counter()
    trainer.train()
    seconds = time.perf_counter() - started
    output = trainer.predict(held)
    return {
        "items_per_second": epochs * len(train) / seconds,
        "accuracy": float((output.predictions.argmax(axis=1) == output.label_ids).mean()),
    }


if __name__ == "__main__":
    from tl_core.log import quiet_libraries

    quiet_libraries()
    work = {"bare-text": bare_text, "plain-text": plain_text, "plain-images": plain_images}[
        sys.argv[1]
    ]
    sys.stdout.write(
        json.dumps(work(Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]))) + "\n"
    )
