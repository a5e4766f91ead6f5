"""Golden examples: inputs with the probabilities that the model gave when it was exported.

They come from the built-in samples, so that nothing of the owner's data leaves with the model,
unless the owner says so. One text is longer than the model reads, so that a bundle that forgets to
cut is found out.
"""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import NamedTuple, TypedDict

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from tl_core.backbones.classifier import Classifier
from tl_core.data.pictures.images import open_image
from tl_core.data.preparation import Preparation
from tl_core.data.sources.samples import sample_source
from tl_core.data.versions.store import DatasetVersion
from tl_core.predict.items import ModelInput

FOLDER, FILE = "golden", "expected.json"
_COUNT = 12
Floats = NDArray[np.float64]


class Example(TypedDict, total=False):
    """One input, a text or the name of a picture's file, with the probabilities of its classes."""

    text: str
    file: str
    probabilities: list[float]
    int8: list[float]  # what the 8-bit network says


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
    folder.mkdir(parents=True)
    items: list[ModelInput] = []
    examples: list[Example] = []
    if classifier.modality == "text":
        texts = _own_texts(version) if version else _sample_texts()
        times = 1 + 2 * int(classifier.processor.model_max_length) // max(1, len(texts[0].split()))
        for text in [*texts, " ".join([texts[0]] * times)]:
            items.append(kept.one_text(text))
            examples.append({"text": kept.one_text(text)})
    else:
        pictures = _own_pictures(version, kept) if version else _drawn_pictures()
        for number, data in enumerate(pictures):
            name = f"{number:02}.png"
            (folder / name).write_bytes(data)
            items.append(open_image(data))
            examples.append({"file": name})
    for example, row in zip(examples, classifier.probabilities(items), strict=True):
        example["probabilities"] = row.tolist()
    source = "the owner's test rows" if version else "samples"
    _write(folder, {"labels": classifier.labels, "source": source, "items": examples})


def read_golden(folder: Path) -> Golden:
    """The examples in `folder`; inputs are texts or RGB pictures."""
    content = _read(folder)
    items = [
        one["text"] if "text" in one else open_image((folder / one["file"]).read_bytes())
        for one in content["items"]
    ]
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


def _sample_texts() -> list[str]:
    with sample_source("messages", Path()).open(newline="", encoding="utf-8") as handle:
        return [row["text"] for row in csv.DictReader(handle)][:: 600 // _COUNT][:_COUNT]


def _own_texts(version: DatasetVersion) -> list[str]:
    return list(version.texts(_spread(version)))


def _own_pictures(version: DatasetVersion, kept: Preparation) -> list[bytes]:
    """As PNG of 8 bits without anything that the camera wrote beside the picture."""
    pictures = []
    for row in _spread(version):
        out = io.BytesIO()
        open_image(version.image_bytes(int(row)), kept.scale).save(out, "PNG")
        pictures.append(out.getvalue())
    return pictures


def _spread(version: DatasetVersion) -> NDArray[np.int64]:
    rows = version.rows_of("test")
    places = np.unique(np.linspace(0, len(rows) - 1, _COUNT).round().astype(int))
    spread: NDArray[np.int64] = rows[places]
    return spread


def _drawn_pictures() -> list[bytes]:
    """Shapes on noise in several sizes and modes: whole pictures, so that scaling and cropping
    matter.
    """
    random, pictures = np.random.default_rng(0), []
    for number in range(_COUNT):
        height, width = int(random.integers(40, 400)), int(random.integers(40, 400))
        picture = Image.fromarray(random.integers(0, 120, (height, width, 3), dtype=np.uint8))
        draw = ImageDraw.Draw(picture)
        for _ in range(6):
            x, y = (
                sorted(random.integers(0, width, 2).tolist()),
                sorted(random.integers(0, height, 2).tolist()),
            )
            colour = tuple(random.integers(0, 256, 3).tolist())
            (draw.ellipse if random.random() < 0.5 else draw.rectangle)(
                (x[0], y[0], x[1], y[1]), fill=colour
            )
        out = io.BytesIO()
        picture.convert("L" if number % 5 == 4 else "RGB").save(out, "PNG")
        pictures.append(out.getvalue())
    return pictures
