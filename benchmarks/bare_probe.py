"""The script that a practitioner would write by hand: the same forward passes, C grid and fit,
nothing else.

`python benchmarks/bare_probe.py text|image DATA MODEL`; prints the test accuracy. It is the
yardstick of `probe_speed.py`, so it is kept plain and is given the good habits that cost nothing:
texts in batches of like length, no gradients, warm starts.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold, train_test_split
from transformers import AutoImageProcessor, AutoModel, AutoTokenizer

C_VALUES = (1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0, 1e1)
BATCH = 32


def embed_texts(texts: list[str], folder: str) -> np.ndarray:
    """Mean-pooled last hidden states."""
    tokenizer, model = (
        AutoTokenizer.from_pretrained(folder),
        AutoModel.from_pretrained(folder).eval(),
    )
    order = np.argsort([-len(text) for text in texts])
    out = np.zeros((len(texts), model.config.hidden_size), dtype=np.float32)
    with torch.inference_mode():
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            batch = tokenizer(
                [texts[i] for i in rows],
                padding=True,
                truncation=True,
                max_length=256,
                return_tensors="pt",
            )
            mask = batch["attention_mask"].unsqueeze(-1)
            out[rows] = ((model(**batch).last_hidden_state * mask).sum(1) / mask.sum(1)).numpy()
    return out


def embed_images(paths: list[Path], folder: str) -> np.ndarray:
    """Pooled features of an image network."""
    processor, model = (
        AutoImageProcessor.from_pretrained(folder),
        AutoModel.from_pretrained(folder).eval(),
    )
    out = []
    with torch.inference_mode():
        for start in range(0, len(paths), BATCH):
            pictures = [Image.open(path).convert("RGB") for path in paths[start : start + BATCH]]
            out.append(
                model(**processor(pictures, return_tensors="pt")).pooler_output.flatten(1).numpy()
            )
    return np.concatenate(out)


def fit(x: np.ndarray, y: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Choose C on held-out rows (five folds for small sets), fit, predict."""
    shift, scale = x.mean(), x.std()
    x, test = (x - shift) / scale, (test - shift) / scale
    if len(y) < 1000:
        parts = list(StratifiedKFold(5, shuffle=True, random_state=0).split(x, y))
    else:
        parts = [
            tuple(train_test_split(np.arange(len(y)), test_size=0.1, stratify=y, random_state=0))
        ]
    losses = {}
    models = [LogisticRegression(max_iter=300, warm_start=True) for _ in parts]
    for c in C_VALUES:
        losses[c] = 0.0
        for model, (train, held) in zip(models, parts, strict=True):
            model.set_params(C=c).fit(x[train], y[train])
            losses[c] += log_loss(y[held], model.predict_proba(x[held]), labels=model.classes_)
    best = min(losses, key=losses.get)
    return LogisticRegression(C=best, max_iter=300).fit(x, y).predict(test)


def main(kind: str, data: Path, folder: str) -> None:
    """Read, embed, fit, score."""
    if kind == "text":
        tables = [list(csv.DictReader((data / name).open())) for name in ("train.csv", "test.csv")]
        inputs = [row["text"] for table in tables for row in table]
        labels = [row["label"] for table in tables for row in table]
        features = embed_texts(inputs, folder)
    else:
        tables = [sorted((data / name).glob("*/*")) for name in ("train", "val")]
        paths = [path for table in tables for path in table]
        labels, features = [path.parent.name for path in paths], embed_images(paths, folder)
    count, y = len(tables[0]), np.unique(labels, return_inverse=True)[1]
    print(float((fit(features[:count], y[:count], features[count:]) == y[count:]).mean()))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
