"""Several labels an item: `python benchmarks/emotions.py FOLDER [--table]`.

FOLDER holds `train.csv` and `test.csv` of short comments with one or more of 28 emotions (a subset
of GoEmotions, Apache-2.0). Ours: the baseline without transfer, a probe and two fine-tunings of the
text starter. Beside them a bare PyTorch loop, and scikit-learn alone: a logistic regression for
each label on the starter's very features and on TF-IDF; their thresholds come from scikit-learn's
precision-recall curve on the same validation rows. Each is a file of its own below results/emotions
and is not measured twice.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from common import RESULTS, machine, open_data, write_result
from numpy.typing import NDArray
from plain_labels import tuned
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, f1_score, precision_recall_curve

from tl_core.backbones.load import load_backbone
from tl_core.backbones.sources.reference import parse_reference
from tl_core.backbones.sources.resolve import resolve_folder
from tl_core.config import ProbeSettings, RunConfig
from tl_core.data.versions.store import DatasetVersion
from tl_core.log import quiet_libraries
from tl_core.progress import Progress
from tl_core.recipes import run_recipe
from tl_core.settings import read_settings
from tl_core.train.probe.probing import Reading

CELLS = RESULTS / "emotions"
STARTER = "starter:text"
LOOP = "plain loop, cross-entropy"
OURS: dict[str, tuple[str, dict[str, object]]] = {
    "no transfer (TF-IDF)": ("baseline", {}),
    "probe": ("probe", {"repeats": 0}),
    "probe, then fine-tune": ("finetune", {"strategy": "lpft", "baseline": False}),
    "full fine-tuning": ("finetune", {"strategy": "full", "baseline": False}),
    "full fine-tuning, asymmetric loss": (
        "finetune",
        {"strategy": "full", "loss": "asymmetric", "baseline": False},
    ),
}
_STRENGTHS = (0.1, 1.0, 10.0)  # of the plain classifiers, chosen on the validation rows
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def ours(name: str, version: DatasetVersion, home: Path) -> dict[str, object]:
    """Scores of one recipe."""
    recipe, options = OURS[name]
    backbone = "" if recipe == "baseline" else STARTER
    folder = Path(tempfile.mkdtemp(dir=home))
    config = RunConfig("train", "local", "d@1", str(version.folder), backbone, recipe, options)
    started = time.perf_counter()
    report = run_recipe(config, version, folder, home / "cache", Progress())
    test = report["test"]
    return {
        "seconds": round(time.perf_counter() - started),
        **{
            key: {end: round(test[key][end], 4) for end in ("value", "low", "high")}
            for key in ("macro_f1", "micro_f1", "exact_match")
        },
        "map": round(test["map"]["value"], 4),
        "against": report["against_baseline"],
    }


def plain(version: DatasetVersion, features: dict[str, Floats]) -> dict[str, object]:
    """A logistic regression for each label by scikit-learn alone."""
    targets = {split: version.targets[version.rows_of(split)] for split in features}
    best: tuple[float, float, Floats, Floats] | None = None
    for strength in _STRENGTHS:
        said = {split: np.zeros(targets[split].shape) for split in ("validation", "test")}
        for label in range(targets["train"].shape[1]):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                model = LogisticRegression(C=strength, max_iter=1000)
                model.fit(features["train"], targets["train"][:, label])
            for split in said:
                said[split][:, label] = model.predict_proba(features[split])[:, 1]
        held, eps = said["validation"].clip(1e-7, 1 - 1e-7), targets["validation"]
        loss = float(-np.where(eps > 0, np.log(held), np.log(1 - held)).mean())
        if best is None or loss < best[0]:
            best = loss, strength, said["validation"], said["test"]
    assert best is not None
    _, strength, held, asked = best
    return {"c": strength, **judged(targets, held, asked)}


def judged(targets: dict[str, Ints], held: Floats, asked: Floats) -> dict[str, object]:
    """scikit-learn's scores of the test comments, with thresholds from the validation comments."""
    at = np.array(
        [_threshold(targets["validation"][:, n], held[:, n]) for n in range(held.shape[1])]
    )
    answers = (asked >= at).astype(int)
    return {
        "macro_f1": round(f1_score(targets["test"], answers, average="macro", zero_division=0), 4),
        "micro_f1": round(f1_score(targets["test"], answers, average="micro"), 4),
        "map": round(average_precision_score(targets["test"], asked, average="macro"), 4),
    }


