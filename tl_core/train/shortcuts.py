"""Can the class be guessed from what should not matter: size, light, borders, file format; length,
signs?

A model takes the easiest way to its label. When these facts alone predict it, a high score may mean
that it has learnt them (shortcut learning, Geirhos et al., Nature Machine Intelligence 2020).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypedDict

import numpy as np

from tl_core.data.versions.store import DatasetVersion
from tl_core.json_files import write_json
from tl_core.modalities import items_of
from tl_core.train.arrays import Floats, Ints
from tl_core.train.items.item_training import training_of

_FILE = "shortcuts.json"
_ROWS = 2000  # looked at; a shortcut that so few do not show is a weak one
_FOLDS = 5
_GAIN = 0.1  # accuracy above always naming the commonest class from which it is worth a warning
_Z = 1.959963984540054


class Shortcut(TypedDict):
    """How well a group of facts alone gives the class away.

    `facts` is its name; `chance` the accuracy of always naming the commonest class; `low` the lower
    end of the 95 % interval of the gain over it, paired over rows; `telling` whether that is worth
    a warning.
    """

    facts: str
    accuracy: float
    chance: float
    low: float
    n: int
    telling: bool
    sentence: str


def known_shortcuts(folder: Path) -> list[Shortcut] | None:
    """What was found in the version in `folder` before; None when nobody has looked."""
    path = folder / _FILE
    return list(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else None


def look_for_shortcuts(version: DatasetVersion) -> list[Shortcut]:
    """`find_shortcuts`, kept beside the version, which never changes."""
    shortcuts = known_shortcuts(version.folder)
    if shortcuts is None:
        shortcuts = find_shortcuts(version)
        write_json(version.folder / _FILE, shortcuts)
    return shortcuts


def find_shortcuts(version: DatasetVersion, seed: int = 0) -> list[Shortcut]:
    """How well each group of nuisance facts alone predicts the class of training and validation
    rows.

    A random forest is judged by cross-validation that never tears groups of rows apart.

    Returns:
        One for each group, the most telling first; empty when there are too few rows to judge.
    """
    rows = version.rows_of("train", "validation")
    rows = rows[version.labels[rows] >= 0]
    if len(rows) > _ROWS:
        rows = np.sort(np.random.default_rng(seed).choice(rows, _ROWS, replace=False))
    labels, groups = version.labels[rows], version.groups[rows]
    known, counts = np.unique(labels, return_counts=True)
    keep = np.isin(labels, known[counts >= _FOLDS])
    rows, labels, groups = rows[keep], labels[keep], groups[keep]
    if len(rows) < 10 * _FOLDS or len(np.unique(labels)) < 2:
        return []
    modality = version.info.modality
    shortcuts = [
        _judge(name, facts, labels, groups, seed, items_of(modality))
        for name, facts in training_of(modality).nuisances(version, rows).items()
        if len(np.unique(facts, axis=0)) > 1
    ]
    return sorted(shortcuts, key=lambda part: -part["accuracy"])


def _judge(name: str, facts: Floats, labels: Ints, groups: Ints, seed: int, noun: str) -> Shortcut:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import StratifiedGroupKFold

    correct, guessed = np.zeros(len(labels), dtype=bool), np.zeros(len(labels), dtype=bool)
    folds = StratifiedGroupKFold(_FOLDS, shuffle=True, random_state=seed)
    for train, held in folds.split(facts, labels, groups):
        model = RandomForestClassifier(60, min_samples_leaf=3, random_state=seed).fit(
            facts[train], labels[train]
        )
        correct[held] = model.predict(facts[held]) == labels[held]
        guessed[held] = labels[held] == np.bincount(labels[train]).argmax()
    gain = correct.astype(np.float64) - guessed
    low = float(gain.mean() - _Z * gain.std(ddof=1) / np.sqrt(len(gain)))
    accuracy, chance = float(correct.mean()), float(guessed.mean())
    return {
        "facts": name,
        "accuracy": accuracy,
        "chance": chance,
        "low": low,
        "n": len(labels),
        "telling": low > 0 and accuracy - chance >= _GAIN,
        "sentence": (
            f"From {name} alone the class is guessed right {100 * accuracy:.0f} times in 100 on"
            f" {noun} not seen; always naming the commonest gives {100 * chance:.0f}."
        ),
    }
