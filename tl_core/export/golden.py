"""Golden examples: inputs with the probabilities that the model gave when it was exported.

They come from the built-in samples, so that nothing of the owner's data leaves with the model,
unless the owner says so.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple, TypedDict

import numpy as np
from numpy.typing import NDArray

from tl_core.backbones.classifier import Classifier
from tl_core.data.preparation import Preparation
from tl_core.data.versions.store import DatasetVersion
from tl_core.export.exported_items import Example, exported_items_of
from tl_core.predict.one_item import ModelInput

FOLDER, FILE = "golden", "expected.json"
_COUNT = 12
Floats = NDArray[np.float64]


class Examples(TypedDict):
    """The content of `expected.json`."""

    labels: list[str]
    source: str
    items: list[Example]


class Golden(NamedTuple):
    """Labels, inputs and expected probabilities (items, classes)."""

    labels: list[str]
    items: list[ModelInput]
    expected: Floats


def write_golden(
    classifier: Classifier,
    folder: Path,
    version: DatasetVersion | None,
    kept: Preparation = Preparation(),  # noqa: B008 - frozen
) -> None:
    """Write inputs and expected probabilities into `folder`; some of the test rows of `version`
    where one is given.

    Inputs are written as the network reads them, after what `kept` says was done to a row.
    """
    kind = exported_items_of(classifier.modality)
    own = kind.of_rows(version, _spread(version), kept) if version else []
    longest = kind.longest(classifier.processor)
    folder.mkdir(parents=True)
    examples = [
        kind.keep(item, folder, number)
        for number, item in enumerate(kind.golden(own, _COUNT, kept, longest))
    ]
    items = [kind.kept(example, folder) for example in examples]
    for example, row in zip(examples, classifier.probabilities(items), strict=True):
        example["probabilities"] = row.tolist()
    source = "the owner's test rows" if version else "samples"
    _write(folder, {"labels": classifier.labels, "source": source, "items": examples})


def read_golden(folder: Path, modality: str) -> Golden:
    """The examples in `folder` as a network of `modality` reads them."""
    content, kind = _read(folder), exported_items_of(modality)
    items = [kind.kept(example, folder) for example in content["items"]]
    expected = np.array([one["probabilities"] for one in content["items"]])
    return Golden(content["labels"], items, expected)


def add_int8(folder: Path, scores: Floats) -> None:
    """Note what the 8-bit network says of the inputs, which is its own: probabilities (items,
    classes).
    """
    content = _read(folder)
    for one, row in zip(content["items"], scores, strict=True):
        one["int8"] = row.tolist()
    _write(folder, content)


def read_int8(folder: Path) -> Floats:
    """Those probabilities."""
    return np.array([one["int8"] for one in _read(folder)["items"]])


def _read(folder: Path) -> Examples:
    content: Examples = json.loads((folder / FILE).read_text(encoding="utf-8"))
    return content


def _write(folder: Path, content: Examples) -> None:
    (folder / FILE).write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")


def _spread(version: DatasetVersion) -> NDArray[np.int64]:
    rows = version.rows_of("test")
    places = np.unique(np.linspace(0, len(rows) - 1, _COUNT).round().astype(int))
    spread: NDArray[np.int64] = rows[places]
    return spread