def _threshold(truth: Ints, said: Floats) -> float:
    """Where F1 is best on the validation rows, by scikit-learn's curve."""
    if truth.sum() < 5:
        return 0.25
    precision, recall, at = precision_recall_curve(truth, said)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    return float(at[int(np.argmax(f1[:-1]))])


def starter_features(version: DatasetVersion, home: Path) -> dict[str, Floats]:
    """What the text starter makes of each split, scaled as a whole."""
    rows = {split: version.rows_of(split) for split in ("train", "validation", "test")}
    backbone = load_backbone(STARTER, version.info.labels, read_settings(), pooling="auto")
    reading = Reading(ProbeSettings(), version, rows, backbone, home / "cache")
    whole = np.asarray(reading.read_all(Progress()), dtype=np.float64)
    parts = np.split(whole, np.cumsum([len(some) for some in rows.values()])[:-1])
    shift, scale = parts[0].mean(), parts[0].std()
    return {split: (part - shift) / scale for split, part in zip(rows, parts, strict=True)}


def word_features(version: DatasetVersion, home: Path) -> dict[str, Floats]:
    """TF-IDF of words and pairs of words."""
    del home
    texts = {
        split: version.texts(version.rows_of(split)) for split in ("train", "validation", "test")
    }
    vectors = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    train = vectors.fit_transform(texts.pop("train"))
    return {"train": train, **{split: vectors.transform(some) for split, some in texts.items()}}


def loop(version: DatasetVersion) -> dict[str, object]:
    """The starter fine-tuned by a bare loop."""
    rows = {split: version.rows_of(split) for split in ("train", "validation", "test")}
    folder = resolve_folder(parse_reference(STARTER), read_settings())
    targets = {split: version.targets[some] for split, some in rows.items()}
    started = time.perf_counter()
    said = tuned(
        folder, {split: version.texts(some) for split, some in rows.items()}, targets["train"]
    )
    seconds = round(time.perf_counter() - started)
    return {"seconds": seconds, **judged(targets, said["validation"], said["test"])}


PLAIN: dict[str, Callable[[DatasetVersion, Path], dict[str, Floats]]] = {
    "scikit-learn on the starter's features": starter_features,
    "scikit-learn on TF-IDF": word_features,
}


def main(data: Path) -> None:
    """Every cell that is not measured yet, then the table."""
    CELLS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        version = open_data(data, Path(place) / "v")
        assert version.info.task == "multi_label", version.info.task
        for name in (*PLAIN, LOOP, *OURS):
            file = CELLS / (re.sub("[,']", "", name).replace(" ", "-") + ".json")
            if file.exists():
                continue
            home = Path(place)
            if name == LOOP:
                cell = loop(version)
            elif name in OURS:
                cell = ours(name, version, home)
            else:
                cell = plain(version, PLAIN[name](version, home))
            file.write_text(
                json.dumps({"name": name, "machine": machine(), **cell}, indent=1) + "\n"
            )
            sys.stderr.write(f"{name}: {cell}\n")
    table()


def table() -> None:
    """All cells together."""
    cells = [json.loads(path.read_text()) for path in sorted(CELLS.glob("*.json"))]
    missing = sorted({*OURS, *PLAIN, LOOP} - {cell["name"] for cell in cells})
    write_result(
        "emotions",
        {"data": "GoEmotions subset, 6,000 and 2,000 comments", "cells": cells, "missing": missing},
    )


if __name__ == "__main__":
    quiet_libraries()
    if "--table" in sys.argv:
        table()
    else:
        main(Path(sys.argv[1]).resolve())
